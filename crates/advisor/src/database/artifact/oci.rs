//! Manifests as they are written to a registry (image-spec 1.1).

use std::collections::BTreeMap;

use bytes::Bytes;
use cise_reference::Digest;
use cise_registry::MediaType;
use serde::Serialize;

use crate::database::Sha256;

pub(super) type Annotations = BTreeMap<String, String>;

/// The manifest of an image or artifact.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Image {
    schema_version: u8,
    media_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact_type: Option<&'static str>,
    config: Part,
    layers: Vec<Part>,
    #[serde(skip_serializing_if = "Annotations::is_empty")]
    annotations: Annotations,
}

/// What a manifest refers to.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Part {
    pub(super) media_type: String,
    #[serde(serialize_with = "written")]
    pub(super) digest: Digest,
    pub(super) size: u64,
    #[serde(skip_serializing_if = "Annotations::is_empty")]
    pub(super) annotations: Annotations,
}

impl Image {
    pub(super) fn new(config: Part, layers: Vec<Part>) -> Self {
        Self {
            schema_version: 2,
            media_type: MediaType::OciManifest.as_str(),
            artifact_type: None,
            config,
            layers,
            annotations: Annotations::new(),
        }
    }

    /// The manifest of an artifact of that type, with annotations.
    pub(super) fn artifact(self, artifact_type: &'static str, annotations: Annotations) -> Self {
        Self {
            artifact_type: Some(artifact_type),
            annotations,
            ..self
        }
    }

    pub(super) fn json(&self) -> Bytes {
        // A structure of texts and numbers can always be written.
        serde_json::to_vec(self).unwrap_or_default().into()
    }
}

impl Part {
    pub(super) fn of(media_type: &str, content: &[u8]) -> Self {
        Self {
            media_type: media_type.to_owned(),
            digest: Sha256::of(content).digest(),
            size: content.len() as u64,
            annotations: Annotations::new(),
        }
    }
}

fn written<S: serde::Serializer>(digest: &Digest, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(digest.as_str())
}
