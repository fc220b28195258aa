//! Builds a database from archives and folders of OSV records, CISA's known exploited vulnerabilities, and EPSS.
//!
//! Records are parsed on several threads into rows; rows are sorted on disk, and written segment after segment. The same
//! sources give the same feeds, whatever was there before: segments whose sources did not change are taken over as they are.
//! What does depend on it stands apart: since when the fixes are known.

mod archive;
mod assembly;
mod dating;
mod error;
mod facts;
mod folder;
#[doc(hidden)]
pub mod fuzzing;
mod gathering;
mod harvest;
mod key;
mod life_spans;
mod lists;
mod output;
mod past;
mod plan;
mod previous;
mod reading;
mod records;
mod sorter;
mod source;
mod writer;

use std::fmt::Display;
use std::path::Path;

use jiff::Timestamp;

pub use self::error::BuildError;
use self::gathering::Gathering;
use self::plan::Plan;
use self::previous::Previous;
pub use self::source::Input;
use self::source::Source;
use super::hash::Sha256;
use super::manifest::{Manifest, Releases, Texts};
use super::replacement::folder_of;
use crate::Advisory;

/// What makes segments of records: raised whenever the same record would give another row, so that no row of an older maker is
/// taken over.
const MAKER: &str = concat!("cise ", env!("CARGO_PKG_VERSION"), " rows 2");

/// How a database is built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Build {
    /// Whether summaries are kept.
    pub texts: Texts,
    /// Which releases are kept.
    pub releases: Releases,
    /// So many records may be malformed.
    pub max_rejected: u64,
    /// The time: what is said to have changed after it is not believed, and fixes that no earlier database had are known from
    /// it on.
    pub now: Timestamp,
    /// How many bytes of rows are sorted in memory. The build takes about half as much again, and what it reads.
    pub sort_bytes: usize,
}

impl Build {
    /// A build that keeps everything, as of `now`.
    pub fn new(now: Timestamp) -> Self {
        Self {
            texts: Texts::Kept,
            releases: Releases::All,
            max_rejected: 100,
            now,
            sort_bytes: 96 * 1024 * 1024,
        }
    }
}

/// Where a build is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage<'a> {
    /// The records of a source are read.
    Reading {
        /// The source.
        source: &'a str,
        /// How many records were read.
        records: u64,
        /// How much of the source they are: bytes of an archive, files of a folder.
        done: u64,
        /// How much the source is.
        of: u64,
    },
    /// A segment is written.
    Writing {
        /// The ecosystem, or `vulnerabilities`.
        segment: &'a str,
    },
}

/// Who is told where a build is.
pub type Progress<'a> = dyn FnMut(Stage<'_>) + 'a;

/// What a build did.
#[derive(Clone, Debug)]
pub struct Built {
    /// The hash that names the database.
    pub digest: Sha256,
    /// How many bytes the file has.
    pub bytes: u64,
    /// What the database holds.
    pub manifest: Manifest,
    /// How many feeds were taken over from the database that was there, and the join of all feeds if it was.
    pub kept: usize,
    /// Whether the file is another than before.
    pub outcome: Outcome,
}

/// Whether a file was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The file was written, and replaced what was there.
    Written,
    /// The database that was there is the very same, and was left alone.
    Unchanged,
}

/// Builds the database at `output` from sources.
///
/// `parse` reads one record: `Ok(None)` if it was withdrawn, an error if it is malformed. The file appears whole or not at all:
/// whoever has the old one open keeps it.
pub fn build<E: Display>(
    build: &Build,
    inputs: &[Input],
    output: &Path,
    parse: &(impl Fn(&[u8]) -> Result<Option<Advisory>, E> + Sync),
    progress: &mut Progress<'_>,
) -> Result<Built, BuildError> {
    let folder = folder_of(output);
    if !folder.is_dir() {
        return Err(BuildError::NoFolder(folder.to_owned()));
    }
    let sources = inputs
        .iter()
        .map(Source::open)
        .collect::<Result<Vec<_>, _>>()?;
    let previous = Previous::open(output);
    let alike = previous.as_ref().filter(|one| one.is_alike(build));
    let plan = Plan::new(alike, &sources);
    let mut gathering = Gathering::new(build, folder, plan);
    gathering.sources(&sources, parse, progress)?;
    let gathered = gathering.finish()?;
    output::write(build, gathered, previous.as_ref(), output, progress)
}
