//! Images made byte by byte, in a layout on disk.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use cise_policy::HostPattern;
use cise_registry::{
    Http, Outbound, Proxies, Registries, Registry, RegistryLimits, RegistrySettings, Security,
};
use cise_testkit::images::{Chunked, sha256};
use flate2::Compression;
use flate2::write::GzEncoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use serde_json::{Value, json};
use tempfile::TempDir;

/// An archive in the making.
pub(super) struct Archive(tar::Builder<Vec<u8>>);

/// A layer, and what is said of it.
#[derive(Clone)]
pub(super) struct Layer {
    pub(super) media_type: String,
    pub(super) content: Vec<u8>,
    pub(super) digest: String,
    pub(super) size: usize,
    pub(super) diff_id: String,
    pub(super) annotations: BTreeMap<String, String>,
    pub(super) is_served: bool,
}

/// A layout in the making.
pub(super) struct Builder(TempDir);

impl Archive {
    pub(super) fn new() -> Self {
        Self(tar::Builder::new(Vec::new()))
    }

    pub(super) fn file(mut self, path: &str, content: &str) -> Self {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        self.0
            .append_data(&mut header, path, content.as_bytes())
            .expect("room");
        self
    }

    pub(super) fn link(mut self, path: &str, target: &str) -> Self {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        self.0.append_link(&mut header, path, target).expect("room");
        self
    }

    pub(super) fn folder(mut self, path: &str) -> Self {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Directory);
        header.set_mode(0o755);
        header.set_size(0);
        self.0
            .append_data(&mut header, path, &[][..])
            .expect("room");
        self
    }

    /// Another name of the file at `target`.
    pub(super) fn same(mut self, path: &str, target: &str) -> Self {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Link);
        header.set_size(0);
        self.0.append_link(&mut header, path, target).expect("room");
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.0.get_ref().clone();
        bytes.resize(bytes.len() + 1024, 0);
        bytes
    }
}

impl Layer {
    pub(super) fn gzip(archive: &Archive) -> Self {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&archive.bytes()).expect("room");
        Self::new("+gzip", encoder.finish().expect("room"), archive)
    }

    pub(super) fn zstd(archive: &Archive) -> Self {
        let bytes = compress_to_vec(archive.bytes().as_slice(), CompressionLevel::Fastest);
        Self::new("+zstd", bytes, archive)
    }

    pub(super) fn plain(archive: &Archive) -> Self {
        Self::new("", archive.bytes(), archive)
    }

    fn new(compression: &str, content: Vec<u8>, archive: &Archive) -> Self {
        Self {
            media_type: format!("application/vnd.oci.image.layer.v1.tar{compression}"),
            digest: sha256(&content),
            size: content.len(),
            diff_id: sha256(&archive.bytes()),
            content,
            annotations: BTreeMap::new(),
            is_served: true,
        }
    }

    /// A layer with a table of contents.
    pub(super) fn chunked(by: Chunked, archive: &Archive) -> Self {
        let layer = by.layer(&archive.bytes()).expect("a layer");
        Self {
            media_type: "application/vnd.oci.image.layer.v1.tar".into(),
            digest: sha256(&layer.content),
            size: layer.content.len(),
            content: layer.content,
            diff_id: layer.diff_id,
            annotations: layer.annotations,
            is_served: true,
        }
    }

    /// Changes the content, of which everything said is true.
    pub(super) fn rewrite(&mut self, change: impl Fn(&mut Vec<u8>)) {
        change(&mut self.content);
        self.digest = sha256(&self.content);
        self.size = self.content.len();
    }
}

impl Builder {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(folder.path().join("blobs/sha256")).expect("a folder");
        let marker = json!({ "imageLayoutVersion": "1.0.0" });
        fs::write(folder.path().join("oci-layout"), marker.to_string()).expect("room");
        Self(folder)
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    /// An image of these layers for a platform, by a name.
    pub(super) fn image(&self, name: &str, platform: &str, layers: &[Layer]) {
        let manifest = self.manifest(platform, layers);
        self.name(&[(name, &manifest)]);
    }

    /// An image with a configuration of its own.
    pub(super) fn image_with(&self, name: &str, layers: &[Layer], configuration: &str) {
        let manifest = self.manifest_with(layers, configuration);
        self.name(&[(name, &manifest)]);
    }

    /// A manifest, as an index has it.
    pub(super) fn manifest(&self, platform: &str, layers: &[Layer]) -> Value {
        let (os, architecture) = platform.split_once('/').expect("a platform");
        let diff_ids: Vec<_> = layers.iter().map(|layer| &layer.diff_id).collect();
        let configuration = json!({
            "os": os,
            "architecture": architecture,
            "rootfs": { "type": "layers", "diff_ids": diff_ids },
        });
        let mut manifest = self.manifest_with(layers, &configuration.to_string());
        manifest["platform"] = json!({ "os": os, "architecture": architecture });
        manifest
    }

    fn manifest_with(&self, layers: &[Layer], configuration: &str) -> Value {
        for layer in layers.iter().filter(|layer| layer.is_served) {
            self.put(&layer.digest, &layer.content);
        }
        let layers: Vec<_> = layers.iter().map(|layer| json!({ "mediaType": layer.media_type, "digest": layer.digest, "size": layer.size, "annotations": layer.annotations })).collect();
        let config = self.blob("application/vnd.oci.image.config.v1+json", configuration);
        let manifest = json!({ "schemaVersion": 2, "config": config, "layers": layers });
        self.blob(
            "application/vnd.oci.image.manifest.v1+json",
            &manifest.to_string(),
        )
    }

    /// A manifest that is not there.
    pub(super) fn absent(platform: &str) -> Value {
        let (os, architecture) = platform.split_once('/').expect("a platform");
        json!({
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": sha256(b"absent"),
            "size": 6,
            "platform": { "os": os, "architecture": architecture },
        })
    }

    /// An index, as an index has it.
    pub(super) fn index(&self, manifests: &[Value]) -> Value {
        let index = json!({ "schemaVersion": 2, "manifests": manifests });
        self.blob(
            "application/vnd.oci.image.index.v1+json",
            &index.to_string(),
        )
    }

    /// Says which images there are.
    pub(super) fn name(&self, images: &[(&str, &Value)]) {
        let named = images.iter().map(|(name, image)| {
            let mut image = (*image).clone();
            image["annotations"] = json!({ "org.opencontainers.image.ref.name": name });
            image
        });
        let index = json!({ "schemaVersion": 2, "manifests": named.collect::<Vec<_>>() });
        fs::write(self.path().join("index.json"), index.to_string()).expect("room");
    }

    /// Takes a blob away.
    pub(super) fn remove(&self, digest: &str) {
        fs::remove_file(self.blob_path(digest)).expect("a blob");
    }

    /// Puts a folder in place of a blob, which cannot be read.
    pub(super) fn folder(&self, digest: &str) {
        fs::create_dir(self.blob_path(digest)).expect("room");
    }

    fn blob(&self, media_type: &str, content: &str) -> Value {
        let digest = sha256(content.as_bytes());
        self.put(&digest, content.as_bytes());
        json!({ "mediaType": media_type, "digest": digest, "size": content.len() })
    }

    fn put(&self, digest: &str, content: &[u8]) {
        fs::write(self.blob_path(digest), content).expect("room");
    }

    fn blob_path(&self, digest: &str) -> std::path::PathBuf {
        self.path().join("blobs").join(digest.replace(':', "/"))
    }
}

/// A client for one registry over plain HTTP.
pub(super) fn client(host: &str) -> Registry {
    let limits = RegistryLimits::default();
    let outbound = Outbound::new(Proxies::default());
    let pattern = HostPattern::parse(host).expect("a pattern");
    let settings = RegistrySettings::new(pattern, &outbound, &Security::PlainHttp);
    let registries = Registries::new(&outbound, vec![settings.expect("settings")]);
    Registry::new(
        Http::new(registries.expect("registries"), limits.flights),
        limits,
    )
}
