//! Small real images, made without an engine.

mod chunked;
mod layer;
pub mod layout;

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Value, json};

pub use chunked::{Chunked, ChunkedLayer};
pub use layer::Layer;

use crate::Error;

/// The media types of an image's parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Those of the OCI image specification.
    Oci,
    /// Those of Docker's image manifest version 2, schema 2.
    Docker,
}

/// An image manifest or index with all that it refers to.
#[derive(Debug, Clone)]
pub struct Image {
    format: Format,
    media_type: &'static str,
    manifest: Vec<u8>,
    /// Where it runs, `os/architecture`; an index runs where its images do.
    platform: Option<String>,
    blobs: Vec<Vec<u8>>,
    images: Vec<Self>,
}

impl Image {
    /// An image for `linux/amd64` with one layer of these files (path and content). The same files make the same digest.
    pub fn new<C: AsRef<[u8]>>(format: Format, files: &[(&str, C)]) -> Result<Self, Error> {
        Self::for_platform(format, "linux/amd64", files)
    }

    /// An image for a platform, written `os/architecture`, with one layer of these files (path and content).
    pub fn for_platform<C: AsRef<[u8]>>(
        format: Format,
        platform: &str,
        files: &[(&str, C)],
    ) -> Result<Self, Error> {
        let layer = Layer::new(files)?;
        Ok(Self::of_layers(format, platform, &[layer]))
    }

    /// An image for a platform, written `os/architecture`, of these layers, the lowest first.
    pub fn of_layers(format: Format, platform: &str, layers: &[Layer]) -> Self {
        let (os, architecture) = platform.split_once('/').unwrap_or((platform, ""));
        let diff_ids: Vec<_> = layers.iter().map(|layer| &layer.diff_id).collect();
        let config = json!({
            "os": os,
            "architecture": architecture,
            "config": { "Labels": { "org.opencontainers.image.title": "a test image" } },
            "rootfs": { "type": "layers", "diff_ids": diff_ids },
        });
        let config = config.to_string().into_bytes();
        let entries = layers
            .iter()
            .map(|layer| descriptor(format.layer(), &layer.content));
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": format.manifest(),
            "config": descriptor(format.config(), &config),
            "layers": entries.collect::<Vec<_>>(),
        });
        let contents = layers.iter().map(|layer| layer.content.clone());
        Self {
            format,
            media_type: format.manifest(),
            manifest: manifest.to_string().into_bytes(),
            platform: Some(platform.to_owned()),
            blobs: [config].into_iter().chain(contents).collect(),
            images: Vec::new(),
        }
    }

    /// An index (in Docker's terms a manifest list) of these images.
    pub fn index(format: Format, images: &[Self]) -> Self {
        let manifests: Vec<Value> = images.iter().map(Self::entry).collect();
        let manifest =
            json!({ "schemaVersion": 2, "mediaType": format.index(), "manifests": manifests });
        Self {
            format,
            media_type: format.index(),
            manifest: manifest.to_string().into_bytes(),
            platform: None,
            blobs: Vec::new(),
            images: images.to_vec(),
        }
    }

    /// An index of one image for `linux/amd64` and one for `linux/arm64`, of the same files.
    pub fn multi_platform<C: AsRef<[u8]>>(
        format: Format,
        files: &[(&str, C)],
    ) -> Result<Self, Error> {
        let image = |platform| Self::for_platform(format, platform, files);
        Ok(Self::index(
            format,
            &[image("linux/amd64")?, image("linux/arm64")?],
        ))
    }

    /// The format that it was made in.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The media type of its manifest.
    pub fn media_type(&self) -> &'static str {
        self.media_type
    }

    /// The manifest, byte by byte as a registry serves it.
    pub fn manifest(&self) -> &[u8] {
        &self.manifest
    }

    /// The digest of the manifest, `sha256:…`.
    pub fn digest(&self) -> String {
        sha256(&self.manifest)
    }

    /// The length of the manifest in bytes: what a Notary target calls its length.
    pub fn size(&self) -> u64 {
        u64::try_from(self.manifest.len()).unwrap_or(u64::MAX)
    }

    /// The configuration, then the layers.
    pub fn blobs(&self) -> &[Vec<u8>] {
        &self.blobs
    }

    /// The images of an index.
    pub fn images(&self) -> &[Self] {
        &self.images
    }

    fn entry(&self) -> Value {
        let mut entry = descriptor(self.media_type, &self.manifest);
        if let Some((os, architecture)) = self
            .platform
            .as_deref()
            .and_then(|platform| platform.split_once('/'))
            && let Some(entry) = entry.as_object_mut()
        {
            entry.insert(
                "platform".to_owned(),
                json!({ "os": os, "architecture": architecture }),
            );
        }
        entry
    }
}

impl Format {
    fn manifest(self) -> &'static str {
        match self {
            Self::Oci => "application/vnd.oci.image.manifest.v1+json",
            Self::Docker => "application/vnd.docker.distribution.manifest.v2+json",
        }
    }

    fn index(self) -> &'static str {
        match self {
            Self::Oci => "application/vnd.oci.image.index.v1+json",
            Self::Docker => "application/vnd.docker.distribution.manifest.list.v2+json",
        }
    }

    fn config(self) -> &'static str {
        match self {
            Self::Oci => "application/vnd.oci.image.config.v1+json",
            Self::Docker => "application/vnd.docker.container.image.v1+json",
        }
    }

    fn layer(self) -> &'static str {
        match self {
            Self::Oci => "application/vnd.oci.image.layer.v1.tar+gzip",
            Self::Docker => "application/vnd.docker.image.rootfs.diff.tar.gzip",
        }
    }
}

/// `sha256:…` of some bytes.
pub fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", crate::hex(digest(&SHA256, bytes).as_ref()))
}

fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": sha256(bytes), "size": bytes.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_files_make_the_same_image() {
        let image = |content| {
            Image::new(Format::Oci, &[("etc/motd", content)])
                .unwrap()
                .digest()
        };
        assert_eq!(image("hello"), image("hello"));
        assert_ne!(image("hello"), image("goodbye"));
    }

    #[test]
    fn a_layer_unpacks_to_its_files() {
        let image = Image::new(Format::Docker, &[("app/a", "1"), ("app/b", "2")]).unwrap();
        let layer = flate2::read::GzDecoder::new(image.blobs()[1].as_slice());
        let mut archive = tar::Archive::new(layer);
        let paths: Vec<_> = archive
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap().path().unwrap().into_owned())
            .collect();
        assert_eq!(paths, ["app/a", "app/b"].map(std::path::PathBuf::from));
    }

    #[test]
    fn an_index_names_its_images_and_their_platforms() {
        let index = Image::multi_platform(Format::Oci, &[("a", "1")]).unwrap();
        let manifest: Value = serde_json::from_slice(index.manifest()).unwrap();
        assert_eq!(
            manifest["manifests"][0]["digest"],
            index.images()[0].digest()
        );
        assert_eq!(
            manifest["manifests"][1]["platform"]["architecture"],
            "arm64"
        );
    }
}
