//! Pull secrets, and which of their credentials may do for a repository: by the kubelet's rules.

mod document;
mod forwarded;
mod key;

use std::sync::Arc;

use cise_reference::Repository;

use crate::credential::{Candidate, Candidates};
use key::RegistryKey;

pub use document::{DockerConfig, DockerConfigError};

/// The credentials of pull secrets, ordered as the kubelet tries them.
///
/// The secrets of one pod make one ring: within it the keys of all secrets are ordered together, so that a key with a longer
/// path comes before a shorter one of the same host; equal keys keep the order of the secrets. Rings follow each other whole.
/// Cloning is cheap.
#[derive(Clone, Debug, Default)]
pub struct Keyring {
    rings: Arc<[Ring]>,
}

type Ring = Arc<[Entry]>;

/// One credential, and where it holds.
#[derive(Clone, Debug)]
struct Entry {
    key: RegistryKey,
    candidate: Candidate,
}

impl Keyring {
    /// No credentials.
    pub fn empty() -> Self {
        Self::default()
    }

    /// The ring of these documents, in the order in which the pod names its secrets.
    pub fn new<'a>(documents: impl IntoIterator<Item = &'a DockerConfig>) -> Self {
        let mut entries: Vec<Entry> = documents
            .into_iter()
            .flat_map(DockerConfig::entries)
            .cloned()
            .collect();
        // The kubelet orders the keys as text, the greatest first; the sort is stable.
        entries.sort_by(|one, other| other.key.as_str().cmp(one.key.as_str()));
        Self {
            rings: Arc::new([entries.into()]),
        }
    }

    /// These credentials, then those of `other`.
    #[must_use]
    pub fn followed_by(&self, other: &Self) -> Self {
        Self {
            rings: self
                .rings
                .iter()
                .chain(other.rings.iter())
                .cloned()
                .collect(),
        }
    }

    /// The credentials that may do for `repository`, in the order in which they are tried. Without any, a request is
    /// anonymous; with some, it never is.
    pub fn candidates(&self, repository: &Repository) -> Candidates {
        let mut found = Vec::new();
        for ring in self.rings.iter() {
            let before = found.len();
            found.extend(matching(ring, |key| key.matches(repository)));
            if found.len() == before && repository.host().is_docker_hub() {
                found.extend(matching(ring, RegistryKey::is_docker_hub_default));
            }
        }
        Candidates::new(found)
    }
}

fn matching<'a>(
    ring: &'a [Entry],
    matches: impl Fn(&RegistryKey) -> bool + 'a,
) -> impl Iterator<Item = Candidate> + 'a {
    ring.iter()
        .filter(move |entry| matches(&entry.key))
        .map(|entry| entry.candidate.clone())
}

#[cfg(test)]
mod tests;
