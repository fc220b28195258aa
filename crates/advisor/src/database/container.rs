//! The file around the segments.
//!
//! ```text
//! preamble   16 bytes: what it is, and the version of the format
//! segments   one after the other, as the manifest lists them
//! manifest   JSON
//! trailer    48 bytes: the length of the manifest (u64, little endian), its SHA-256, and a mark
//! ```
//!
//! A file that was cut has no trailer, so that it is never read as a smaller database.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;

use super::error::DatabaseFault;
use super::format::VERSION;
use super::hash::Sha256;
use super::manifest::Manifest;

/// The most bytes that a manifest may have: some 100,000 segments.
pub(crate) const MAX_MANIFEST_BYTES: u64 = 64 * 1024 * 1024;

const MARK: &[u8; 15] = b"CISE-ADVISORIES";
const END: &[u8; 8] = b"CISE-END";

/// The bytes before the first segment.
pub(crate) const PREAMBLE_BYTES: u64 = MARK.len() as u64 + 1;
const TRAILER_BYTES: u64 = 8 + Sha256::BYTES as u64 + END.len() as u64;

/// What a file says of itself.
#[derive(Debug)]
pub(crate) struct Contents {
    pub(crate) manifest: Manifest,
    /// The manifest as it is written.
    pub(crate) json: Vec<u8>,
    /// The hash of the manifest.
    pub(crate) digest: Sha256,
    /// How many bytes the file has.
    pub(crate) bytes: u64,
}

/// Reads the manifest of a file, and checks that its segments fit.
pub(crate) fn read(file: &File) -> Result<Contents, DatabaseFault> {
    let bytes = file.metadata()?.len();
    check_preamble(file, bytes)?;
    let end = bytes
        .checked_sub(TRAILER_BYTES)
        .filter(|end| *end >= PREAMBLE_BYTES)
        .ok_or(DatabaseFault::Cut)?;
    let (length, digest) = read_trailer(file, end)?;
    let start = end
        .checked_sub(length)
        .filter(|start| *start >= PREAMBLE_BYTES)
        .ok_or(DatabaseFault::Cut)?;
    let json = read_at(file, start, length)?;
    let manifest = parse_manifest(&json, digest)?;
    check_room(&manifest, start - PREAMBLE_BYTES)?;
    Ok(Contents {
        manifest,
        json,
        digest,
        bytes,
    })
}

fn check_preamble(file: &File, bytes: u64) -> Result<(), DatabaseFault> {
    if bytes < PREAMBLE_BYTES {
        return Err(DatabaseFault::Foreign);
    }
    let mut preamble = [0; 16];
    file.read_exact_at(&mut preamble, 0)?;
    let [mark @ .., version] = preamble;
    if mark != *MARK {
        return Err(DatabaseFault::Foreign);
    }
    if !(1..=VERSION).contains(&version) {
        return Err(DatabaseFault::Version { found: version });
    }
    Ok(())
}

/// The length of the manifest, within its bound, and its hash.
fn read_trailer(file: &File, end: u64) -> Result<(u64, Sha256), DatabaseFault> {
    let mut trailer = [0; 48];
    file.read_exact_at(&mut trailer, end)?;
    let (length, digest) = parse_trailer(&trailer).ok_or(DatabaseFault::Cut)?;
    if length > MAX_MANIFEST_BYTES {
        return Err(DatabaseFault::ManifestSize {
            bytes: length,
            most: MAX_MANIFEST_BYTES,
        });
    }
    Ok((length, digest))
}

fn parse_trailer(trailer: &[u8; 48]) -> Option<(u64, Sha256)> {
    let (length, rest) = trailer.split_first_chunk()?;
    let (digest, end) = rest.split_first_chunk()?;
    (end == END).then(|| (u64::from_le_bytes(*length), Sha256::from_bytes(*digest)))
}

/// The manifest that is written as `bytes`, if they are those that were written.
pub(crate) fn parse_manifest(bytes: &[u8], digest: Sha256) -> Result<Manifest, DatabaseFault> {
    if Sha256::of(bytes) != digest {
        return Err(DatabaseFault::ManifestHash);
    }
    serde_json::from_slice(bytes).map_err(DatabaseFault::Manifest)
}

fn check_room(manifest: &Manifest, room: u64) -> Result<(), DatabaseFault> {
    let claimed = manifest
        .segments
        .iter()
        .map(|segment| u128::from(segment.bytes))
        .sum();
    if claimed == u128::from(room) {
        Ok(())
    } else {
        Err(DatabaseFault::Room { claimed, room })
    }
}

/// Bytes at a place that was checked to be within bounds.
pub(crate) fn read_at(file: &File, offset: u64, length: u64) -> io::Result<Vec<u8>> {
    let length = usize::try_from(length).map_err(|_| io::ErrorKind::InvalidInput)?;
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, offset)?;
    Ok(bytes)
}

/// What stands before the segments.
pub(crate) fn write_preamble(mut file: impl Write) -> io::Result<()> {
    file.write_all(MARK)?;
    file.write_all(&[VERSION])
}

/// What stands after the segments. Gives the hash that names the database.
pub(crate) fn write_end(file: impl Write, manifest: &Manifest) -> io::Result<Sha256> {
    write_end_as(file, &serde_json::to_vec(manifest)?)
}

/// What stands after the segments, with the manifest as it was written elsewhere.
pub(crate) fn write_end_as(mut file: impl Write, manifest: &[u8]) -> io::Result<Sha256> {
    let digest = Sha256::of(manifest);
    file.write_all(manifest)?;
    file.write_all(&(manifest.len() as u64).to_le_bytes())?;
    file.write_all(digest.as_bytes())?;
    file.write_all(END)?;
    Ok(digest)
}
