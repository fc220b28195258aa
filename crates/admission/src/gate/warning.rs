//! What the author of a policy or an exemption should know.

use std::collections::BTreeSet;

use cise_advisor::exemption::{Breadth, Exemption};
use cise_policy::{Entry, Lint, Policies, Policy, lint};
use cise_signature::notary::{SignerError, TrustServers};
use jiff::Timestamp;

use super::object::StoredObject;
use crate::requirement::Requirement;
use crate::sources::SourceError;

/// Something that works, and that the author of a policy or an exemption should know. Texts are as they were written, of any length.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PolicyWarning {
    /// The policy was stored before, and cannot be read.
    Unreadable {
        /// Which one.
        policy: String,
        /// What is wrong with it.
        why: String,
    },
    /// The exemption was stored before, and cannot be read.
    ExemptionUnreadable {
        /// Which one.
        exemption: String,
        /// What is wrong with it.
        why: String,
    },
    /// The end of the exemption is over.
    ExemptionOver {
        /// The end.
        expires: String,
    },
    /// The exemption reaches further than the repositories of a registry.
    ExemptionBroad {
        /// How far.
        breadth: Breadth,
    },
    /// A secret that names a required signer is missing, or does not name one.
    SignerSecret {
        /// The namespace that the secret is looked for in.
        namespace: String,
        /// What is wrong with it.
        error: SignerError,
    },
    /// Secrets could not be looked at.
    SecretsUnread(SecretsUnread),
    /// Trust is required of images whose registry has no trust server.
    NoTrustServer {
        /// The entry's pattern.
        pattern: String,
        /// The registry.
        registry: String,
    },
    /// This version cannot verify a requirement, and refuses what is under it.
    NotVerifiable {
        /// The entry's pattern.
        pattern: String,
        /// The requirement.
        requirement: Requirement,
    },
    /// Another entry has the same pattern, and requires something else. Both apply.
    Tie {
        /// The entry's pattern.
        pattern: String,
        /// The policy with the other one.
        policy: String,
    },
    /// A more specific entry of another policy applies in the entry's place, and requires less.
    Shadowed {
        /// The entry's pattern.
        pattern: String,
        /// The other one's pattern.
        by: String,
        /// The policy with the other one.
        policy: String,
    },
    /// A pattern looks like a registry's host, and is a repository on Docker Hub.
    LooksLikeHost {
        /// The pattern.
        pattern: String,
        /// The repository.
        repository: String,
    },
    /// An entry verifies images and does not pin their tags.
    VerifiedTagNotPinned {
        /// The entry's pattern.
        pattern: String,
    },
    /// An entry names an account, and exemptions are resources here.
    AccountNamed {
        /// The entry's pattern.
        pattern: String,
    },
}

/// Why secrets could not be looked at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretsUnread {
    /// The source failed.
    #[error(transparent)]
    Failed(#[from] SourceError),
    /// It took too long.
    #[error("there was no answer in time")]
    Late,
}

impl PolicyWarning {
    /// The warning in kebab case: a stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "policy-unreadable",
            Self::ExemptionUnreadable { .. } => "exemption-unreadable",
            Self::ExemptionOver { .. } => "exemption-over",
            Self::ExemptionBroad { .. } => "exemption-broad",
            Self::SignerSecret { .. } => "signer-secret",
            Self::SecretsUnread(_) => "secrets-unreadable",
            Self::NoTrustServer { .. } => "no-trust-server",
            Self::NotVerifiable { .. } => "requirement-not-supported",
            Self::Tie { .. } => "entry-ties",
            Self::Shadowed { .. } => "entry-shadowed",
            Self::LooksLikeHost { .. } => "pattern-looks-like-host",
            Self::VerifiedTagNotPinned { .. } => "tag-not-pinned",
            Self::AccountNamed { .. } => "account-named",
        }
    }
}

/// That what is stored cannot be read.
pub(super) fn unreadable(object: &StoredObject, why: String) -> PolicyWarning {
    let name = object.to_string();
    match object {
        StoredObject::Policy(_) => PolicyWarning::Unreadable { policy: name, why },
        StoredObject::Exemption(_) => PolicyWarning::ExemptionUnreadable {
            exemption: name,
            why,
        },
    }
}

/// What can be said of an exemption.
pub(super) fn of_exemption(exemption: &Exemption, now: Timestamp) -> Vec<PolicyWarning> {
    let spec = exemption.spec();
    let end = spec.expires.as_ref().filter(|_| exemption.is_over(now));
    let over = end.map(|end| PolicyWarning::ExemptionOver {
        expires: end.to_string(),
    });
    let breadth = spec.breadth();
    let broad =
        (breadth > Breadth::Repositories).then_some(PolicyWarning::ExemptionBroad { breadth });
    over.into_iter().chain(broad).collect()
}

/// What can be said of a policy's entries without looking at anything else.
pub(super) fn of_entries(policy: &Policy, trust_servers: &TrustServers) -> Vec<PolicyWarning> {
    let mut registries = BTreeSet::new();
    let no_server = policy.entries().iter().filter_map(|entry| {
        let registry = registry_without_trust_server(entry, trust_servers)?;
        registries
            .insert(registry.clone())
            .then(|| PolicyWarning::NoTrustServer {
                pattern: written(entry),
                registry,
            })
    });
    let mut warnings: Vec<_> = no_server.collect();
    warnings.extend(policy.entries().iter().flat_map(not_verifiable));
    warnings
}

/// A pattern for several registries may well have images in one that has a trust server.
fn registry_without_trust_server(entry: &Entry, trust_servers: &TrustServers) -> Option<String> {
    let trust = entry.requirements.trust.as_ref()?;
    let registry = entry.pattern.registry()?;
    let is_known = trust.server.is_some() || trust_servers.has_one_for(&registry);
    (!is_known).then(|| registry.to_string())
}

fn not_verifiable(entry: &Entry) -> impl Iterator<Item = PolicyWarning> {
    Requirement::all_of(&entry.requirements)
        .filter(|requirement| !requirement.is_verifiable())
        .map(|requirement| PolicyWarning::NotVerifiable {
            pattern: written(entry),
            requirement,
        })
}

/// What can be said of a policy beside those in force.
pub(super) fn beside(policy: &Policy, in_force: &Policies) -> Vec<PolicyWarning> {
    let mut told = BTreeSet::new();
    let lints = lint(policy, in_force.entries()).into_iter();
    lints
        .filter_map(of_lint)
        // Two entries of one policy each tie with the other.
        .filter(|warning| told.insert(format!("{warning:?}")))
        .collect()
}

fn of_lint(lint: Lint<'_>) -> Option<PolicyWarning> {
    Some(match lint {
        Lint::Tie { entry, other } => PolicyWarning::Tie {
            pattern: written(entry),
            policy: other.origin.to_string(),
        },
        Lint::Shadowed { entry, by } => PolicyWarning::Shadowed {
            pattern: written(entry),
            by: written(by.entry),
            policy: by.origin.to_string(),
        },
        Lint::LooksLikeHost { entry } => PolicyWarning::LooksLikeHost {
            pattern: written(entry),
            repository: entry.pattern.to_string(),
        },
        Lint::VerifiedTagNotPinned { entry } => PolicyWarning::VerifiedTagNotPinned {
            pattern: written(entry),
        },
        Lint::AccountNamed { entry } => PolicyWarning::AccountNamed {
            pattern: written(entry),
        },
        _ => return None,
    })
}

fn written(entry: &Entry) -> String {
    entry.pattern.as_written().to_owned()
}
