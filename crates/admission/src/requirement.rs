//! What an entry may demand of an image, as far as verdicts tell requirements apart.

use std::fmt;

use cise_policy::Requirements;

use crate::hook::Hook;

/// One thing that an entry demands of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Requirement {
    /// Docker Content Trust (Notary v1).
    Trust,
    /// GPG simple signing.
    Simple,
    /// Sigstore signatures.
    Cosign,
    /// Notary Project signatures.
    Notation,
    /// A verdict of the Vulnerability Advisor.
    Vulnerability,
}

impl Requirement {
    /// What these requirements demand, in the order in which messages speak of it.
    pub(crate) fn all_of(requirements: &Requirements) -> impl Iterator<Item = Self> {
        // Naming each field keeps a requirement that is added to the policies from being passed over here.
        let Requirements {
            trust,
            vulnerability,
            simple,
            cosign,
            notation,
        } = requirements;
        [
            (trust.is_some(), Self::Trust),
            (simple.is_some(), Self::Simple),
            (cosign.is_some(), Self::Cosign),
            (notation.is_some(), Self::Notation),
            (!vulnerability.is_empty(), Self::Vulnerability),
        ]
        .into_iter()
        .filter_map(|(is_demanded, requirement)| is_demanded.then_some(requirement))
    }

    /// Whether this webhook is the one that checks it.
    pub(crate) fn is_checked_by(self, hook: Hook) -> bool {
        match self {
            Self::Trust | Self::Simple | Self::Cosign | Self::Notation => {
                hook.verifies_signatures()
            }
            Self::Vulnerability => hook.asks_advisor(),
        }
    }

    /// Whether this version can find out if it is met. What it cannot, it refuses.
    pub(crate) fn is_verifiable(self) -> bool {
        match self {
            Self::Trust | Self::Vulnerability => true,
            Self::Simple | Self::Cosign | Self::Notation => false,
        }
    }

    /// The requirement's field in a policy.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trust => "trust",
            Self::Simple => "simple",
            Self::Cosign => "cosign",
            Self::Notation => "notation",
            Self::Vulnerability => "va",
        }
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
