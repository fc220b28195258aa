//! One generation of policies, with what has been compiled of its entries.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use cise_policy::{EntryId, Policies};
use cise_signature::notary;

use crate::sources::SecretData;

/// The generation in force. It is replaced when the source of policies gives another one.
#[derive(Default)]
pub(crate) struct Generations(ArcSwap<Generation>);

/// The policies of one moment, and the verifiers that their entries were compiled into.
#[derive(Default)]
pub(crate) struct Generation {
    policies: Arc<Policies>,
    trust: Mutex<HashMap<EntryId, CompiledTrust>>,
}

/// A verifier, and the secrets that it was compiled from.
struct CompiledTrust {
    secrets: Vec<Arc<SecretData>>,
    requirement: Arc<notary::Requirement>,
}

impl Generations {
    /// The generation of these policies.
    pub(crate) fn of(&self, policies: Arc<Policies>) -> Arc<Generation> {
        let current = self.0.load_full();
        if Arc::ptr_eq(&current.policies, &policies) {
            return current;
        }
        let fresh = Arc::new(Generation {
            policies,
            trust: Mutex::default(),
        });
        self.0.store(Arc::clone(&fresh));
        fresh
    }
}

impl Generation {
    pub(crate) fn policies(&self) -> &Policies {
        &self.policies
    }

    /// What the entry's trust was compiled into, provided that it was from these very secrets.
    pub(crate) fn kept_trust(
        &self,
        entry: EntryId,
        secrets: &[Arc<SecretData>],
    ) -> Option<Arc<notary::Requirement>> {
        let kept = self.trust.lock().unwrap_or_else(PoisonError::into_inner);
        let compiled = kept
            .get(&entry)
            .filter(|compiled| are_same(&compiled.secrets, secrets))?;
        Some(Arc::clone(&compiled.requirement))
    }

    /// Keeps what the entry's trust was compiled into.
    pub(crate) fn keep_trust(
        &self,
        entry: EntryId,
        secrets: Vec<Arc<SecretData>>,
        requirement: Arc<notary::Requirement>,
    ) {
        let mut kept = self.trust.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(
            entry,
            CompiledTrust {
                secrets,
                requirement,
            },
        );
    }
}

/// Comparing addresses is enough: what is kept holds its secrets alive, so that no other can have the address of one.
fn are_same(one: &[Arc<SecretData>], other: &[Arc<SecretData>]) -> bool {
    one.len() == other.len()
        && one
            .iter()
            .zip(other)
            .all(|(one, other)| Arc::ptr_eq(one, other))
}
