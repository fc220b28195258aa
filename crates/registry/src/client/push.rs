//! Writing: blobs, and manifests under tags. Mirrors are never written to.

use bytes::Bytes;
use cise_reference::{Algorithm, Digest, Repository, Tag};
use http::HeaderValue;
use http::header::LOCATION;
use url::Url;

use super::error::{RegistryError, RegistryFailure, Subject};
use super::sources::{Endpoint, Source};
use super::{Caller, MANIFEST_LIMIT, Registry, Wanted, hash};
use crate::error::{FetchError, Reason};
use crate::flight::Party;
use crate::http::{Act, Content, Get, Http};
use crate::manifest::MediaType;
use crate::progress::Progress;

/// How often an upload that broke off is begun anew.
const MAX_UPLOADS: usize = 3;

impl Registry {
    /// Whether the registry has the blob with that digest. One that does not say (405) is taken to lack it.
    pub async fn has_blob(
        &self,
        repository: &Repository,
        digest: &Digest,
        caller: &Caller<'_>,
    ) -> Result<bool, RegistryError> {
        let asked = async {
            let source = Source::origin(repository, caller.keyring);
            let desk = Desk::open(self.http(), &source, caller)?;
            desk.has_blob(digest).await
        };
        let failed =
            |failure| RegistryError::new(repository, Subject::Blob(digest.clone()), failure);
        asked.await.map_err(failed)
    }

    /// Writes a blob. The registry checks that `digest` is that of its bytes.
    pub async fn push_blob(
        &self,
        repository: &Repository,
        digest: &Digest,
        content: &Content,
        caller: &Caller<'_>,
    ) -> Result<(), RegistryError> {
        let pushed = async {
            let source = Source::origin(repository, caller.keyring);
            let desk = Desk::open(self.http(), &source, caller)?;
            desk.push_blob(digest, content).await
        };
        let subject = Subject::NewBlob(digest.clone());
        pushed
            .await
            .map_err(|failure| RegistryError::new(repository, subject, failure))
    }

    /// Writes an OCI manifest under a tag, and gives its digest. The blobs that it names have to be there.
    pub async fn push_manifest(
        &self,
        repository: &Repository,
        tag: &Tag,
        manifest: Bytes,
        caller: &Caller<'_>,
    ) -> Result<Digest, RegistryError> {
        let digest = hash(Algorithm::Sha256, &manifest);
        let pushed = async {
            let source = Source::origin(repository, caller.keyring);
            let desk = Desk::open(self.http(), &source, caller)?;
            desk.push_manifest(tag, manifest).await
        };
        let subject = Subject::NewManifest(tag.clone());
        pushed
            .await
            .map_err(|failure| RegistryError::new(repository, subject, failure))?;
        let renamed = self.question(repository, Wanted::Tag(tag.clone()), MANIFEST_LIMIT, caller);
        self.tags.invalidate(&renamed.question);
        Ok(digest)
    }
}

/// Where a repository is written to, on behalf of a caller.
struct Desk<'a> {
    http: &'a Http,
    endpoint: Endpoint<'a>,
    party: Party,
    progress: Progress,
    caller: &'a Caller<'a>,
}

impl<'a> Desk<'a> {
    fn open(
        http: &'a Http,
        source: &'a Source,
        caller: &'a Caller<'a>,
    ) -> Result<Self, RegistryFailure> {
        let endpoint = source.writable(http.registries())?;
        Ok(Self {
            http,
            party: Party::new(&endpoint.server.host(), caller.namespace),
            endpoint,
            progress: Progress::new(),
            caller,
        })
    }

    fn at<'g>(&'g self, path: &'g str) -> Get<'g> {
        Get {
            server: &self.endpoint.server,
            path,
            accept: "*/*",
            scope: &self.endpoint.scope,
            candidates: self.endpoint.candidates,
            party: &self.party,
            progress: &self.progress,
            limit: MANIFEST_LIMIT,
            room: None,
            deadline: self.caller.deadline,
        }
    }

    async fn has_blob(&self, digest: &Digest) -> Result<bool, RegistryFailure> {
        let path = self.endpoint.path(&format!("blobs/{digest}"));
        match self.http.act(&self.at(&path), &Act::head()).await {
            Ok(found) => Ok(found.is_some()),
            Err(error) if error.reason == Reason::UnexpectedStatus(405) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Uploads in one piece. An upload that broke off may be left half-written, so that another one is begun.
    async fn push_blob(&self, digest: &Digest, content: &Content) -> Result<(), RegistryFailure> {
        let mut left = MAX_UPLOADS;
        loop {
            left -= 1;
            match self.upload(digest, content).await {
                Err(RegistryFailure::Fetch(error)) if left > 0 && has_broken_off(&error) => {}
                done => return done,
            }
        }
    }

    async fn upload(&self, digest: &Digest, content: &Content) -> Result<(), RegistryFailure> {
        let path = self.endpoint.path("blobs/uploads/");
        let uploads = self.at(&path);
        let begun = self.http.act(&uploads, &Act::begin_upload()).await?;
        let begun = begun.ok_or(RegistryFailure::NotFound)?;
        let place = self
            .place(&path, begun.headers().get(LOCATION), digest)
            .ok_or_else(|| RegistryFailure::NoPlace {
                host: self.endpoint.server.host().into(),
            })?;
        let end = Act::end_upload(place, content.clone());
        let ended = self.http.act(&uploads, &end).await?;
        ended.map(drop).ok_or(RegistryFailure::NotFound)
    }

    /// Where the server wants an upload, with the digest added as it asks for (distribution-spec 1.1, "Pushing a blob
    /// monolithically").
    fn place(
        &self,
        uploads: &str,
        location: Option<&HeaderValue>,
        digest: &Digest,
    ) -> Option<HeaderValue> {
        let uploads: Url = self.endpoint.server.locate(uploads)?;
        let mut place = uploads.join(location?.to_str().ok()?).ok()?;
        place
            .query_pairs_mut()
            .append_pair("digest", digest.as_str());
        HeaderValue::from_str(place.as_str()).ok()
    }

    async fn push_manifest(&self, tag: &Tag, manifest: Bytes) -> Result<(), RegistryFailure> {
        let path = self.endpoint.path(&format!("manifests/{}", tag.as_str()));
        let put = Act::put(MediaType::OciManifest.as_str(), Content::Bytes(manifest));
        let put = self.http.act(&self.at(&path), &put).await?;
        put.map(drop).ok_or(RegistryFailure::NotFound)
    }
}

fn has_broken_off(error: &FetchError) -> bool {
    matches!(error.reason, Reason::Cut | Reason::ServerFailed(_))
}
