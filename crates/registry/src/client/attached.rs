//! What is attached to an image: the layers of manifests that refer to it, or that lie beside it under a tag made of its digest.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use cise_reference::{Digest, Repository, Tag};
use futures::future::try_join;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::{Caller, Freshness, Registry, RegistryError, RegistryFailure, Subject};
use crate::credential::Fingerprint;
use crate::deadline::Deadline;
use crate::flight::Party;
use crate::keyring::Keyring;
use crate::limit::ByteLimit;
use crate::manifest::{Descriptor, Image, Manifest};

/// The most manifests that are looked into. What does not say which kind it is has to be looked into, too.
const MAX_MANIFESTS: usize = 64;
/// How many documents are fetched side by side.
const SIDE_BY_SIDE: usize = 4;

/// Which of all that is attached to an image is read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Attachments {
    /// The artifact type of the manifests that refer to the image.
    pub artifact_type: &'static str,
    /// What follows the digest in the tag beside the image: `att` for `sha256-….att`.
    pub tag_suffix: &'static str,
    /// The media types of the layers.
    pub media_types: &'static [&'static str],
    /// Annotations, with the values that are wanted: what has such an annotation with another value is left unread. Nobody
    /// vouches for annotations: leaving them out, or lying in them, must gain no more than attaching nothing.
    pub labels: &'static [(&'static str, &'static [&'static str])],
    /// The most documents that are read.
    pub documents: usize,
    /// The most bytes of them all.
    pub bytes: u64,
}

/// One document. Its bytes have the digest of the layer, and nothing else is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    /// The manifest whose layer it is.
    pub manifest: Digest,
    /// The layer.
    pub layer: Descriptor,
    /// Its bytes.
    pub content: Bytes,
}

/// What all of an answer depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Question {
    repository: Repository,
    digest: Digest,
    wanted: Attachments,
    credentials: Fingerprint,
}

/// What a flight brings.
pub(super) type Answer = Result<Arc<[Attached]>, RegistryError>;

impl Attachments {
    fn wants(&self, annotations: &BTreeMap<String, String>) -> bool {
        self.labels.iter().all(|(name, values)| {
            let value = annotations.get(*name).map(String::as_str);
            value.is_none_or(|value| values.contains(&value))
        })
    }

    /// The layers of a manifest that are to be read.
    fn of_image(&self, manifest: &Digest, image: Image) -> Vec<(Digest, Descriptor)> {
        if !self.wants(&image.annotations) {
            return Vec::new();
        }
        let layers = image.layers.into_iter().filter(|layer| {
            self.media_types.contains(&layer.media_type.as_str()) && self.wants(&layer.annotations)
        });
        layers.map(|layer| (manifest.clone(), layer)).collect()
    }

    /// The tag beside a digest.
    fn tag(&self, digest: &Digest) -> Option<Tag> {
        let (algorithm, hex) = (digest.algorithm().as_str(), digest.hex());
        Tag::parse(&format!("{algorithm}-{hex}.{}", self.tag_suffix)).ok()
    }
}

impl Registry {
    /// What is attached to `digest`, fetched now: the layers of manifests that refer to it, and of the manifest under the tag
    /// beside it. Nothing is attached where neither is there; a failure is never that, and what is read in part is not read.
    ///
    /// What refers to what is attached is not followed. However many ask at one time, there is one flight.
    pub async fn attached(
        &self,
        repository: &Repository,
        digest: &Digest,
        wanted: &Attachments,
        caller: &Caller<'_>,
    ) -> Result<Arc<[Attached]>, RegistryError> {
        let credentials = super::Sources::of(repository, self.registries(), caller.keyring);
        let question = Question {
            repository: repository.clone(),
            digest: digest.clone(),
            wanted: wanted.clone(),
            credentials: credentials.fingerprint(),
        };
        let party = Party::new(repository.host().as_str(), caller.namespace);
        let work = {
            let (registry, question) = (self.clone(), question.clone());
            let (keyring, namespace) = (caller.keyring.clone(), caller.namespace.to_owned());
            move |_| async move { registry.gather(question, &keyring, &namespace).await }
        };
        let failed = |failure| {
            let subject = Subject::Attached(digest.clone());
            RegistryError::new(repository, subject, failure)
        };
        let flight = self.attached.join(question, &party, work);
        let flight = flight.map_err(|error| failed(RegistryFailure::from(error)))?;
        let landed = flight.by(caller.deadline).await;
        landed.map_err(|error| failed(RegistryFailure::from(error)))?
    }

    async fn gather(&self, question: Question, keyring: &Keyring, namespace: &str) -> Answer {
        let gathering = Gathering {
            registry: self,
            question: &question,
            caller: Caller {
                keyring,
                namespace,
                deadline: Deadline::after(self.limits.flights.longest),
            },
        };
        let (referring, beside) = try_join(gathering.referring(), gathering.beside()).await?;
        let layers: Vec<_> = referring.into_iter().chain(beside).collect();
        gathering
            .check(&layers)
            .map_err(|failure| gathering.failed(failure))?;
        gathering.read(layers).await.map(Into::into)
    }
}

/// The gathering of what is attached to one digest.
struct Gathering<'a> {
    registry: &'a Registry,
    question: &'a Question,
    caller: Caller<'a>,
}

impl Gathering<'_> {
    /// The layers of the manifests that refer to the digest.
    async fn referring(&self) -> Result<Vec<(Digest, Descriptor)>, RegistryError> {
        let Question {
            repository,
            digest,
            wanted,
            ..
        } = self.question;
        let artifact_type = Some(wanted.artifact_type);
        let listed = self
            .registry
            .referrers(repository, digest, artifact_type, &self.caller)
            .await?;
        let mut listed = listed;
        listed.retain(|referrer| wanted.wants(&referrer.annotations));
        if listed.len() > MAX_MANIFESTS {
            let limit = MAX_MANIFESTS;
            return Err(self.failed(RegistryFailure::TooManyAttached { limit }));
        }
        // Made one by one: a stream that makes them would have to make them for any lifetime.
        let looking: Vec<_> = listed
            .iter()
            .map(|one| self.layers_of(&one.digest))
            .collect();
        let layers: Vec<_> = stream::iter(looking)
            .buffered(SIDE_BY_SIDE)
            .try_collect()
            .await?;
        Ok(layers.into_iter().flatten().collect())
    }

    /// Lists may leave out the type of an artifact; its manifest does not.
    async fn layers_of(
        &self,
        referrer: &Digest,
    ) -> Result<Vec<(Digest, Descriptor)>, RegistryError> {
        let (registry, wanted) = (self.registry, &self.question.wanted);
        let manifest = registry
            .manifest(&self.question.repository, referrer, &self.caller)
            .await?;
        let Manifest::Image(image) = manifest else {
            return Ok(Vec::new());
        };
        let artifact_type = image.artifact_type.as_deref();
        if artifact_type.unwrap_or(&image.config.media_type) != wanted.artifact_type {
            return Ok(Vec::new());
        }
        Ok(wanted.of_image(referrer, image))
    }

    /// The layers of the manifest under the tag beside the digest.
    async fn beside(&self) -> Result<Vec<(Digest, Descriptor)>, RegistryError> {
        let Question {
            repository,
            digest,
            wanted,
            ..
        } = self.question;
        let Some(tag) = wanted.tag(digest) else {
            return Ok(Vec::new());
        };
        let (registry, caller) = (self.registry, &self.caller);
        let resolved = registry
            .resolve(repository, &tag, Freshness::Fresh, caller)
            .await;
        let found = match resolved {
            Err(error) if error.failure == RegistryFailure::NotFound => return Ok(Vec::new()),
            resolved => resolved?,
        };
        Ok(match registry.manifest(repository, &found, caller).await? {
            Manifest::Image(image) => wanted.of_image(&found, image),
            Manifest::Index(_) => Vec::new(),
        })
    }

    /// What is claimed of the sizes is held to when the documents are read.
    fn check(&self, layers: &[(Digest, Descriptor)]) -> Result<(), RegistryFailure> {
        let Attachments {
            documents, bytes, ..
        } = self.question.wanted;
        let total = layers.iter().map(|(_, layer)| layer.size);
        let total = total.fold(0, u64::saturating_add);
        if layers.len() > documents {
            let limit = documents;
            Err(RegistryFailure::TooManyAttached { limit })
        } else if total > bytes {
            Err(RegistryFailure::TooLargeAttached { limit: bytes })
        } else {
            Ok(())
        }
    }

    async fn read(
        &self,
        layers: Vec<(Digest, Descriptor)>,
    ) -> Result<Vec<Attached>, RegistryError> {
        let reading: Vec<_> = layers
            .into_iter()
            .map(|(manifest, layer)| self.document(manifest, layer))
            .collect();
        stream::iter(reading)
            .buffered(SIDE_BY_SIDE)
            .try_collect()
            .await
    }

    async fn document(
        &self,
        manifest: Digest,
        layer: Descriptor,
    ) -> Result<Attached, RegistryError> {
        let limit = ByteLimit::bytes(usize::try_from(layer.size).unwrap_or(usize::MAX));
        let content = self
            .registry
            .blob(
                &self.question.repository,
                &layer.digest,
                limit,
                &self.caller,
            )
            .await?;
        Ok(Attached {
            manifest,
            layer,
            content,
        })
    }

    fn failed(&self, failure: RegistryFailure) -> RegistryError {
        let subject = Subject::Attached(self.question.digest.clone());
        RegistryError::new(&self.question.repository, subject, failure)
    }
}
