//! in-toto statements: what is said, and of what.

use std::collections::BTreeMap;

use cise_reference::Digest;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::envelope::check;

/// The types of statements. They differ in nothing that is read.
const TYPES: [&str; 2] = [
    "https://in-toto.io/Statement/v0.1",
    "https://in-toto.io/Statement/v1",
];
/// The most subjects of one statement.
const MAX_SUBJECTS: usize = 1024;

/// What a statement is about, and of which type its predicate is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    predicate_type: Box<str>,
    subjects: Vec<BTreeMap<Box<str>, Box<str>>>,
}

/// Why a payload is no statement that can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// It is not what a statement looks like.
    #[error("its payload is no statement: {0}")]
    Malformed(Box<str>),
    /// It is of another type.
    #[error("its payload is a statement of an unknown type")]
    Type,
    /// It has more subjects than are read.
    #[error("its statement has more than {MAX_SUBJECTS} subjects")]
    TooManySubjects,
    /// The predicate is not what its type says.
    #[error("its predicate cannot be read: {0}")]
    Predicate(Box<str>),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    #[serde(rename = "_type")]
    statement_type: String,
    subject: Vec<Subject>,
    predicate_type: Box<str>,
    /// It has to be there; what it says is read by whoever knows its type.
    #[serde(rename = "predicate")]
    _predicate: IgnoredAny,
}

#[derive(Deserialize)]
struct Subject {
    digest: BTreeMap<Box<str>, Box<str>>,
}

#[derive(Deserialize)]
struct Whole<P> {
    predicate: P,
}

impl Statement {
    /// Reads a statement. No key may be there twice, in the predicate neither: two readers might see two statements.
    pub fn parse(json: &[u8]) -> Result<Self, StatementError> {
        check(json).map_err(StatementError::Malformed)?;
        let written: Written = serde_json::from_slice(json).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            let why = format!("its fields are not those of one (line {line}, column {column})");
            StatementError::Malformed(why.into())
        })?;
        if !TYPES.contains(&written.statement_type.as_str()) {
            return Err(StatementError::Type);
        }
        if written.subject.len() > MAX_SUBJECTS {
            return Err(StatementError::TooManySubjects);
        }
        let subjects = written.subject.into_iter().map(|subject| subject.digest);
        Ok(Self {
            predicate_type: written.predicate_type,
            subjects: subjects.collect(),
        })
    }

    /// The type of the predicate, as it is written.
    pub fn predicate_type(&self) -> &str {
        &self.predicate_type
    }

    /// Is one of the subjects the content with that digest?
    pub fn is_about(&self, digest: &Digest) -> bool {
        let (algorithm, hex) = (digest.algorithm().as_str(), digest.hex());
        let mut subjects = self.subjects.iter();
        subjects.any(|digests| digests.get(algorithm).map(AsRef::as_ref) == Some(hex))
    }
}

/// The predicate of a statement that was read. The error says where, and what was expected; it may hold text of the payload, cut
/// short.
pub(super) fn predicate<P: DeserializeOwned>(payload: &[u8]) -> Result<P, StatementError> {
    let whole: Result<Whole<P>, _> = serde_json::from_slice(payload);
    whole
        .map(|whole| whole.predicate)
        .map_err(|error| StatementError::Predicate(shown(&error.to_string())))
}

/// A message about foreign text, fit for a line. All that would have been expected is not.
fn shown(message: &str) -> Box<str> {
    let message = message
        .split(", expected one of")
        .next()
        .unwrap_or_default();
    let printable = |character: char| match character {
        ' '..='~' => character,
        _ => '?',
    };
    message
        .chars()
        .take(100)
        .map(printable)
        .collect::<String>()
        .into()
}
