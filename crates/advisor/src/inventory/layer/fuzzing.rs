//! What of a layer's parts the fuzz targets call.

use bytes::Bytes;
use cise_reference::Algorithm;

use super::LayerError;
use super::blob::Blob;
use super::inflate::{Bounds, Inflated};
use crate::inventory::archive::{Archive, Input};
use crate::inventory::limits::Limits;
use crate::inventory::source::SourceError;

/// What comes out of a blob that comes in pieces of that size: `most` bytes, or an error.
pub fn inflate(blob: &[u8], piece: usize, most: u64) -> Result<Vec<u8>, LayerError> {
    let chunks = blob
        .chunks(piece.max(1))
        .map(|chunk| Ok::<_, SourceError>(Bytes::copy_from_slice(chunk)));
    let mut reader = Blob::new(chunks, Algorithm::Sha256, blob.len() as u64);
    let start = reader.start()?;
    let bounds = Bounds {
        inflated: most,
        by_ratio: most,
        window: Limits::default().window,
    };
    let mut inflated = Inflated::new(reader, start, Algorithm::Sha256, bounds);
    let mut bytes = Vec::new();
    loop {
        let there = inflated.fill()?;
        if there.is_empty() {
            break;
        }
        bytes.extend_from_slice(there);
        let taken = there.len();
        inflated.consume(taken);
    }
    inflated.finish()?.blob.finish()?;
    Ok(bytes)
}

/// The entries of an archive that comes in pieces of that size: their paths, what they are, and how many bytes they have.
pub fn entries(bytes: &[u8], piece: usize) -> Result<Vec<(String, String, u64)>, LayerError> {
    let mut archive = Archive::new(Pieces { bytes, piece });
    let mut entries = Vec::new();
    while let Some(entry) = archive.next()? {
        entries.push((entry.path, format!("{:?}", entry.kind), entry.size));
    }
    archive.finish()?;
    Ok(entries)
}

struct Pieces<'a> {
    bytes: &'a [u8],
    piece: usize,
}

impl Input for Pieces<'_> {
    type Error = LayerError;

    fn fill(&mut self) -> Result<&[u8], LayerError> {
        let there = self.bytes.len().min(self.piece);
        Ok(self.bytes.get(..there).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.bytes = self.bytes.get(amount..).unwrap_or_default();
    }
}
