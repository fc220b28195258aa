//! Signatures in a registry: a manifest under a tag that is made of the digest, a layer for each signature.

use bytes::Bytes;
use cise_reference::{Digest, Repository, Tag};
use cise_registry::{
    ByteLimit, Caller, Content, Descriptor, Freshness, Manifest, Registry, RegistryError,
    RegistryFailure,
};
use serde_json::json;

use super::error::ArtifactError;
use super::oci::{Annotations, Image, Part};
use super::signature::{MAX_PAYLOAD_BYTES, PAYLOAD, PublicKey, SIGNATURE, Signer, payload};

/// So many signatures are looked at.
const MAX_SIGNATURES: usize = 64;
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// A repository of a registry, on behalf of a caller.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) registry: &'a Registry,
    pub(super) repository: &'a Repository,
    pub(super) caller: &'a Caller<'a>,
}

impl Place<'_> {
    /// Fails unless `key` has signed `digest`.
    pub(super) async fn require_signature(
        &self,
        digest: &Digest,
        key: &PublicKey,
    ) -> Result<(), ArtifactError> {
        let signatures = self.signatures(digest).await?;
        if self.is_signed(digest, key, &signatures).await? {
            return Ok(());
        }
        Err(ArtifactError::NotSigned {
            repository: self.repository.clone(),
            digest: digest.clone(),
            signatures: signatures.len(),
        })
    }

    /// Signs `digest`, beside those who have signed it before; not a second time with the same key.
    pub(super) async fn sign(&self, digest: &Digest, signer: &Signer) -> Result<(), ArtifactError> {
        let signatures = self.signatures(digest).await?;
        let key = signer.public_key().ok_or(ArtifactError::Signing)?;
        if self.is_signed(digest, &key, &signatures).await? {
            return Ok(());
        }
        let payload = payload(self.repository, digest);
        let signature = signer.sign(&payload).ok_or(ArtifactError::Signing)?;
        let own = Part {
            annotations: Annotations::from([(SIGNATURE.to_owned(), signature)]),
            ..Part::of(PAYLOAD, &payload)
        };
        self.put(payload.into()).await?;
        let layers: Vec<Part> = signatures.iter().map(part).chain([own]).collect();
        let config = config(&layers);
        let image = Image::new(Part::of(CONFIG, &config), layers);
        self.put(config).await?;
        if let Some(tag) = tag(digest) {
            let (registry, caller) = (self.registry, self.caller);
            registry
                .push_manifest(self.repository, &tag, image.json(), caller)
                .await?;
        }
        Ok(())
    }

    /// The payloads of all signatures, each with its signature beside it.
    async fn signatures(&self, digest: &Digest) -> Result<Vec<Descriptor>, ArtifactError> {
        let Some(tag) = tag(digest) else {
            return Ok(Vec::new());
        };
        let found = self
            .registry
            .resolve(self.repository, &tag, Freshness::Fresh, self.caller)
            .await;
        let found = match found {
            Err(error) if error.failure == RegistryFailure::NotFound => return Ok(Vec::new()),
            found => found?,
        };
        let manifest = self
            .registry
            .manifest(self.repository, &found, self.caller)
            .await?;
        let Manifest::Image(image) = manifest else {
            return Ok(Vec::new());
        };
        let is_signature = |layer: &Descriptor| {
            layer.media_type == PAYLOAD && layer.annotations.contains_key(SIGNATURE)
        };
        let signatures = image.layers.into_iter().filter(is_signature);
        Ok(signatures.take(MAX_SIGNATURES).collect())
    }

    async fn is_signed(
        &self,
        digest: &Digest,
        key: &PublicKey,
        signatures: &[Descriptor],
    ) -> Result<bool, RegistryError> {
        let limit = ByteLimit::bytes(MAX_PAYLOAD_BYTES);
        for layer in signatures {
            let payload = self
                .registry
                .blob(self.repository, &layer.digest, limit, self.caller)
                .await?;
            let signature = layer.annotations.get(SIGNATURE);
            if signature.is_some_and(|signature| key.vouches(&payload, signature, digest)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Writes a small blob, if it is not there.
    pub(super) async fn put(&self, bytes: Bytes) -> Result<(), RegistryError> {
        let digest = Part::of("", &bytes).digest;
        if self
            .registry
            .has_blob(self.repository, &digest, self.caller)
            .await?
        {
            return Ok(());
        }
        let content = Content::Bytes(bytes);
        self.registry
            .push_blob(self.repository, &digest, &content, self.caller)
            .await
    }
}

/// The tag under which the signatures of a digest are.
fn tag(digest: &Digest) -> Option<Tag> {
    let algorithm = digest.algorithm().as_str();
    Tag::parse(&format!("{algorithm}-{}.sig", digest.hex())).ok()
}

fn part(layer: &Descriptor) -> Part {
    Part {
        media_type: layer.media_type.clone(),
        digest: layer.digest.clone(),
        size: layer.size,
        annotations: layer.annotations.clone(),
    }
}

/// The configuration that makes an image of signatures, so that every registry takes it.
fn config(layers: &[Part]) -> Bytes {
    let layers: Vec<&str> = layers.iter().map(|layer| layer.digest.as_str()).collect();
    let config = json!({
        "architecture": "",
        "created": "0001-01-01T00:00:00Z",
        "history": vec![json!({ "created": "0001-01-01T00:00:00Z" }); layers.len()],
        "os": "",
        "rootfs": { "type": "layers", "diff_ids": layers },
        "config": {},
    });
    config.to_string().into()
}
