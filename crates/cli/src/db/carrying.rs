//! What pushing and pulling a database have in common.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use cise_advisor::database::artifact::{Carried, Transfer};
use cise_registry::ByteCount;

use crate::failure::Failure;

/// How long a push or a pull may take: a large database over a slow line.
pub(crate) const PATIENCE: Duration = Duration::from_secs(3600);

/// The most bytes of a key.
const MAX_KEY_BYTES: u64 = 64 * 1024;

/// Where a push or a pull is.
pub(super) fn carrying(verb: &str, transfer: Transfer<'_>) -> String {
    let percent = transfer.done.saturating_mul(100) / transfer.of.max(1);
    format!(
        "{verb} {}: {percent} % of {}",
        transfer.segment,
        ByteCount(transfer.of)
    )
}

pub(super) fn carried(carried: Carried) -> String {
    let Carried {
        segments,
        bytes,
        kept,
    } = carried;
    format!(
        "{segments} parts carried ({}), {kept} there already",
        ByteCount(bytes)
    )
}

/// The bytes of a key.
pub(super) fn key(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut key = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_KEY_BYTES).read_to_end(&mut key))
        .map_err(|error| Failure::from(error).about(&path.display().to_string()))?;
    Ok(key)
}
