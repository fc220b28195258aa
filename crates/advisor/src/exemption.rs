//! Issues that somebody answers for: which do not count, of which images, and until when.
//!
//! An exemption is a resource of `securityenforcement.admission.cloud.ibm.com/v1beta1`, an `ImageExemption` for the pods of its
//! namespace or a `ClusterImageExemption` for all. [`Exemptions`] compiles all of them for look-ups by issue, and
//! [`Exemptions::applying_to`] narrows them down to one image in one place at one time.

mod breadth;
mod compiled;
mod document;
mod error;
mod expiry;
mod issue;
mod scope;
mod spec;
mod subject;
#[cfg(test)]
mod tests;

pub use breadth::Breadth;
pub use compiled::{Applicable, Exemptions};
pub use document::{from_json, from_value, from_yaml};
pub use error::ExemptionError;
pub use expiry::{Expiry, ExpiryError};
pub use issue::{IssueId, IssueIdError, IssueType};
pub use scope::images_of_scope;
pub use spec::{ExemptionSpec, MAX_IMAGES, MAX_OWNER, MAX_REASON};
pub use subject::{Subject, TagBinding};

use std::fmt;

use cise_policy::{Namespace, PatternMatch, check_name};
use jiff::Timestamp;

/// An exemption that was read in full.
#[derive(Clone, Debug, PartialEq)]
pub struct Exemption {
    origin: Origin,
    spec: ExemptionSpec,
}

/// Which resource an exemption comes from. It is displayed as `kubectl` names it: `ImageExemption team/openssl`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    scope: Scope,
    name: Box<str>,
}

/// Whose pods an exemption is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Everybody's: it is a `ClusterImageExemption`.
    Cluster,
    /// Those of one namespace: it is an `ImageExemption` in it.
    Namespace(Namespace),
}

/// Is this a kind that exemptions are of?
pub fn is_kind(kind: &str) -> bool {
    matches!(kind, "ImageExemption" | "ClusterImageExemption")
}

impl Exemption {
    /// An exemption, if what it says can hold.
    pub fn new(origin: Origin, spec: ExemptionSpec) -> Result<Self, ExemptionError> {
        match spec.check() {
            Ok(()) => Ok(Self { origin, spec }),
            Err(fault) => Err(ExemptionError::Content { origin, fault }),
        }
    }

    /// Which resource it comes from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// What it says.
    pub fn spec(&self) -> &ExemptionSpec {
        &self.spec
    }

    /// Is its time over?
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.spec
            .expires
            .as_ref()
            .is_some_and(|expiry| expiry.at() <= now)
    }

    /// Does it speak of this image in this place, whatever the issue and the time?
    pub fn covers(&self, subject: &Subject) -> bool {
        let reaches = match &self.origin.scope {
            Scope::Cluster => true,
            Scope::Namespace(namespace) => subject.namespace() == Some(namespace),
        };
        let matches = |pattern: &cise_policy::Pattern| match pattern.matches(subject.reference()) {
            PatternMatch::Yes => true,
            PatternMatch::YesIfTagBound => subject.tag() == TagBinding::Proven,
            PatternMatch::No => false,
        };
        reaches && self.spec.images.iter().any(matches)
    }
}

impl Origin {
    /// A resource of that name; refuses one that Kubernetes would.
    pub fn new(scope: Scope, name: &str) -> Result<Self, cise_policy::NameError> {
        check_name(name)?;
        let name = name.into();
        Ok(Self { scope, name })
    }

    /// Whose pods it is for.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The name of the resource.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Scope {
    /// The kind of the resources with this scope.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Cluster => "ClusterImageExemption",
            Self::Namespace(_) => "ImageExemption",
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.scope {
            Scope::Cluster => write!(f, "{} {}", self.scope.kind(), self.name),
            Scope::Namespace(namespace) => {
                write!(
                    f,
                    "{} {}/{}",
                    self.scope.kind(),
                    namespace.as_str(),
                    self.name
                )
            }
        }
    }
}
