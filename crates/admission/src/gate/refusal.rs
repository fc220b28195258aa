//! Why a policy or an exemption is not stored.

use crate::review::Operation;

/// Why a policy or an exemption is not stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyRefusal {
    /// The request is about something else.
    #[error("{operation} of {resource} is no writing of a policy or an exemption")]
    NoPolicy {
        /// What is done.
        operation: Operation,
        /// Group, version, resource and subresource.
        resource: String,
    },
    /// There is nothing to judge.
    #[error("the request carries no object")]
    NoObject,
    /// The object is of another group, kind or namespace than the request.
    #[error("the object calls itself {object}, which is not what the request is about")]
    Elsewhere {
        /// What it calls itself.
        object: String,
    },
    /// The policy cannot be read in full. Stored, it would make its scope deny everything, or turn a check off.
    #[error("{}", Cause { field, why })]
    Unreadable {
        /// The field, as in `spec.repositories[0].policy`; empty for the policy as a whole.
        field: String,
        /// What was found there, and what was expected.
        why: String,
    },
    /// The exemption cannot be read in full. Stored, it would exempt nothing.
    #[error("{}", Cause { field, why })]
    ExemptionUnreadable {
        /// The field, as in `spec.issueID`; empty for the exemption as a whole.
        field: String,
        /// What was found there, and what was expected.
        why: String,
    },
    /// An exemption of one namespace speaks of every image of every registry.
    #[error("{}", Cause { field: "spec.images", why: ACCOUNT_SCOPE })]
    AccountScope,
    /// The namespace has been left to itself until now, and the webhooks could not be put back for it.
    #[error("the webhooks are not called for namespace {namespace} yet: {why}")]
    NotCovered {
        /// The namespace.
        namespace: String,
        /// Why not.
        why: String,
    },
}

const ACCOUNT_SCOPE: &str = "`*` is every image of the account: expected patterns of repositories, or the kind ClusterImageExemption";

/// A field, and what is wrong with it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cause<'a> {
    pub(crate) field: &'a str,
    pub(crate) why: &'a str,
}

impl std::fmt::Display for Cause<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.field {
            "" => f.write_str(self.why),
            field => write!(f, "{field}: {}", self.why),
        }
    }
}

impl PolicyRefusal {
    /// The reason in kebab case: a stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoPolicy { .. } | Self::NoObject | Self::Elsewhere { .. } => "request-refused",
            Self::Unreadable { .. } => "policy-unreadable",
            Self::ExemptionUnreadable { .. } => "exemption-unreadable",
            Self::AccountScope => "exemption-of-account",
            Self::NotCovered { .. } => "namespace-not-covered",
        }
    }

    /// The field that is to be corrected, where there is one to be.
    pub(crate) fn cause(&self) -> Option<Cause<'_>> {
        match self {
            Self::Unreadable { field, why } | Self::ExemptionUnreadable { field, why } => {
                Some(Cause { field, why })
            }
            Self::AccountScope => Some(Cause {
                field: "spec.images",
                why: ACCOUNT_SCOPE,
            }),
            _ => None,
        }
    }
}
