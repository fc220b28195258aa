//! Why an image is refused.

use std::sync::Arc;

use cise_advisor::Unadvised;
use cise_advisor::assessment::{Assessment, Headline, RulesError};
use cise_policy::{Policy, Unreadable};
use cise_reference::{Digest, Host, ReferenceError, Tag};
use cise_registry::{Fault, RegistryError};
use cise_signature::Refusal;
use cise_signature::notary::SignerError;

use crate::requirement::Requirement;
use crate::sources::SourceError;

/// Why an image is refused. What is said about each is in one place, the module `messages`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Reason {
    /// Neither the namespace nor the cluster has a policy.
    NoPolicies,
    /// No entry of the policies in force matches the image.
    NoEntryMatches {
        /// The policies in force.
        policies: Vec<String>,
    },
    /// A policy in force cannot be read, so that what it demands is unknown.
    PolicyUnreadable {
        /// The policy.
        policy: String,
        /// What is wrong with it.
        why: String,
    },
    /// The container or volume names no image.
    NoImage,
    /// The image is no reference.
    InvalidReference(ReferenceError),
    /// Content trust is not proven.
    Trust(Refusal),
    /// A secret that names a required signer is missing, or does not name one.
    SignerSecret {
        /// The namespace that the secret is looked for in.
        namespace: String,
        /// What is wrong with it.
        error: SignerError,
    },
    /// The Vulnerability Advisor does not cover the registry.
    AdvisorNotConfigured {
        /// The registry.
        registry: Host,
    },
    /// The configuration names another Vulnerability Advisor for the registry, which this version cannot ask.
    AdvisorElsewhere {
        /// The registry.
        registry: Host,
    },
    /// The entry's rules for the Vulnerability Advisor cannot be read.
    AdvisorRules(RulesError),
    /// The Vulnerability Advisor gives no assessment.
    Unadvised(Unadvised),
    /// The Vulnerability Advisor's assessment does not admit the image.
    Vulnerable {
        /// The assessment.
        assessment: Arc<Assessment>,
        /// What of it refuses the image.
        headline: Headline,
    },
    /// Requirements of this kind cannot be verified by this version.
    NotVerifiable(Requirement),
    /// A secret or service account could not be read.
    SecretsUnreadable(SourceError),
    /// The registry did not say which digest the tag points to.
    Unresolved(Box<RegistryError>),
    /// The tag that the policy matched does not point to the digest beside it.
    TagMoved {
        /// The tag.
        tag: Tag,
        /// The digest that the image names.
        named: Digest,
        /// The digest that the registry gives the tag.
        found: Digest,
    },
    /// Two requirements hold for two different digests.
    DigestsDiffer {
        /// One of them.
        one: Digest,
        /// Another one.
        other: Digest,
    },
    /// The policy pins images, and this one comes to the validating pass without a digest.
    NotPinned,
    /// The time of the request was over before this step was done.
    Late {
        /// What was being waited for.
        step: Step,
        /// The namespace whose secrets, or the host that was slow.
        place: Arc<str>,
    },
    /// Nothing is known about a requirement that must hold.
    NotChecked(Requirement),
    /// Nothing is known about the digest that the image would run with.
    DigestUnknown,
    /// A fault of this program.
    Internal,
}

/// What a request waited for when its time was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Secrets and service accounts.
    Secrets,
}

/// How many policies a reason names.
const MAX_POLICIES: usize = 5;

impl Reason {
    pub(crate) fn no_entry_matches(policies: &[Arc<Policy>]) -> Self {
        let mut names: Vec<String> = policies
            .iter()
            .take(MAX_POLICIES)
            .map(|policy| policy.origin().to_string())
            .collect();
        if let Some(others) = policies
            .len()
            .checked_sub(MAX_POLICIES)
            .filter(|others| *others > 0)
        {
            names.push(format!("{others} more"));
        }
        Self::NoEntryMatches { policies: names }
    }

    pub(crate) fn unreadable(policy: &Unreadable) -> Self {
        Self::PolicyUnreadable {
            policy: policy.origin.to_string(),
            why: policy.reason.to_string(),
        }
    }

    /// Whether other credentials might change it.
    pub(crate) fn is_of_credentials(&self) -> bool {
        match self {
            Self::Trust(refusal) => refusal.is_of_credentials(),
            Self::Unresolved(error) => error.fault() == Fault::Credentials,
            Self::Unadvised(error) => error.is_of_credentials(),
            _ => false,
        }
    }

    /// The reason in kebab case: a stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoPolicies => "no-policies",
            Self::NoEntryMatches { .. } => "no-entry-matches",
            Self::PolicyUnreadable { .. } => "policy-unreadable",
            Self::NoImage => "no-image",
            Self::InvalidReference(_) => "invalid-reference",
            Self::Trust(refusal) => refusal.code(),
            Self::SignerSecret { .. } => "signer-secret",
            Self::AdvisorNotConfigured { .. } => "advisor-not-supported",
            Self::Unadvised(Unadvised::Indexing(_)) => Headline::Unscanned.code(),
            Self::AdvisorElsewhere { .. } | Self::Unadvised(_) => "advisor-not-available",
            Self::AdvisorRules(_) => "advisor-rules",
            Self::Vulnerable { headline, .. } => headline.code(),
            Self::NotVerifiable(_) => "requirement-not-supported",
            Self::SecretsUnreadable(_) => "secrets-unreadable",
            Self::Unresolved(_) => "digest-unresolved",
            Self::TagMoved { .. } => "tag-moved",
            Self::DigestsDiffer { .. } => "digests-differ",
            Self::NotPinned => "not-pinned",
            Self::Late { .. } => "deadline",
            Self::NotChecked(_) => "not-checked",
            Self::DigestUnknown => "digest-unknown",
            Self::Internal => "internal-error",
        }
    }
}
