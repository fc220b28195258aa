//! Records of OSV, wherever they lie.

use std::io::{self, Read};
use std::path::Path;

use super::error::BuildError;

/// The most bytes that a record may have. The largest of OSV's, with a version list of every kernel, have some megabytes.
pub(crate) const MAX_RECORD_BYTES: u64 = 32 * 1024 * 1024;

/// The most records that a source may have: several times all of OSV.
pub(crate) const MAX_RECORDS: u64 = 10_000_000;

/// A place that holds records: they are listed by one thread, and read by several.
pub(crate) trait Records: Sync {
    /// Where one record is.
    type Entry: Send;

    /// Where the records are, for messages.
    fn path(&self) -> &Path;

    /// How many bytes all of them have, as far as that is known before they are read.
    fn bytes(&self) -> u64;

    /// Calls `each` with every record until it says that it has enough.
    fn list(&self, each: &mut dyn FnMut(Self::Entry) -> Wanted) -> Result<(), BuildError>;

    /// The name of a record.
    fn name(entry: &Self::Entry) -> &str;

    /// How many bytes a record takes of [`bytes`](Self::bytes).
    fn weight(entry: &Self::Entry) -> u64;

    /// Reads a record over `into`.
    fn read(&self, entry: &Self::Entry, into: &mut Vec<u8>) -> Result<(), RecordError>;
}

/// Whether more records are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    More,
    Enough,
}

/// Why a record cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordError {
    /// The source fails: the build ends.
    #[error(transparent)]
    Source(io::Error),
    /// The record is damaged: it is rejected.
    #[error("{0}")]
    Damaged(Box<str>),
}

impl RecordError {
    pub(crate) fn too_large() -> Self {
        Self::Damaged(format!("it has more than {MAX_RECORD_BYTES} bytes").into())
    }
}

/// Reads all, within the bound of a record.
pub(crate) fn read_bounded(reader: impl Read, into: &mut Vec<u8>) -> io::Result<bool> {
    into.clear();
    let read = reader.take(MAX_RECORD_BYTES + 1).read_to_end(into)?;
    Ok(read as u64 <= MAX_RECORD_BYTES)
}
