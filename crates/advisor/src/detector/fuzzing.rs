//! What of the inner parts the fuzz targets call. No part of the interface.

use super::header::HeaderError;
use super::rpm;
use super::sqlite::{Content, Row, Sqlite, SqliteError};
use crate::Package;

/// The package of one header of rpm's database, unless it is a key.
pub fn rpm_header(header: &[u8]) -> Result<Option<Package>, HeaderError> {
    rpm::package(&"db".into(), header)
}

/// The ids of the rows of rpm's table of headers, and how many bytes the second column of each has, where it is a blob.
pub fn sqlite_blobs(content: &[u8]) -> Result<Vec<(i64, usize)>, SqliteError> {
    let mut blobs = Vec::new();
    Sqlite::open(Content::Held(content))?.rows(rpm::TABLE, &mut |row: &Row<'_>| {
        blobs.push((row.id, row.blob(1).map_or(0, <[u8]>::len)));
        Ok::<_, SqliteError>(())
    })?;
    Ok(blobs)
}
