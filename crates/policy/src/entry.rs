use cise_reference::Reference;

use crate::{Opaque, Pattern, PatternMatch, SecretName, TrustServer};

/// One entry of a policy's `spec.repositories`: what is required of the images that its pattern matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which images.
    pub pattern: Pattern,
    /// What they must meet.
    pub requirements: Requirements,
    /// What becomes of the tag of an image that is admitted.
    pub pinning: Pinning,
    /// What becomes of an image that does not meet them.
    pub mode: Mode,
}

/// What an entry demands of an image. All of it must hold, and all of it must agree on one digest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requirements {
    /// Docker Content Trust.
    pub trust: Option<Trust>,
    /// What the Vulnerability Advisor must say; each of them must hold, and there are none if it is not asked.
    pub vulnerability: Vec<Vulnerability>,
    /// GPG simple signing.
    pub simple: Option<Opaque>,
    /// Sigstore signatures.
    pub cosign: Option<Opaque>,
    /// Notary Project signatures.
    pub notation: Option<Opaque>,
}

/// Docker Content Trust (Notary v1): the image is signed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Trust {
    /// The trust server to ask, where it is not that of the registry's configuration.
    pub server: Option<TrustServer>,
    /// Who must have signed, all of them: Secrets with a signer's `name` and `publicKey`. None named: anybody.
    ///
    /// They are in the policy's own namespace, or in that of the enforcement itself for a `ClusterImagePolicy`.
    pub signer_secrets: Vec<SecretName>,
}

/// What the Vulnerability Advisor must say of the image.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Vulnerability {
    /// It passes under the advisor's default rules, with the exemptions of an account if one is named.
    Standard {
        /// The account whose exemptions apply.
        account: Option<Box<str>>,
    },
    /// It passes under rules of the entry's own.
    Custom(Opaque),
}

/// What becomes of the tag of an image that is admitted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pinning {
    /// It is pinned to the digest that was verified.
    #[default]
    Pin,
    /// It stays as it is; what runs later may be another digest.
    KeepTag,
}

/// What becomes of an image that does not meet an entry's requirements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// It is denied.
    #[default]
    Enforce,
    /// It is admitted, and the requester is warned.
    Warn,
    /// It is admitted, and recorded.
    Audit,
}

impl Entry {
    /// Does the entry speak of `reference`?
    ///
    /// A tag cannot vouch for a digest beside it: where a requirement will prove the two to belong together, the answer is
    /// [`PatternMatch::YesIfTagBound`]; where nothing would, it is `No`.
    pub fn matches(&self, reference: &Reference) -> PatternMatch {
        match self.pattern.matches(reference) {
            PatternMatch::YesIfTagBound if self.requirements.is_empty() => PatternMatch::No,
            found => found,
        }
    }
}

impl Requirements {
    /// Is nothing demanded, so that an image is admitted at once?
    pub fn is_empty(&self) -> bool {
        let Self {
            trust,
            vulnerability,
            simple,
            cosign,
            notation,
        } = self;
        trust.is_none()
            && vulnerability.is_empty()
            && [simple, cosign, notation].iter().all(|one| one.is_none())
    }
}
