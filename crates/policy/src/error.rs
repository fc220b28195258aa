use std::fmt;

use crate::excerpt::one_line;
use crate::names::NameError;
use crate::{MAX_DOCUMENT_BYTES, MAX_ENTRIES, Origin};

/// Why a document cannot be read as a policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// It is too large to be stored in a cluster.
    #[error("the policy has {bytes} bytes: expected at most {MAX_DOCUMENT_BYTES}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// Not even its kind and name can be read.
    #[error("the policy cannot be read: {0}")]
    Header(Fault),
    /// It is no policy, or one of a version that is not known.
    #[error(
        "`{kind}` of `{api_version}` is no policy that is known: expected `ImagePolicy` or `ClusterImagePolicy` of `securityenforcement.admission.cloud.ibm.com/v1beta1` or `portieris.cloud.ibm.com/v1`"
    )]
    Kind {
        /// Its `kind`.
        kind: Box<str>,
        /// Its `apiVersion`.
        api_version: Box<str>,
    },
    /// Its name or namespace is none that Kubernetes accepts.
    #[error("metadata: {0}")]
    Name(#[from] NameError),
    /// It claims to be for the whole cluster and for one namespace.
    #[error(
        "metadata.namespace: the ClusterImagePolicy `{name}` names the namespace `{namespace}`: expected none, or the kind ImagePolicy"
    )]
    ClusterInNamespace {
        /// Its name.
        name: Box<str>,
        /// The namespace it names.
        namespace: Box<str>,
    },
    /// It is known which policy it is, and its content cannot be read in full.
    #[error("{origin} cannot be read: {fault}")]
    Content {
        /// Which policy. Its scope has to deny until it can be read.
        origin: Origin,
        /// What is wrong, and where.
        fault: Fault,
    },
    /// It has more entries than any policy should.
    #[error("{origin} has {count} entries: expected at most {MAX_ENTRIES}")]
    TooManyEntries {
        /// Which policy. Its scope has to deny until it can be read.
        origin: Origin,
        /// How many it has.
        count: usize,
    },
}

impl PolicyError {
    /// Which policy it is, where that could be read.
    pub fn origin(&self) -> Option<&Origin> {
        match self {
            Self::Content { origin, .. } | Self::TooManyEntries { origin, .. } => Some(origin),
            _ => None,
        }
    }

    /// Where in the document the fault is, where that is known.
    pub fn position(&self) -> Option<Position> {
        match self {
            Self::Header(fault) | Self::Content { fault, .. } => fault.position,
            _ => None,
        }
    }
}

/// What is wrong in a document, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The field, as in `spec.repositories[0].policy`; empty for the document as a whole.
    pub path: Box<str>,
    /// Line and column, where they are known.
    pub position: Option<Position>,
    /// What was found, and what was expected.
    pub message: Box<str>,
}

/// A place in a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
}

impl Fault {
    /// A fault as a parser reports it: its path may end in something unnamed, its message in the position.
    pub(crate) fn new(
        path: &str,
        position: Option<Position>,
        message: &str,
        position_in_message: Option<String>,
    ) -> Self {
        let path = path.trim_end_matches(['.', '?']);
        let message = position_in_message
            .and_then(|position| message.strip_suffix(&*position))
            .unwrap_or(message);
        Self {
            path: one_line(path).into(),
            position,
            message: one_line(message).into(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        match self.position {
            Some(Position { line, column }) => write!(f, " (line {line}, column {column})"),
            None => Ok(()),
        }
    }
}
