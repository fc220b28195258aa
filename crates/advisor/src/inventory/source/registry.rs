//! A repository of a registry.

use std::time::Duration;

use bytes::Bytes;
use cise_reference::{Digest, Repository};
use cise_registry::{
    Blob, BlobCopies, ByteLimit, Caller, Deadline, Descriptor, Manifest, Registry,
};
use futures::StreamExt as _;
use futures::stream::{self, Stream};

use super::{Chunks, Copies, Source, SourceError};

/// A repository, asked on behalf of one caller.
#[derive(Clone)]
pub struct RegistrySource<'a> {
    registry: &'a Registry,
    repository: &'a Repository,
    caller: Caller<'a>,
    patience: Duration,
}

impl<'a> RegistrySource<'a> {
    /// The images of `repository`, with the caller's credentials and until the caller's deadline.
    pub fn new(registry: &'a Registry, repository: &'a Repository, caller: Caller<'a>) -> Self {
        Self {
            registry,
            repository,
            caller,
            patience: Duration::MAX,
        }
    }

    /// The same, with no more than that time for each thing that is fetched.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// The caller, who waits for what is asked for now.
    fn caller(&self) -> Caller<'a> {
        Caller {
            deadline: self.caller.deadline.min(Deadline::after(self.patience)),
            ..self.caller
        }
    }
}

impl Source for RegistrySource<'_> {
    async fn manifest(&self, digest: &Digest) -> Result<Manifest, SourceError> {
        let caller = self.caller();
        let manifest = self.registry.manifest(self.repository, digest, &caller);
        Ok(manifest.await?)
    }

    fn copies(&self, blob: &Descriptor) -> Copies<'_> {
        let limit = ByteLimit::bytes(usize::try_from(blob.size).unwrap_or(usize::MAX));
        let copies =
            self.registry
                .blob_copies(self.repository, &blob.digest, limit, &self.caller());
        stream::unfold(copies, next_copy).boxed()
    }
}

async fn next_copy(mut copies: BlobCopies) -> Option<(Result<Chunks, SourceError>, BlobCopies)> {
    let copy = copies.next().await?;
    let chunks = copy
        .map(|blob| chunks(blob).boxed())
        .map_err(SourceError::from);
    Some((chunks, copies))
}

fn chunks(blob: Blob) -> impl Stream<Item = Result<Bytes, SourceError>> {
    stream::try_unfold(blob, async |mut blob| {
        let chunk = blob.chunk().await?;
        Ok(chunk.map(|chunk| (chunk, blob)))
    })
}
