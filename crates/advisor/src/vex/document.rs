//! Documents of OpenVEX 0.2.0. What is not in the format is refused, since a slip of the pen in a name that narrows a statement would
//! widen it.

use jiff::Timestamp;
use serde::Deserialize;

use super::product::{Product, WrittenProduct};
use crate::excerpt::{excerpt, one_line};

const CONTEXT: &str = "https://openvex.dev/ns/v0.2.0";
/// The most statements of a document.
const MAX_STATEMENTS: usize = 10_000;
/// The most bytes of a document's name, and of its author's.
const MAX_NAME: usize = 1024;

/// The reasons for not being affected that the format has.
const JUSTIFICATIONS: [&str; 5] = [
    "component_not_present",
    "vulnerable_code_not_present",
    "vulnerable_code_not_in_execute_path",
    "vulnerable_code_cannot_be_controlled_by_adversary",
    "inline_mitigations_already_exist",
];

/// A document that was read in full.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub struct Document {
    pub(super) id: Box<str>,
    pub(super) author: Box<str>,
    pub(super) version: u64,
    pub(super) statements: Vec<Statement>,
}

/// One thing that is said of one vulnerability.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Statement {
    /// When it was known to be true.
    pub(super) at: Timestamp,
    pub(super) vulnerability: Vulnerability,
    pub(super) products: Vec<Product>,
    pub(super) status: Status,
}

/// The names of a vulnerability.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Vulnerability {
    pub(super) name: Box<str>,
    #[serde(default)]
    pub(super) aliases: Vec<Box<str>>,
    #[serde(default, rename = "@id")]
    _id: Option<String>,
    #[serde(default, rename = "description")]
    _description: Option<String>,
}

/// What a vulnerability is to a product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// It is none, and why; without a reason the statement is none.
    NotAffected(Option<Box<str>>),
    /// The product has a remedy.
    Fixed,
    Affected,
    UnderInvestigation,
    /// A word that the format does not have.
    Unknown(Box<str>),
}

/// Why a document of OpenVEX is not taken for one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// It is of another version of the format, or of none.
    #[error("its @context is `{found}`: expected `{CONTEXT}`")]
    Context {
        /// What it says.
        found: Box<str>,
    },
    /// A name is empty or longer than any that is kept.
    #[error("{field}: expected 1 to {MAX_NAME} bytes")]
    Name {
        /// The field.
        field: &'static str,
    },
    /// Versions count from one.
    #[error("version: expected 1 or more")]
    Version,
    /// It has more statements than are read.
    #[error("statements: expected at most {MAX_STATEMENTS}")]
    Statements,
    /// It is not what a document looks like.
    #[error("{0}")]
    Shape(Box<str>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(rename = "@context")]
    context: Box<str>,
    #[serde(rename = "@id")]
    id: Box<str>,
    author: Box<str>,
    timestamp: Timestamp,
    version: u64,
    statements: Vec<WrittenStatement>,
    #[serde(default, rename = "role")]
    _role: Option<String>,
    #[serde(default, rename = "last_updated")]
    _last_updated: Option<Timestamp>,
    #[serde(default, rename = "tooling")]
    _tooling: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenStatement {
    vulnerability: Vulnerability,
    status: Box<str>,
    #[serde(default)]
    timestamp: Option<Timestamp>,
    #[serde(default)]
    products: Vec<WrittenProduct>,
    #[serde(default)]
    justification: Option<Box<str>>,
    #[serde(default)]
    impact_statement: Option<Box<str>>,
    #[serde(default, rename = "@id")]
    _id: Option<String>,
    #[serde(default, rename = "version")]
    _version: Option<u64>,
    #[serde(default, rename = "last_updated")]
    _last_updated: Option<Timestamp>,
    #[serde(default, rename = "supplier")]
    _supplier: Option<String>,
    #[serde(default, rename = "status_notes")]
    _status_notes: Option<String>,
    #[serde(default, rename = "action_statement")]
    _action_statement: Option<String>,
    #[serde(default, rename = "action_statement_timestamp")]
    _action_statement_timestamp: Option<Timestamp>,
}

impl Document {
    /// Reads a document that stands alone. What is attached to images comes in attestations.
    pub fn from_json(json: &[u8]) -> Result<Self, DocumentError> {
        let shape = |error: serde_json::Error| DocumentError::Shape(one_line(&error.to_string()));
        let written: Written = serde_json::from_slice(json).map_err(shape)?;
        written.try_into()
    }
}

impl TryFrom<Written> for Document {
    type Error = DocumentError;

    fn try_from(written: Written) -> Result<Self, DocumentError> {
        if *written.context != *CONTEXT {
            let found = excerpt(&written.context);
            return Err(DocumentError::Context { found });
        }
        if written.version == 0 {
            return Err(DocumentError::Version);
        }
        if written.statements.len() > MAX_STATEMENTS {
            return Err(DocumentError::Statements);
        }
        let issued_at = written.timestamp;
        let statements = written.statements.into_iter();
        Ok(Self {
            id: checked("@id", &written.id)?,
            author: checked("author", &written.author)?,
            version: written.version,
            statements: statements.map(|one| one.issued(issued_at)).collect(),
        })
    }
}

fn checked(field: &'static str, name: &str) -> Result<Box<str>, DocumentError> {
    let name = name.trim();
    if (1..=MAX_NAME).contains(&name.len()) {
        Ok(name.into())
    } else {
        Err(DocumentError::Name { field })
    }
}

impl WrittenStatement {
    /// A statement without a time has its document's.
    fn issued(self, issued_at: Timestamp) -> Statement {
        let reason = reason(
            self.justification.as_deref(),
            self.impact_statement.as_deref(),
        );
        Statement {
            at: self.timestamp.unwrap_or(issued_at),
            vulnerability: self.vulnerability,
            products: self.products.into_iter().map(Product::from).collect(),
            status: match &*self.status {
                "not_affected" => Status::NotAffected(reason),
                "fixed" => Status::Fixed,
                "affected" => Status::Affected,
                "under_investigation" => Status::UnderInvestigation,
                unknown => Status::Unknown(excerpt(unknown)),
            },
        }
    }
}

/// A justification of the format stands before a sentence; one that is not of the format is none.
fn reason(justification: Option<&str>, impact: Option<&str>) -> Option<Box<str>> {
    let sentence = impact.map(str::trim).filter(|impact| !impact.is_empty());
    match (justification, sentence) {
        (Some(label), _) if !JUSTIFICATIONS.contains(&label) => None,
        (Some(label), None) => Some(label.into()),
        (Some(label), Some(sentence)) => Some(format!("{label}: {}", one_line(sentence)).into()),
        (None, sentence) => sentence.map(one_line),
    }
}

impl Status {
    /// The word for it.
    pub(super) fn word(&self) -> &str {
        match self {
            Self::NotAffected(_) => "not_affected",
            Self::Fixed => "fixed",
            Self::Affected => "affected",
            Self::UnderInvestigation => "under_investigation",
            Self::Unknown(word) => word,
        }
    }

    /// Is it one of those that may forgive?
    pub(super) fn may_forgive(&self) -> bool {
        matches!(self, Self::NotAffected(_) | Self::Fixed)
    }
}
