//! Where a repository is fetched from: its mirrors, then the registry itself.

use cise_reference::Repository;

use crate::auth::Scope;
use crate::credential::{Candidates, Fingerprint};
use crate::deadline::Deadline;
use crate::keyring::Keyring;
use crate::server::{Server, ServerError};
use crate::settings::Registries;

/// One source of a repository, and the credentials for it. A mirror gets those that are for the mirror, never the registry's.
#[derive(Clone, Debug)]
pub(super) struct Source {
    repository: Repository,
    candidates: Candidates,
}

/// All sources, in the order in which they are asked; the registry's own is the last.
#[derive(Clone, Debug)]
pub(super) struct Sources(Vec<Source>);

/// A source with all that is needed to ask for it.
#[derive(Debug)]
pub(super) struct Endpoint<'a> {
    pub(super) server: Server,
    pub(super) scope: Scope,
    pub(super) candidates: &'a Candidates,
    repository: &'a Repository,
}

impl Sources {
    pub(super) fn of(repository: &Repository, registries: &Registries, keyring: &Keyring) -> Self {
        let all = registries
            .mirrors(repository)
            .into_iter()
            .chain([repository.clone()]);
        let source = |repository| Source {
            candidates: keyring.candidates(&repository),
            repository,
        };
        Self(all.map(source).collect())
    }

    /// What tells the credentials for all of them from others.
    pub(super) fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of_all(self.0.iter().map(|source| source.candidates.fingerprint()))
    }

    /// Each source with its share of the time, so that one that hangs leaves time for those after it.
    pub(super) fn turns(&self, deadline: Deadline) -> impl Iterator<Item = (&Source, Deadline)> {
        let left = (1..=u32::try_from(self.0.len()).unwrap_or(u32::MAX)).rev();
        self.0
            .iter()
            .zip(left)
            .map(move |(source, left)| (source, Deadline::after(deadline.remaining() / left)))
    }
}

impl Sources {
    /// The source at that place in line.
    pub(super) fn get(&self, place: usize) -> Option<&Source> {
        self.0.get(place)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Source {
    /// The registry itself, which alone is written to.
    pub(super) fn origin(repository: &Repository, keyring: &Keyring) -> Self {
        Self {
            candidates: keyring.candidates(repository),
            repository: repository.clone(),
        }
    }

    pub(super) fn endpoint(&self, registries: &Registries) -> Result<Endpoint<'_>, ServerError> {
        self.endpoint_for(Scope::pull(&self.repository), registries)
    }

    /// The endpoint for writing.
    pub(super) fn writable(&self, registries: &Registries) -> Result<Endpoint<'_>, ServerError> {
        self.endpoint_for(Scope::push(&self.repository), registries)
    }

    fn endpoint_for(
        &self,
        scope: Scope,
        registries: &Registries,
    ) -> Result<Endpoint<'_>, ServerError> {
        let server = registries.registry(self.repository.host())?;
        Ok(Endpoint {
            server,
            scope,
            candidates: &self.candidates,
            repository: &self.repository,
        })
    }
}

impl Endpoint<'_> {
    /// The path of something in the repository.
    pub(super) fn path(&self, what: &str) -> String {
        format!("/v2/{}/{what}", self.repository.path())
    }
}
