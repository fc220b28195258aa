//! One layer, from its compressed bytes to what it says, in one pass.

mod blob;
pub(super) mod fuzzing;
mod inflate;
mod listing;
mod pass;
mod path;
mod table;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use cise_reference::Digest;
use serde::{Deserialize, Serialize};

use super::archive::{Archive, TarError};
use super::limits::Limits;
use super::scratch::Scratch;
use super::source::SourceError;
use crate::detector::{Detected, DetectorError, Mark};
use crate::{Manager, Package, Release};
use blob::Blob;
use inflate::{Bounds, Inflated};
use pass::Reading;
use table::Tables;

pub(super) use listing::{Item, Listing};

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

/// How much of a layer is read, and where there is room for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room<'a> {
    limits: &'a Limits,
    scratch: Option<&'a Scratch>,
    /// Held by the one who holds a large file.
    large: Option<&'a Mutex<()>>,
}

impl<'a> Room<'a> {
    /// Within these limits, with or without a folder for what is too large to be held.
    pub(super) fn new(limits: &'a Limits, scratch: Option<&'a Scratch>) -> Self {
        Self {
            limits,
            scratch,
            large: None,
        }
    }

    /// The same, beside others who read with the same lock: one at a time holds a large file.
    pub(super) fn taking_turns(self, large: &'a Mutex<()>) -> Self {
        let large = Some(large);
        Self { large, ..self }
    }

    /// Waits until nobody else holds a large file.
    fn large(self) -> Option<MutexGuard<'a, ()>> {
        let large = self.large?;
        Some(large.lock().unwrap_or_else(PoisonError::into_inner))
    }
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
    /// What it says takes more memory than there is for it.
    #[error(
        "what is in it takes more than {limit} bytes of memory: give the advisor more with `advisor.memoryMiB`"
    )]
    Said {
        /// The bound.
        limit: u64,
    },
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
    /// What was too large to be held could not be put on a disk. Nothing is said about the image.
    #[error("a file in it is too large to be held in memory, and the disk failed: {0}")]
    Scratch(Box<str>),
    /// The reading ended without a result, which is a fault of this program.
    #[error("an internal error ended its reading; the log says more")]
    Lost,
}

impl LayerError {
    /// Whether it says nothing about the image, so that asking again may help.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Source(error) => !error.is_final(),
            Self::Scratch(_) | Self::Lost => true,
            _ => false,
        }
    }
}

/// Reads a layer whose bytes come in these chunks. Both digests are checked before anything is told.
pub(super) fn read(
    chunks: impl Iterator<Item = Result<Bytes, SourceError>>,
    expected: &Expected,
    room: Room<'_>,
) -> Result<LayerInventory, LayerError> {
    let limits = room.limits;
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
        window: limits.window,
    };
    let mut archive = Archive::new(Inflated::new(
        blob,
        start,
        expected.diff_id.algorithm(),
        bounds,
    ));
    let (mut inventory, outline) = Reading::of(&mut archive, room)?;
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
        let files = self.files.iter().map(File::weight);
        let tables = self.tables.len() * size_of::<Tables>();
        size_of::<Self>() + self.listing.weight() + files.sum::<usize>() + tables
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

impl File {
    /// How much memory it takes, about, in bytes.
    fn weight(&self) -> usize {
        let content = match &self.content {
            Content::Packages(packages) => packages.iter().map(Package::weight).sum(),
            Content::Broken(why) => why.len(),
            Content::EmptyDatabase | Content::Release(_) | Content::Nothing => 0,
        };
        size_of::<Self>() + content
    }
}

impl Content {
    fn of(parsed: Result<Detected, DetectorError>) -> Self {
        match parsed {
            Ok(Detected::Packages(packages)) => Self::Packages(packages),
            Ok(Detected::EmptyDatabase) => Self::EmptyDatabase,
            Ok(Detected::Release(release)) => Self::Release(release),
            Ok(Detected::Nothing) => Self::Nothing,
            Err(error) => Self::Broken(error.to_string().into()),
        }
    }
}
