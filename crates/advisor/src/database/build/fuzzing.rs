//! What of the inner parts the fuzz targets call. No part of the interface.

use std::path::Path;

use super::BuildError;
use super::archive::Archive;
use super::records::{MAX_RECORD_BYTES, Records as _, Wanted};

/// The most bytes of a record.
pub const MAX_BYTES: u64 = MAX_RECORD_BYTES;

/// The name of a record, and how many bytes it has, or why it cannot be read.
pub type Record = (String, Result<usize, String>);

/// The names of an archive's records, and of each how many bytes it has, or why it cannot be read.
pub fn records(path: &Path) -> Result<Vec<Record>, BuildError> {
    let archive = Archive::open(path)?;
    let mut records = Vec::new();
    let mut bytes = Vec::new();
    archive.list(&mut |entry| {
        let read = archive.read(&entry, &mut bytes);
        let read = read
            .map(|()| bytes.len())
            .map_err(|error| error.to_string());
        records.push((Archive::name(&entry).to_owned(), read));
        Wanted::More
    })?;
    Ok(records)
}
