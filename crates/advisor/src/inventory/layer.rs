//! One layer, from its compressed bytes to what it says, in one pass.

mod archive;
mod blob;
mod inflate;
mod listing;
mod path;
mod table;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use cise_reference::Digest;
use serde::{Deserialize, Serialize};

use super::limits::Limits;
use super::source::SourceError;
use crate::detector::{Detected, Detector, Mark};
use crate::{Manager, Package, Release};
use archive::Entry;
use blob::Blob;
use inflate::{Bounds, Inflated, Origin};
use path::Place;
use table::{Candidate, Outline, Tables};

pub use archive::TarError;
pub(super) use archive::{Archive, Input, Kind};
pub(super) use listing::{Item, Listing};
pub(super) use path::clean;

/// What one layer says: all its entries, and what is in those that are read. That depends on the layer's diff id and on the
/// detectors only, so it serves every image that has the layer. What lazy runtimes find in it depends on the blob.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerInventory {
    pub(super) listing: Listing,
    pub(super) files: Vec<File>,
    pub(super) marks: BTreeSet<Mark>,
    /// The tables of contents of each blob that the layer was read from, by its digest.
    #[serde(default)]
    tables: BTreeMap<Box<str>, Tables>,
}

/// The most blobs of one layer whose tables are kept.
const MAX_BLOBS: usize = 16;

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct File {
    /// Whose database it is; nothing for one that names the release.
    pub(super) manager: Option<Manager>,
    pub(super) content: Content,
}

/// What a file says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Content {
    Packages(Vec<Package>),
    EmptyDatabase,
    Release(Release),
    Nothing,
    /// It cannot be read, for this reason.
    Broken(Box<str>),
}

/// What a layer should be.
#[derive(Clone, Debug)]
pub(super) struct Expected {
    /// The digest of the blob, as the manifest has it.
    pub(super) digest: Digest,
    /// The size of the blob, as the manifest has it.
    pub(super) size: u64,
    /// The digest of the archive, as the configuration has it.
    pub(super) diff_id: Digest,
}

/// Why a layer cannot be read. A phrase that says what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LayerError {
    /// It cannot be fetched. Nothing is said about the image.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The blob is another.
    #[error("its content has the digest {found}, not that of the manifest")]
    Digest {
        /// The digest of what came.
        found: Digest,
    },
    /// The blob ends too early.
    #[error("it has {found} bytes, and the manifest says {claimed}")]
    Short {
        /// The size of the manifest.
        claimed: u64,
        /// What came.
        found: u64,
    },
    /// The blob goes on past its end.
    #[error("it has more than the {claimed} bytes that the manifest says")]
    Long {
        /// The size of the manifest.
        claimed: u64,
    },
    /// The archive is another.
    #[error("its archive has the digest {found}, not the diff id of the configuration")]
    DiffId {
        /// The digest of the archive.
        found: Digest,
    },
    /// The blob is larger than any that is read.
    #[error("it has more than the {limit} bytes that are read of a layer")]
    Compressed {
        /// The bound.
        limit: u64,
    },
    /// The archive is larger than any that is read.
    #[error("it inflates to more than the {limit} bytes that are read of a layer")]
    Inflated {
        /// The bound.
        limit: u64,
    },
    /// The archive is out of proportion.
    #[error("it inflates to far more than its size, as only a decompression bomb does")]
    Ratio,
    /// More entries than are read.
    #[error("it has more than the {limit} entries that are read of a layer")]
    Entries {
        /// The bound.
        limit: u64,
    },
    /// Paths that take more room than there is.
    #[error("the paths in it take more than {} bytes", Listing::MAX_BYTES)]
    LongListing,
    /// A path longer than any that a kernel takes.
    #[error(
        "a path in it has more than {} bytes, which no runtime can unpack",
        Limits::PATH
    )]
    LongPath,
    /// The compressed bytes end within something.
    #[error("its compressed bytes end too early")]
    Ended,
    /// The compressed bytes are none.
    #[error("its compressed bytes are broken: {0}")]
    Compression(Box<str>),
    /// Something follows the compressed bytes.
    #[error("its compressed bytes are followed by others")]
    Trailing,
    /// The archive is none.
    #[error(transparent)]
    Tar(#[from] TarError),
    /// The reading ended without a result, which is a fault of this program.
    #[error("an internal error ended its reading; the log says more")]
    Lost,
}

impl LayerError {
    /// Whether it says nothing about the image, so that asking again may help.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Source(error) => !error.is_final(),
            Self::Lost => true,
            _ => false,
        }
    }
}

/// Reads a layer whose bytes come in these chunks. Both digests are checked before anything is told.
pub(super) fn read(
    chunks: impl Iterator<Item = Result<Bytes, SourceError>>,
    expected: &Expected,
    limits: &Limits,
) -> Result<LayerInventory, LayerError> {
    if expected.size > limits.compressed {
        return Err(LayerError::Compressed {
            limit: limits.compressed,
        });
    }
    let mut blob = Blob::new(chunks, expected.digest.algorithm(), expected.size);
    let start = blob.start()?;
    let bounds = Bounds {
        inflated: limits.inflated,
        by_ratio: limits.inflated_by_ratio(expected.size),
    };
    let mut archive = Archive::new(Inflated::new(
        blob,
        start,
        expected.diff_id.algorithm(),
        bounds,
    ));
    let (mut inventory, outline) = Reading::of(&mut archive, limits)?;
    let ended = archive.finish()?.finish()?;
    let (found, tail) = ended.blob.finish()?;
    if found != expected.digest {
        return Err(LayerError::Digest { found });
    }
    if ended.diff_id != expected.diff_id {
        let found = ended.diff_id;
        return Err(LayerError::DiffId { found });
    }
    let tables = Tables::of(&outline, &inventory.listing, &ended.aside, &tail);
    inventory.tables.insert(found.as_str().into(), tables);
    Ok(inventory)
}

impl LayerInventory {
    /// How much memory it takes, about, in bytes.
    pub fn weight(&self) -> usize {
        let packages = self.files.iter().map(|file| match &file.content {
            Content::Packages(packages) => packages.len() * (size_of::<Package>() + 100),
            _ => 0,
        });
        self.listing.weight() + packages.sum::<usize>()
    }

    /// Whether it was read from that blob too, so that nothing of the blob is unknown.
    pub(super) fn was_read_from(&self, blob: &Digest) -> bool {
        self.tables.contains_key(blob.as_str())
    }

    /// Takes over what is known of other blobs from what was read of the same layer before.
    pub(super) fn take_over(&mut self, before: &Self) {
        for (blob, tables) in &before.tables {
            if self.tables.len() < MAX_BLOBS {
                self.tables
                    .entry(blob.clone())
                    .or_insert_with(|| tables.clone());
            }
        }
    }

    /// Whether lazy runtimes show what is in the layer, where it comes as that blob and a manifest with these annotations has
    /// it; an error is a phrase that says why its table of contents does not count.
    pub(super) fn shows_the_same(
        &self,
        blob: &Digest,
        annotations: &BTreeMap<String, String>,
    ) -> Result<(), Box<str>> {
        let unread = Tables::default();
        let tables = self.tables.get(blob.as_str()).unwrap_or(&unread);
        tables.judge(annotations)
    }
}

/// A layer that is being read.
#[derive(Default)]
struct Reading {
    inventory: LayerInventory,
    outline: Outline,
    entries: u64,
}

impl Reading {
    /// All of an archive.
    fn of<I: Origin>(
        archive: &mut Archive<I>,
        limits: &Limits,
    ) -> Result<(LayerInventory, Outline), LayerError> {
        let mut reading = Self::default();
        while let Some(entry) = archive.next()? {
            reading.entries += 1;
            if reading.entries > limits.entries {
                return Err(LayerError::Entries {
                    limit: limits.entries,
                });
            }
            reading.take(&entry, archive, limits)?;
        }
        if archive.goes_on()? {
            reading.take_appended(archive, limits)?;
        }
        Ok((reading.inventory, reading.outline))
    }

    fn take<I: Origin>(
        &mut self,
        entry: &Entry,
        archive: &mut Archive<I>,
        limits: &Limits,
    ) -> Result<(), LayerError> {
        if entry.path.len() > Limits::PATH {
            return Err(LayerError::LongPath);
        }
        if self.is_table(entry, archive) {
            self.take_table(entry, archive, limits)?;
        } else {
            self.outline.push(entry);
        }
        match Place::of(&entry.path) {
            Place::At(path) => self.take_at(&path, entry, archive, limits),
            Place::Whiteout(path) => self.inventory.listing.push(&path, Item::Whiteout),
            Place::Opaque(path) => self.inventory.listing.push(&path, Item::Opaque),
            Place::Nothing => Ok(()),
        }
    }

    fn take_at<I: Origin>(
        &mut self,
        path: &str,
        entry: &Entry,
        archive: &mut Archive<I>,
        limits: &Limits,
    ) -> Result<(), LayerError> {
        if entry.kind != Kind::Directory {
            self.inventory.marks.extend(Mark::of(path));
        }
        let item = match (&entry.kind, Detector::of(path)) {
            (Kind::Directory, _) => Item::Directory,
            (Kind::Symlink(target) | Kind::HardLink(target), _) if target.len() > Limits::PATH => {
                return Err(LayerError::LongPath);
            }
            (Kind::Symlink(target), _) => Item::Symlink(target),
            (Kind::HardLink(target), _) => Item::HardLink(target),
            (_, None) => Item::File,
            (kind, Some(detector)) => {
                let content = match refusal(kind, entry.size, limits) {
                    Some(why) => Content::Broken(why),
                    None => Content::of(detector, path, &self.content(archive)?),
                };
                let files = &mut self.inventory.files;
                files.push(File {
                    manager: detector.manager(),
                    content,
                });
                Item::Read(files.len() - 1)
            }
        };
        self.inventory.listing.push(path, item)
    }

    /// What is in the present entry.
    fn content<I: Origin>(&mut self, archive: &mut Archive<I>) -> Result<Vec<u8>, LayerError> {
        let position = archive.input().position();
        let content = archive.content()?;
        self.outline
            .push_content(&content, position, archive.input());
        Ok(content)
    }

    /// Whether a lazy runtime may take the present entry for the layer's table of contents.
    fn is_table<I: Origin>(&self, entry: &Entry, archive: &Archive<I>) -> bool {
        entry.path == table::FILE
            && entry.kind == Kind::File
            && !self.outline.has_candidate()
            && archive.input().member().is_some()
    }

    fn take_table<I: Origin>(
        &mut self,
        entry: &Entry,
        archive: &mut Archive<I>,
        limits: &Limits,
    ) -> Result<(), LayerError> {
        let Some(position) = archive.input().member() else {
            return Ok(());
        };
        let content = match entry.size {
            size if size > limits.file.min(Outline::MAX_TABLE) => None,
            _ => Some(archive.content()?),
        };
        self.outline.set_candidate(Candidate { position, content });
        Ok(())
    }

    /// A table that was written behind the end mark, where no unpacker looks. Anything else has no business there.
    fn take_appended<I: Origin>(
        &mut self,
        archive: &mut Archive<I>,
        limits: &Limits,
    ) -> Result<(), LayerError> {
        let appended = archive.next()?;
        let table = appended.filter(|entry| self.is_table(entry, archive));
        let table = table.ok_or(TarError::Trailing)?;
        self.take_table(&table, archive, limits)?;
        match archive.next()? {
            None => Ok(()),
            Some(_) => Err(TarError::Trailing.into()),
        }
    }
}

/// Why a file that is to be read will not be.
fn refusal(kind: &Kind, size: u64, limits: &Limits) -> Option<Box<str>> {
    match kind {
        Kind::Sparse => Some("it is a sparse file, of which the archive has only parts".into()),
        Kind::File if size > limits.file => {
            Some(format!("it has more than the {} bytes that are read", limits.file).into())
        }
        Kind::File => None,
        _ => Some("it is not a file".into()),
    }
}

impl Content {
    fn of(detector: Detector, path: &str, bytes: &[u8]) -> Self {
        match detector.parse(path, bytes) {
            Ok(Detected::Packages(packages)) => Self::Packages(packages),
            Ok(Detected::EmptyDatabase) => Self::EmptyDatabase,
            Ok(Detected::Release(release)) => Self::Release(release),
            Ok(Detected::Nothing) => Self::Nothing,
            Err(error) => Self::Broken(error.to_string().into()),
        }
    }
}
