//! Images on disk: OCI layouts (image-spec 1.1, "Image Layout") as folders and as archives, which `docker save` writes as well.

mod store;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cise_reference::Digest;
use cise_registry::{Descriptor, Manifest, ManifestError, MediaType};
use futures::StreamExt as _;
use futures::stream;
use serde::Deserialize;

use super::{Chunks, Copies, Source, SourceError};
use crate::inventory::digest::sha;
use store::{Member, Store};

/// The most bytes of a manifest or an index.
const MANIFEST_LIMIT: u64 = 4 * 1024 * 1024;
const LAYOUT_LIMIT: u64 = 4096;
/// How many bytes are read at a time.
const CHUNK: usize = 256 * 1024;
/// The annotation by which an index names its images (image-spec 1.1, "Pre-Defined Annotation Keys").
const NAME: &str = "org.opencontainers.image.ref.name";

/// A layout with images. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Layout {
    store: Arc<Store>,
    images: Arc<[Descriptor]>,
}

/// Why a layout does not give what it is asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LayoutError {
    /// A file cannot be read.
    #[error("cannot read {}: {why}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The kind of failure.
        kind: io::ErrorKind,
        /// What the system says.
        why: String,
    },
    /// An archive cannot be read.
    #[error("cannot read {}: {why}", path.display())]
    Archive {
        /// The archive.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// It is no layout, or one of a version to come.
    #[error("{} is not an OCI image layout of version 1.0", path.display())]
    NoLayout {
        /// What was taken for one.
        path: PathBuf,
    },
    /// It does not have the file.
    #[error("{} has no {file}", path.display())]
    Missing {
        /// The layout.
        path: PathBuf,
        /// The file in it.
        file: String,
    },
    /// A document of it is larger than it may be.
    #[error("{file} in {} has more than {limit} bytes", path.display())]
    Large {
        /// The layout.
        path: PathBuf,
        /// The file in it.
        file: String,
        /// The bound.
        limit: u64,
    },
    /// A document of it is not what its digest says.
    #[error("{file} in {} has the digest {found}", path.display())]
    Digest {
        /// The layout.
        path: PathBuf,
        /// The file in it.
        file: String,
        /// The digest of its content.
        found: Digest,
    },
    /// A manifest of it is not in order.
    #[error("{file} in {} cannot be used: {why}", path.display())]
    Manifest {
        /// The layout.
        path: PathBuf,
        /// The file in it.
        file: String,
        /// What is wrong with it.
        why: ManifestError,
    },
    /// It has no image of that name.
    #[error("{} has no image named `{name}`; it has {}", path.display(), names(.known))]
    NoImage {
        /// The layout.
        path: PathBuf,
        /// The name.
        name: String,
        /// The names that it has.
        known: Vec<String>,
    },
    /// It has several images, and none is asked for by name.
    #[error("{} has several images; name one of them: {}", path.display(), names(.known))]
    Several {
        /// The layout.
        path: PathBuf,
        /// The names that it has.
        known: Vec<String>,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Marker {
    image_layout_version: String,
}

impl Layout {
    /// The layout in a folder.
    pub async fn folder(path: &Path) -> Result<Self, LayoutError> {
        Self::open(Store::folder(path)).await
    }

    /// The layout in an archive, which is read through once and not unpacked.
    pub async fn archive(path: &Path) -> Result<Self, LayoutError> {
        let archive = path.to_owned();
        let opened = tokio::task::spawn_blocking(move || Store::archive(&archive)).await;
        let store = opened.map_err(|error| LayoutError::Archive {
            path: path.to_owned(),
            why: error.to_string(),
        })?;
        Self::open(store?).await
    }

    async fn open(store: Store) -> Result<Self, LayoutError> {
        let no_layout = || LayoutError::NoLayout {
            path: store.path().to_owned(),
        };
        let marker = store.read("oci-layout", LAYOUT_LIMIT).await;
        let marker = marker.map_err(|error| match error {
            LayoutError::Missing { .. } => no_layout(),
            error => error,
        })?;
        let marker: Marker = serde_json::from_slice(&marker).map_err(|_| no_layout())?;
        if marker.image_layout_version != "1.0.0" {
            return Err(no_layout());
        }
        let file = "index.json";
        let index = store.read(file, MANIFEST_LIMIT).await?;
        let manifest = Manifest::parse(&index, Some(MediaType::OciIndex.as_str()));
        match manifest.map_err(|why| store.unusable(file, why))? {
            Manifest::Index(index) => Ok(Self {
                store: Arc::new(store),
                images: index.manifests.into(),
            }),
            Manifest::Image(_) => Err(no_layout()),
        }
    }

    /// The digest of the manifest or index of the image with that name, or of the only one.
    pub fn image(&self, name: Option<&str>) -> Result<&Digest, LayoutError> {
        let path = || self.store.path().to_owned();
        let mut fitting = self.images.iter().filter(|image| {
            name.is_none_or(|name| image.annotations.get(NAME).is_some_and(|its| its == name))
        });
        match (fitting.next(), fitting.next(), name) {
            (Some(image), None, _) => Ok(&image.digest),
            (None, _, name) => Err(LayoutError::NoImage {
                path: path(),
                name: name.unwrap_or_default().to_owned(),
                known: self.names(),
            }),
            (Some(_), Some(_), _) => Err(LayoutError::Several {
                path: path(),
                known: self.names(),
            }),
        }
    }

    fn names(&self) -> Vec<String> {
        let names = self.images.iter().map(|image| image.annotations.get(NAME));
        names.flatten().cloned().collect()
    }
}

impl Source for Layout {
    async fn manifest(&self, digest: &Digest) -> Result<Manifest, SourceError> {
        let file = blob_path(digest);
        let bytes = self.store.read(&file, MANIFEST_LIMIT).await?;
        let found = sha(digest.algorithm(), &bytes);
        if found != *digest {
            let path = self.store.path().to_owned();
            return Err(LayoutError::Digest { path, file, found }.into());
        }
        let manifest = Manifest::parse(&bytes, None);
        Ok(manifest.map_err(|why| self.store.unusable(&file, why))?)
    }

    fn copies(&self, blob: &Descriptor) -> Copies<'_> {
        let file = blob_path(&blob.digest);
        let open = async move {
            let member = self.store.open(&file).await?;
            Ok(chunks(member))
        };
        stream::once(open).boxed()
    }
}

fn blob_path(digest: &Digest) -> String {
    format!("blobs/{}/{}", digest.algorithm(), digest.hex())
}

fn chunks(member: Member) -> Chunks {
    let read = async |mut member: Member| {
        let chunk = member.chunk().await?;
        Ok((!chunk.is_empty()).then_some((chunk, member)))
    };
    stream::try_unfold(member, read).boxed()
}

impl LayoutError {
    fn read(path: &Path, error: &io::Error) -> Self {
        Self::Read {
            path: path.to_owned(),
            kind: error.kind(),
            why: error.to_string(),
        }
    }

    pub(super) fn is_final(&self) -> bool {
        !matches!(self, Self::Read { .. })
    }
}

fn names(known: &[String]) -> String {
    match known {
        [] => "none with a name".to_owned(),
        known => known.join(", "),
    }
}
