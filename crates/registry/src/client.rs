//! Questions about images: which digest a tag names, what a digest holds, and what refers to it.

mod attached;
mod blob;
mod error;
mod push;
pub(crate) mod referrers;
mod sources;

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, SHA512, digest};
use bytes::Bytes;
use cise_reference::{Algorithm, Digest, Repository, Tag};
use moka::sync::Cache;
use tokio::time::Instant;

use crate::credential::Fingerprint;
use crate::deadline::Deadline;
use crate::flight::{FlightBounds, Flights, Party};
use crate::http::{Document, Fetched, Get, Http};
use crate::keyring::Keyring;
use crate::limit::ByteLimit;
use crate::manifest::{ACCEPT, Descriptor, Manifest, ManifestError};
use crate::progress::Progress;
use crate::settings::Registries;
use sources::{Endpoint, Source, Sources};

pub use attached::{Attached, Attachments};
pub use blob::{Blob, BlobCopies};
pub use error::{RegistryError, RegistryFailure, Subject};

/// The most bytes of a manifest, as registries have it (distribution-spec 1.1, "Pushing Manifests").
const MANIFEST_LIMIT: ByteLimit = ByteLimit::mebibytes(4);

/// A client of registries. Cloning shares what it keeps.
#[derive(Clone)]
pub struct Registry {
    http: Http,
    tags: Cache<Question, (Digest, Instant)>,
    manifests: Cache<Question, Arc<Verified>>,
    flights: Flights<Question, Result<Arc<Verified>, RegistryError>>,
    attached: Flights<attached::Question, attached::Answer>,
    limits: RegistryLimits,
}

/// What a client of registries may keep and do.
#[derive(Clone, Copy, Debug)]
pub struct RegistryLimits {
    /// How long the digest of a tag is taken as known.
    pub tag_lifetime: Duration,
    /// How many tags are kept.
    pub kept_tags: u64,
    /// How many bytes of manifests are kept. They never change, so they are kept until others need the room.
    pub kept_manifests: ByteLimit,
    /// How much may be under way.
    pub flights: FlightBounds,
}

impl Default for RegistryLimits {
    fn default() -> Self {
        Self {
            tag_lifetime: Duration::from_secs(60),
            kept_tags: 10_000,
            kept_manifests: ByteLimit::mebibytes(8),
            flights: FlightBounds::default(),
        }
    }
}

/// On whose behalf a question is asked, with which credentials, and until when.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    /// The pull credentials.
    pub keyring: &'a Keyring,
    /// The Kubernetes namespace.
    pub namespace: &'a str,
    /// Until when the answer is needed.
    pub deadline: Deadline,
}

/// Whether what is kept will do. A refusal must not rest on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// An answer that is kept, and not too old, will do.
    Kept,
    /// The registry is asked now.
    Fresh,
}

/// A question, with everything that its answer depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Question {
    repository: Repository,
    wanted: Wanted,
    limit: ByteLimit,
    credentials: Fingerprint,
}

/// A document of a repository.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Wanted {
    Tag(Tag),
    Manifest(Digest),
    Blob(Digest),
}

/// A document whose bytes have the digest; one that was asked for as a manifest is in order.
#[derive(Clone, Debug)]
struct Verified {
    digest: Digest,
    document: Document,
}

impl Document {
    fn manifest(&self) -> Result<Manifest, ManifestError> {
        Manifest::parse(&self.body, self.content_type.as_deref())
    }
}

impl Wanted {
    fn subject(&self) -> Subject {
        match self {
            Self::Tag(tag) => Subject::Tag(tag.clone()),
            Self::Manifest(digest) => Subject::Manifest(digest.clone()),
            Self::Blob(digest) => Subject::Blob(digest.clone()),
        }
    }

    /// Where it is below the repository, and what it may be.
    fn path(&self) -> (String, &'static str) {
        match self {
            Self::Tag(tag) => (format!("manifests/{}", tag.as_str()), ACCEPT),
            Self::Manifest(digest) => (format!("manifests/{}", digest.as_str()), ACCEPT),
            Self::Blob(digest) => (format!("blobs/{}", digest.as_str()), "*/*"),
        }
    }
}

impl Registry {
    /// A client on top of `http`.
    pub fn new(http: Http, limits: RegistryLimits) -> Self {
        let weight = |_: &Question, manifest: &Arc<Verified>| {
            u32::try_from(manifest.document.body.len()).unwrap_or(u32::MAX)
        };
        let capacity = u64::try_from(limits.kept_manifests.get()).unwrap_or(u64::MAX);
        Self {
            http,
            tags: Cache::new(limits.kept_tags),
            manifests: Cache::builder()
                .weigher(weight)
                .max_capacity(capacity)
                .build(),
            flights: Flights::new(limits.flights),
            attached: Flights::new(limits.flights),
            limits,
        }
    }

    /// The HTTP client below.
    pub fn http(&self) -> &Http {
        &self.http
    }

    /// How many digests of tags are kept.
    pub fn kept_tags(&self) -> u64 {
        self.tags.run_pending_tasks();
        self.tags.entry_count()
    }

    /// The table of registries.
    pub fn registries(&self) -> &Registries {
        self.http.registries()
    }

    /// The digest of the manifest that `tag` names: that of its bytes, whatever the registry's headers say.
    pub async fn resolve(
        &self,
        repository: &Repository,
        tag: &Tag,
        freshness: Freshness,
        caller: &Caller<'_>,
    ) -> Result<Digest, RegistryError> {
        let ask = self.question(repository, Wanted::Tag(tag.clone()), MANIFEST_LIMIT, caller);
        let kept = self
            .tags
            .get(&ask.question)
            .filter(|(_, at)| at.elapsed() < self.limits.tag_lifetime);
        match (freshness, kept) {
            (Freshness::Kept, Some((digest, _))) => Ok(digest),
            _ => self
                .fly(ask, caller)
                .await
                .map(|verified| verified.digest.clone()),
        }
    }

    /// The manifest with that digest.
    pub async fn manifest(
        &self,
        repository: &Repository,
        digest: &Digest,
        caller: &Caller<'_>,
    ) -> Result<Manifest, RegistryError> {
        let wanted = Wanted::Manifest(digest.clone());
        let ask = self.question(repository, wanted, MANIFEST_LIMIT, caller);
        let verified = match self.manifests.get(&ask.question) {
            Some(kept) => kept,
            None => self.fly(ask, caller).await?,
        };
        let failed =
            |error| RegistryError::new(repository, Subject::Manifest(digest.clone()), error);
        verified.document.manifest().map_err(failed)
    }

    /// The manifest with that digest, fetched now: proof that the caller may see it, whatever is kept.
    pub async fn manifest_now(
        &self,
        repository: &Repository,
        digest: &Digest,
        caller: &Caller<'_>,
    ) -> Result<Manifest, RegistryError> {
        let wanted = Wanted::Manifest(digest.clone());
        let ask = self.question(repository, wanted, MANIFEST_LIMIT, caller);
        let verified = self.fly(ask, caller).await?;
        let failed =
            |error| RegistryError::new(repository, Subject::Manifest(digest.clone()), error);
        verified.document.manifest().map_err(failed)
    }

    /// The blob with that digest, of at most `limit` bytes. It is not kept.
    pub async fn blob(
        &self,
        repository: &Repository,
        digest: &Digest,
        limit: ByteLimit,
        caller: &Caller<'_>,
    ) -> Result<Bytes, RegistryError> {
        let ask = self.question(repository, Wanted::Blob(digest.clone()), limit, caller);
        self.fly(ask, caller)
            .await
            .map(|verified| verified.document.body.clone())
    }

    /// The copies of the blob with that digest, of at most `limit` bytes each: that of every mirror, then the registry's own.
    ///
    /// A copy is read piece by piece and not held, so it is the reader who checks the digest, and who turns to the next copy
    /// if one fails or proves false. Nothing is kept, and nobody else's reading is joined.
    pub fn blob_copies(
        &self,
        repository: &Repository,
        digest: &Digest,
        limit: ByteLimit,
        caller: &Caller<'_>,
    ) -> BlobCopies {
        let sources = Sources::of(repository, self.registries(), caller.keyring);
        BlobCopies::new(
            self.http.clone(),
            sources,
            repository,
            digest,
            limit,
            caller,
        )
    }

    /// What refers to `digest`: signatures, attestations and the like; all of them, or those that may be of one artifact type,
    /// which are those that say so and those that say nothing.
    ///
    /// The registry's list (distribution-spec 1.1, "Listing Referrers") and the tag that stands in for it where a registry has
    /// no such list are read side by side, and what either has counts: a list may hide what was pushed before it existed.
    /// Nothing in the answer is verified.
    pub async fn referrers(
        &self,
        repository: &Repository,
        digest: &Digest,
        artifact_type: Option<&str>,
        caller: &Caller<'_>,
    ) -> Result<Vec<Descriptor>, RegistryError> {
        let subject = Subject::Referrers(digest.clone());
        let sources = Sources::of(repository, self.registries(), caller.keyring);
        let listed = referrers::list(&self.http, &sources, digest, artifact_type, caller).await;
        listed.map_err(|failure| RegistryError::new(repository, subject, failure))
    }

    fn question(
        &self,
        repository: &Repository,
        wanted: Wanted,
        limit: ByteLimit,
        caller: &Caller<'_>,
    ) -> Ask {
        let sources = Sources::of(repository, self.registries(), caller.keyring);
        let credentials = sources.fingerprint();
        Ask {
            question: Question {
                repository: repository.clone(),
                wanted,
                limit,
                credentials,
            },
            sources,
        }
    }

    /// Joins the flight of a question; the flight keeps what it brings.
    async fn fly(&self, ask: Ask, caller: &Caller<'_>) -> Result<Arc<Verified>, RegistryError> {
        let Ask { question, sources } = ask;
        let failed =
            |error| RegistryError::new(&question.repository, question.wanted.subject(), error);
        let party = Party::new(question.repository.host().as_str(), caller.namespace);
        let work = {
            let (registry, question, party) = (self.clone(), question.clone(), party.clone());
            move |progress| async move { registry.fetch(question, &sources, &party, &progress).await }
        };
        let flight = self
            .flights
            .join(question.clone(), &party, work)
            .map_err(failed)?;
        flight.by(caller.deadline).await.map_err(failed)?
    }

    /// Asks the sources one after the other; the last failure, which is the registry's own, stands.
    async fn fetch(
        &self,
        question: Question,
        sources: &Sources,
        party: &Party,
        progress: &Progress,
    ) -> Result<Arc<Verified>, RegistryError> {
        let asked_at = Instant::now();
        let mut failure = RegistryFailure::NotFound;
        for (source, deadline) in sources.turns(Deadline::after(self.limits.flights.longest)) {
            let attempt = Attempt {
                http: &self.http,
                source,
                question: &question,
                party,
                progress,
                deadline,
            };
            match attempt.run().await {
                Ok(verified) => return Ok(self.keep(&question, verified, asked_at)),
                Err(error) => failure = error,
            }
        }
        Err(RegistryError::new(
            &question.repository,
            question.wanted.subject(),
            failure,
        ))
    }

    fn keep(&self, question: &Question, verified: Verified, asked_at: Instant) -> Arc<Verified> {
        let verified = Arc::new(verified);
        let digest = verified.digest.clone();
        let by_digest = Question {
            wanted: Wanted::Manifest(digest.clone()),
            ..question.clone()
        };
        match question.wanted {
            Wanted::Tag(_) => {
                self.tags.insert(question.clone(), (digest, asked_at));
                self.manifests.insert(by_digest, Arc::clone(&verified));
            }
            Wanted::Manifest(_) => self.manifests.insert(by_digest, Arc::clone(&verified)),
            Wanted::Blob(_) => {}
        }
        verified
    }
}

struct Ask {
    question: Question,
    sources: Sources,
}

/// One question about one source.
struct Attempt<'a> {
    http: &'a Http,
    source: &'a Source,
    question: &'a Question,
    party: &'a Party,
    progress: &'a Progress,
    deadline: Deadline,
}

impl Attempt<'_> {
    async fn run(&self) -> Result<Verified, RegistryFailure> {
        let endpoint = self.source.endpoint(self.http.registries())?;
        let document = self.document(&endpoint).await?;
        let expected = match &self.question.wanted {
            Wanted::Tag(_) => None,
            Wanted::Manifest(digest) | Wanted::Blob(digest) => Some(digest),
        };
        let algorithm = expected.map_or(Algorithm::Sha256, Digest::algorithm);
        let digest = hash(algorithm, &document.body);
        if expected.is_some_and(|expected| digest != *expected) {
            let host = endpoint.server.host().into();
            return Err(RegistryFailure::DigestMismatch {
                host,
                found: digest,
            });
        }
        // What is kept, or ends up in a pod, is a manifest that is in order.
        if !matches!(self.question.wanted, Wanted::Blob(_)) {
            document.manifest()?;
        }
        Ok(Verified { digest, document })
    }

    async fn document(&self, endpoint: &Endpoint<'_>) -> Result<Document, RegistryFailure> {
        let (what, accept) = self.question.wanted.path();
        let get = Get {
            server: &endpoint.server,
            path: &endpoint.path(&what),
            accept,
            scope: &endpoint.scope,
            candidates: endpoint.candidates,
            party: self.party,
            progress: self.progress,
            limit: self.question.limit,
            room: None,
            deadline: self.deadline,
        };
        match self.http.get(get).await? {
            Fetched::Found(document) => Ok(document),
            Fetched::NotFound => Err(RegistryFailure::NotFound),
        }
    }
}

fn hash(algorithm: Algorithm, bytes: &[u8]) -> Digest {
    match algorithm {
        Algorithm::Sha256 => Digest::sha256(array(digest(&SHA256, bytes).as_ref())),
        Algorithm::Sha512 => Digest::sha512(array(digest(&SHA512, bytes).as_ref())),
    }
}

/// The output of a hash, which has exactly as many bytes.
fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut array = [0; N];
    array
        .iter_mut()
        .zip(bytes)
        .for_each(|(to, from)| *to = *from);
    array
}
