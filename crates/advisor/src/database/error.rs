use std::fmt;
use std::io;
use std::path::PathBuf;

use super::block::BlockFault;
use super::format::VERSION;
use super::manifest::Holds;
use super::wire::Malformed;
use crate::Ecosystem;

/// Why a database, or an answer of it, cannot be had. It is never "no advisories".
#[derive(Debug, thiserror::Error)]
#[error("the advisory database `{}`: {fault}", path.display())]
pub struct DatabaseError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub fault: DatabaseFault,
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseFault {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Read(#[from] io::Error),
    /// It is something else.
    #[error("it is something else: expected a file that `cise db build` wrote")]
    Foreign,
    /// It is of a version of the format that is not known.
    #[error(
        "it is of version {found} of its format, and versions 1 to {VERSION} are read: use the `cise` that wrote it, or build it anew"
    )]
    Version {
        /// The version.
        found: u8,
    },
    /// It lacks its end.
    #[error("its end is missing: it was cut, or is still being copied")]
    Cut,
    /// Its manifest is not the one that was written.
    #[error("its manifest is damaged")]
    ManifestHash,
    /// Its manifest cannot be read.
    #[error("its manifest cannot be read: {0}")]
    Manifest(serde_json::Error),
    /// Its manifest has more bytes than any should have.
    #[error("its manifest has {bytes} bytes: expected at most {most}")]
    ManifestSize {
        /// How many it has.
        bytes: u64,
        /// How many it may have.
        most: u64,
    },
    /// Its segments do not fill the room between its start and its manifest.
    #[error("its segments should have {claimed} bytes, and have {room}")]
    Room {
        /// What the manifest says.
        claimed: u128,
        /// What the file has.
        room: u64,
    },
    /// Two segments hold the same.
    #[error("it has {0} twice")]
    Twice(SegmentName),
    /// The heads of its segments would take more memory than they may.
    #[error("the heads of its segments have {bytes} bytes: expected at most {most}")]
    HeadSize {
        /// How many they have.
        bytes: u128,
        /// How many they may have.
        most: u64,
    },
    /// The head of a segment is not the one that was written.
    #[error("the head of {0} is damaged")]
    HeadHash(SegmentName),
    /// The head of a segment makes no sense.
    #[error("the head of {segment} cannot be read: {fault}")]
    Head {
        /// The segment.
        segment: SegmentName,
        /// What is wrong.
        fault: Malformed,
    },
    /// A block of a segment cannot be read.
    #[error("block {block} of {segment} cannot be read: {fault}")]
    Block {
        /// The segment.
        segment: SegmentName,
        /// The block, from 0.
        block: u32,
        /// What is wrong.
        fault: BlockError,
    },
}

/// What is wrong with a block.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BlockError {
    /// The system cannot read it.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// What was read is not what was written.
    #[error(transparent)]
    Fault(#[from] BlockFault),
}

impl From<Malformed> for BlockError {
    fn from(fault: Malformed) -> Self {
        Self::Fault(BlockFault::Malformed(fault))
    }
}

/// A segment by what it holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SegmentName(Name);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Name {
    Feed(Ecosystem),
    FixDates(Ecosystem),
    Vulnerabilities,
}

impl From<&Holds> for SegmentName {
    fn from(holds: &Holds) -> Self {
        Self(match holds {
            Holds::Feed(feed) => Name::Feed(feed.ecosystem.clone()),
            Holds::FixDates { ecosystem, .. } => Name::FixDates(ecosystem.clone()),
            Holds::Vulnerabilities { .. } => Name::Vulnerabilities,
        })
    }
}

impl fmt::Display for SegmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Name::Feed(ecosystem) => write!(f, "the feed of {ecosystem}"),
            Name::FixDates(ecosystem) => write!(f, "the dates of {ecosystem}'s fixes"),
            Name::Vulnerabilities => f.write_str("the list of vulnerabilities"),
        }
    }
}
