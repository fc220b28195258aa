//! A repository of a registry.

use bytes::Bytes;
use cise_reference::{Digest, Repository};
use cise_registry::{Blob, BlobCopies, ByteLimit, Caller, Descriptor, Manifest, Registry};
use futures::StreamExt as _;
use futures::stream::{self, Stream};

use super::{Chunks, Copies, Source, SourceError};

/// A repository, asked on behalf of one caller.
#[derive(Clone)]
pub struct RegistrySource<'a> {
    registry: &'a Registry,
    repository: &'a Repository,
    caller: Caller<'a>,
}

impl<'a> RegistrySource<'a> {
    /// The images of `repository`, with the caller's credentials and until the caller's deadline.
    pub fn new(registry: &'a Registry, repository: &'a Repository, caller: Caller<'a>) -> Self {
        Self {
            registry,
            repository,
            caller,
        }
    }
}

impl Source for RegistrySource<'_> {
    async fn manifest(&self, digest: &Digest) -> Result<Manifest, SourceError> {
        let manifest = self
            .registry
            .manifest(self.repository, digest, &self.caller);
        Ok(manifest.await?)
    }

    fn copies(&self, blob: &Descriptor) -> Copies<'_> {
        let limit = ByteLimit::bytes(usize::try_from(blob.size).unwrap_or(usize::MAX));
        let copies = self
            .registry
            .blob_copies(self.repository, &blob.digest, limit, &self.caller);
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
