use std::sync::Arc;

use crate::notary::Denial;

/// Why an image does not count as signed. `Display` is a whole sentence that says what was found, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Content trust is asked for, and no trust server is known for the registry.
    #[error(
        "no trust server is known for {registry}: set `trustServer` in the policy entry, or for this host under \
         `registries` in the configuration"
    )]
    UnsupportedRegistry {
        /// The registry's host.
        registry: Arc<str>,
    },
    /// Content trust was asked, and does not vouch for the image.
    #[error(transparent)]
    ContentTrust(Box<Denial>),
}

impl From<Denial> for Refusal {
    fn from(denial: Denial) -> Self {
        Self::ContentTrust(Box::new(denial))
    }
}

/// The kinds of refusals that are told apart in what users see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefusalKind {
    /// The registry's images cannot be verified in this way at all.
    Unsupported,
    /// The image is not signed as required.
    Untrusted,
    /// It could not be found out in time whether it is; trying again may help.
    Undecided,
}

impl Refusal {
    /// Which kind it is.
    pub fn kind(&self) -> RefusalKind {
        match self {
            Self::UnsupportedRegistry { .. } => RefusalKind::Unsupported,
            Self::ContentTrust(denial) => denial.reason().kind(),
        }
    }

    /// Whether other credentials might change it.
    pub fn is_of_credentials(&self) -> bool {
        match self {
            Self::UnsupportedRegistry { .. } => false,
            Self::ContentTrust(denial) => denial.reason().is_of_credentials(),
        }
    }

    /// A stable name of the reason in kebab-case, for machines.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnsupportedRegistry { .. } => "trust-unsupported-registry",
            Self::ContentTrust(denial) => denial.reason().code(),
        }
    }
}
