//! Images on disk, as build tools write them.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::{Image, sha256};
use crate::Error;

impl Image {
    /// Writes the image as an OCI layout of its own into a folder, which is made, under this name.
    pub fn save(&self, folder: &Path, name: &str) -> Result<(), Error> {
        write(
            &folder.join("oci-layout"),
            br#"{"imageLayoutVersion":"1.0.0"}"#,
        )?;
        self.save_parts(folder)?;
        let mut entry = self.entry();
        if let Some(entry) = entry.as_object_mut() {
            let annotations = json!({ "org.opencontainers.image.ref.name": name });
            entry.insert("annotations".to_owned(), annotations);
        }
        let index = json!({ "schemaVersion": 2, "manifests": [entry] });
        write(&folder.join("index.json"), index.to_string().as_bytes())
    }

    fn save_parts(&self, folder: &Path) -> Result<(), Error> {
        for content in self.blobs.iter().chain([&self.manifest]) {
            write(&blob(folder, &sha256(content)), content)?;
        }
        self.images
            .iter()
            .try_for_each(|image| image.save_parts(folder))
    }
}

/// Where a layout keeps the blob of this digest.
pub fn blob(folder: &Path, digest: &str) -> PathBuf {
    folder.join("blobs").join(digest.replace(':', "/"))
}

fn write(path: &Path, content: &[u8]) -> Result<(), Error> {
    let parent = path.parent().unwrap_or(path);
    fs::create_dir_all(parent).map_err(Error::writing(parent))?;
    fs::write(path, content).map_err(Error::writing(path))
}
