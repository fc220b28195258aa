//! Blobs too large to be held: read piece by piece, from one source after the other.

use bytes::Bytes;
use cise_reference::{Digest, Repository};

use super::Caller;
use super::error::{RegistryError, RegistryFailure, Subject};
use super::sources::{Source, Sources};
use crate::deadline::Deadline;
use crate::flight::Party;
use crate::http::{Body, Get, Http};
use crate::limit::ByteLimit;
use crate::progress::Progress;

/// The copies of one blob, in the order in which its sources are asked. None is asked for before it is wanted.
pub struct BlobCopies {
    http: Http,
    sources: Sources,
    next: usize,
    name: Name,
    party: Party,
    limit: ByteLimit,
    deadline: Deadline,
}

/// One copy of a blob. Its bytes are not verified. Dropping it ends the transfer.
#[derive(Debug)]
pub struct Blob {
    body: Body,
    name: Name,
}

/// Which blob it is, for errors.
#[derive(Clone, Debug)]
struct Name {
    repository: Repository,
    digest: Digest,
}

impl BlobCopies {
    pub(super) fn new(
        http: Http,
        sources: Sources,
        repository: &Repository,
        digest: &Digest,
        limit: ByteLimit,
        caller: &Caller<'_>,
    ) -> Self {
        Self {
            http,
            sources,
            next: 0,
            name: Name {
                repository: repository.clone(),
                digest: digest.clone(),
            },
            party: Party::new(repository.host().as_str(), caller.namespace),
            limit,
            deadline: caller.deadline,
        }
    }

    /// The next copy, or why its source has none for us; nothing once every source has been asked.
    ///
    /// A source that others follow has its share of the time that is left, so that one that hangs does not take it all.
    pub async fn next(&mut self) -> Option<Result<Blob, RegistryError>> {
        let left = u32::try_from(self.sources.len() - self.next).unwrap_or(u32::MAX);
        let source = self.sources.get(self.next)?;
        self.next += 1;
        let deadline = Deadline::after(self.deadline.remaining() / left);
        let opened = self.open(source, deadline).await;
        Some(match opened {
            Ok(body) => Ok(Blob {
                body,
                name: self.name.clone(),
            }),
            Err(failure) => Err(self.name.failed(failure)),
        })
    }

    async fn open(&self, source: &Source, deadline: Deadline) -> Result<Body, RegistryFailure> {
        let endpoint = source.endpoint(self.http.registries())?;
        let path = endpoint.path(&format!("blobs/{}", self.name.digest));
        let get = Get {
            server: &endpoint.server,
            path: &path,
            accept: "*/*",
            scope: &endpoint.scope,
            candidates: endpoint.candidates,
            party: &self.party,
            progress: &Progress::new(),
            limit: self.limit,
            // It is not held: whoever reads it takes it piece by piece.
            room: None,
            deadline,
        };
        self.http.open(get).await?.ok_or(RegistryFailure::NotFound)
    }
}

impl Blob {
    /// The next piece; nothing at the end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, RegistryError> {
        let chunk = self.body.chunk().await;
        chunk.map_err(|error| self.name.failed(error))
    }
}

impl Name {
    fn failed(&self, failure: impl Into<RegistryFailure>) -> RegistryError {
        let subject = Subject::Blob(self.digest.clone());
        RegistryError::new(&self.repository, subject, failure)
    }
}
