//! Manifests and indexes of OCI (image-spec 1.1) and Docker (schema 2): what is needed of them, read strictly.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use cise_reference::Digest;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::strict_json::JsonForm;

/// The fields of image-spec 1.1, of Docker's manifests and of schema 1, as far as container runtimes read them.
const FORM: JsonForm = JsonForm {
    depth: 16,
    values: 100_000,
    fields: &[
        "schemaVersion",
        "mediaType",
        "artifactType",
        "config",
        "layers",
        "blobs",
        "manifests",
        "subject",
        "annotations",
        "digest",
        "size",
        "urls",
        "data",
        "platform",
        "architecture",
        "os",
        "os.version",
        "os.features",
        "variant",
        "features",
        "fsLayers",
        "history",
    ],
    maps: &["annotations"],
};
/// The most layers of an image, or images of an index.
const MAX_DESCRIPTORS: usize = 4096;

/// The `Accept` header of a request for a manifest.
pub(crate) const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

/// What a digest or a tag names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manifest {
    /// One image, or another artifact.
    Image(Image),
    /// A list of images, mostly one per platform.
    Index(Index),
}

/// The manifest of one image or artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// The media type by which it was read.
    pub media_type: MediaType,
    /// What kind of artifact it is, where it says so.
    pub artifact_type: Option<String>,
    /// Its configuration.
    pub config: Descriptor,
    /// Its layers, the lowest first.
    pub layers: Vec<Descriptor>,
    /// What it is about, for signatures and the like.
    pub subject: Option<Descriptor>,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
}

/// A list of manifests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// The media type by which it was read.
    pub media_type: MediaType,
    /// What kind of artifact it is, where it says so.
    pub artifact_type: Option<String>,
    /// The manifests.
    pub manifests: Vec<Descriptor>,
    /// What it is about.
    pub subject: Option<Descriptor>,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
}

/// The media types of manifests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MediaType {
    /// `application/vnd.docker.distribution.manifest.v2+json`
    DockerManifest,
    /// `application/vnd.docker.distribution.manifest.list.v2+json`
    DockerManifestList,
    /// `application/vnd.oci.image.manifest.v1+json`
    OciManifest,
    /// `application/vnd.oci.image.index.v1+json`
    OciIndex,
}

/// A reference to content by its digest. The addresses that some descriptors carry (`urls`) are not read: nothing is ever
/// fetched from where an image says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// The media type that is claimed for the content.
    pub media_type: String,
    /// The content's digest.
    pub digest: Digest,
    /// The size in bytes that is claimed.
    pub size: u64,
    /// What kind of artifact the content is, where it is said.
    pub artifact_type: Option<String>,
    /// The platform that the content is for.
    pub platform: Option<Platform>,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
}

/// A platform that an image runs on.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Platform {
    /// As Go names it: `amd64`, `arm64`.
    pub architecture: String,
    /// As Go names it: `linux`, `windows`.
    pub os: String,
    /// The architecture's variant, as in `v8`.
    pub variant: Option<String>,
}

/// Why a document is not taken as a manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// It breaks JSON, or a bound, or has a key that is there twice or can be taken for another.
    #[error("it is not a well-formed manifest: {0}")]
    Malformed(String),
    /// A manifest of schema 1, whose layers are not named by a verified digest.
    #[error(
        "it is a schema 1 manifest, which is no longer supported by container runtimes; push the image again with a current tool"
    )]
    Schema1,
    /// It can be read as an index and as an image.
    #[error("it is ambiguous: it has the fields of an index and of an image")]
    Ambiguous,
    /// What it says about itself and what the server says differ.
    #[error("its media type is ambiguous: it says `{inner}`, the server says `{outer}`")]
    MediaTypes {
        /// The document's own `mediaType`.
        inner: String,
        /// The server's `Content-Type`.
        outer: String,
    },
    /// Its fields are not those of its media type.
    #[error("its fields are not those of its media type `{0}`")]
    Shape(String),
    /// Neither its media type nor its fields are those of a manifest.
    #[error("it is neither an image manifest nor an index{}", named(.0.as_ref()))]
    Unknown(Option<String>),
    /// More layers or images than any real one has.
    #[error("it lists more than {MAX_DESCRIPTORS} layers or images")]
    TooMany,
}

impl Manifest {
    /// Reads a manifest. `content_type` is the server's `Content-Type`, if it sent one.
    pub fn parse(json: &[u8], content_type: Option<&str>) -> Result<Self, ManifestError> {
        let malformed = |error: serde_json::Error| ManifestError::Malformed(error.to_string());
        FORM.check(json).map_err(malformed)?;
        let wire: Wire = serde_json::from_slice(json).map_err(malformed)?;
        wire.check_bounds()?;
        match wire.media_type(content_type)? {
            media_type @ (MediaType::DockerManifest | MediaType::OciManifest) => {
                wire.image(media_type).map(Self::Image)
            }
            media_type @ (MediaType::DockerManifestList | MediaType::OciIndex) => {
                wire.index(media_type).map(Self::Index)
            }
        }
    }
}

impl MediaType {
    /// The type as it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DockerManifest => "application/vnd.docker.distribution.manifest.v2+json",
            Self::DockerManifestList => "application/vnd.docker.distribution.manifest.list.v2+json",
            Self::OciManifest => "application/vnd.oci.image.manifest.v1+json",
            Self::OciIndex => "application/vnd.oci.image.index.v1+json",
        }
    }

    const ALL: [Self; 4] = [
        Self::DockerManifest,
        Self::DockerManifestList,
        Self::OciManifest,
        Self::OciIndex,
    ];

    fn read(text: &str) -> Claim<'_> {
        let essence = text.split(';').next().unwrap_or_default().trim();
        let known = Self::ALL
            .into_iter()
            .find(|known| known.as_str().eq_ignore_ascii_case(essence));
        match (known, essence) {
            (Some(known), _) => Claim::Known(known),
            // What servers send that do not know what they have.
            (
                None,
                ""
                | "application/octet-stream"
                | "application/json"
                | "text/plain"
                | "binary/octet-stream",
            ) => Claim::None,
            (None, schema1)
                if schema1.starts_with("application/vnd.docker.distribution.manifest.v1+") =>
            {
                Claim::Schema1
            }
            (None, other) => Claim::Other(other),
        }
    }
}

/// What a media type says about a document.
enum Claim<'a> {
    Known(MediaType),
    Schema1,
    Other(&'a str),
    None,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    schema_version: Option<u64>,
    media_type: Option<String>,
    artifact_type: Option<String>,
    config: Option<WireDescriptor>,
    layers: Option<Vec<WireDescriptor>>,
    manifests: Option<Vec<WireDescriptor>>,
    subject: Option<WireDescriptor>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
    fs_layers: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireDescriptor {
    media_type: Option<String>,
    digest: String,
    size: u64,
    artifact_type: Option<String>,
    platform: Option<Platform>,
    annotations: Option<BTreeMap<String, String>>,
}

impl Wire {
    fn check_bounds(&self) -> Result<(), ManifestError> {
        let lists = [&self.layers, &self.manifests];
        let long = lists.iter().any(|list| {
            list.as_ref()
                .is_some_and(|list| list.len() > MAX_DESCRIPTORS)
        });
        if long {
            Err(ManifestError::TooMany)
        } else {
            Ok(())
        }
    }

    /// The media type, on which the document, the server and the fields must agree.
    fn media_type(&self, content_type: Option<&str>) -> Result<MediaType, ManifestError> {
        let inner = self.media_type.as_deref().unwrap_or_default();
        let outer = content_type.unwrap_or_default();
        let claimed = match (MediaType::read(inner), MediaType::read(outer)) {
            (Claim::Schema1, _) | (_, Claim::Schema1) => return Err(ManifestError::Schema1),
            (Claim::Known(inner), Claim::Known(outer)) if inner == outer => Some(inner),
            (Claim::Known(known), Claim::None) | (Claim::None, Claim::Known(known)) => Some(known),
            (Claim::None, Claim::None) => None,
            (Claim::Other(other), Claim::None) | (Claim::None, Claim::Other(other)) => {
                return Err(ManifestError::Unknown(Some(shown(other))));
            }
            _ => {
                return Err(ManifestError::MediaTypes {
                    inner: shown(inner),
                    outer: shown(outer),
                });
            }
        };
        let by_fields = self.shape()?;
        Ok(claimed.unwrap_or(by_fields))
    }

    /// The media type that the fields speak for, among OCI's, where `mediaType` may be missing.
    fn shape(&self) -> Result<MediaType, ManifestError> {
        if self.schema_version == Some(1) || self.fs_layers.is_some() {
            return Err(ManifestError::Schema1);
        }
        let image = self.layers.is_some() || self.config.is_some();
        match (image, self.manifests.is_some()) {
            (true, true) => Err(ManifestError::Ambiguous),
            (true, false) => Ok(MediaType::OciManifest),
            (false, true) => Ok(MediaType::OciIndex),
            (false, false) => Err(ManifestError::Unknown(None)),
        }
    }

    fn image(self, media_type: MediaType) -> Result<Image, ManifestError> {
        let shape = || ManifestError::Shape(media_type.as_str().to_owned());
        let config = self.config.ok_or_else(shape)?;
        let layers = self.layers.ok_or_else(shape)?;
        Ok(Image {
            media_type,
            artifact_type: self.artifact_type,
            config: config.try_into()?,
            layers: descriptors(layers)?,
            subject: self.subject.map(TryInto::try_into).transpose()?,
            annotations: self.annotations.unwrap_or_default(),
        })
    }

    fn index(self, media_type: MediaType) -> Result<Index, ManifestError> {
        let manifests = self
            .manifests
            .ok_or_else(|| ManifestError::Shape(media_type.as_str().to_owned()))?;
        Ok(Index {
            media_type,
            artifact_type: self.artifact_type,
            manifests: descriptors(manifests)?,
            subject: self.subject.map(TryInto::try_into).transpose()?,
            annotations: self.annotations.unwrap_or_default(),
        })
    }
}

fn descriptors(wire: Vec<WireDescriptor>) -> Result<Vec<Descriptor>, ManifestError> {
    wire.into_iter().map(TryInto::try_into).collect()
}

impl TryFrom<WireDescriptor> for Descriptor {
    type Error = ManifestError;

    fn try_from(wire: WireDescriptor) -> Result<Self, ManifestError> {
        let digest = Digest::parse(&wire.digest)
            .map_err(|error| ManifestError::Malformed(error.to_string()))?;
        Ok(Self {
            media_type: wire.media_type.unwrap_or_default(),
            digest,
            size: wire.size,
            artifact_type: wire.artifact_type.filter(|text| !text.is_empty()),
            platform: wire.platform,
            annotations: wire.annotations.unwrap_or_default(),
        })
    }
}

fn named(media_type: Option<&String>) -> String {
    media_type.map_or_else(String::new, |media_type| format!(" but `{media_type}`"))
}

/// A text of the server's as it may be shown.
fn shown(text: &str) -> String {
    text.chars()
        .filter(|character| !character.is_control())
        .take(100)
        .collect()
}
