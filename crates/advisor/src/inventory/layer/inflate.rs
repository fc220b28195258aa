//! From the bytes of a blob to those of its archive.

mod gzip;
#[cfg(test)]
mod tests;
mod zstd;

use std::io::{self, BufRead};

use cise_reference::{Algorithm, Digest};

use super::LayerError;
use super::archive::Input;
use crate::inventory::digest::Hash;
use gzip::Gzip;
use zstd::Zstd;

/// How much is inflated before it is looked at: little enough to stay in a core's cache.
const ROOM: usize = 128 * 1024;

/// The archive of a blob, by the compression that its first bytes show, as containerd and others tell it: what the manifest
/// says is not believed.
pub(super) struct Inflated<R> {
    decoder: Decoder<R>,
    room: Box<[u8]>,
    /// What of the room is filled and not yet taken.
    start: usize,
    end: usize,
    hash: Hash,
    total: u64,
    bounds: Bounds,
}

enum Decoder<R> {
    Plain(R),
    Gzip(Gzip<R>),
    Zstd(Box<Zstd<R>>),
}

/// How much may come out of a blob.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// In bytes, whatever the blob's size.
    pub(super) inflated: u64,
    /// In bytes, for the blob's size.
    pub(super) by_ratio: u64,
}

impl<R: BufRead> Inflated<R> {
    /// The archive in `blob`, which starts with these bytes, to be hashed with `algorithm`.
    pub(super) fn new(blob: R, start: [u8; 4], algorithm: Algorithm, bounds: Bounds) -> Self {
        Self {
            decoder: Decoder::new(blob, start),
            room: vec![0; ROOM].into(),
            start: 0,
            end: 0,
            hash: Hash::new(algorithm),
            total: 0,
            bounds,
        }
    }

    /// The blob, read to its end, and the digest of what came out of it.
    pub(super) fn finish(mut self) -> Result<(R, Digest), LayerError> {
        while !self.fill()?.is_empty() {
            self.start = self.end;
        }
        let diff_id = self.hash.finish();
        Ok((self.decoder.into_inner(), diff_id))
    }
}

impl<R: BufRead> Input for Inflated<R> {
    fn fill(&mut self) -> Result<&[u8], LayerError> {
        if self.start == self.end {
            self.start = 0;
            self.end = self.decoder.read(&mut self.room)?;
            self.total += self.end as u64;
            self.bounds.check(self.total)?;
            self.hash
                .update(self.room.get(..self.end).unwrap_or_default());
        }
        Ok(self.room.get(self.start..self.end).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.start = self.end.min(self.start + amount);
    }
}

impl Bounds {
    fn check(&self, total: u64) -> Result<(), LayerError> {
        if total > self.inflated {
            return Err(LayerError::Inflated {
                limit: self.inflated,
            });
        }
        if total > self.by_ratio {
            return Err(LayerError::Ratio);
        }
        Ok(())
    }
}

impl<R: BufRead> Decoder<R> {
    fn new(blob: R, start: [u8; 4]) -> Self {
        match start {
            [0x1f, 0x8b, ..] => Self::Gzip(Gzip::new(blob)),
            // A frame, or one that holds something else and is passed over.
            [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => {
                Self::Zstd(Box::new(Zstd::new(blob)))
            }
            _ => Self::Plain(blob),
        }
    }

    fn into_inner(self) -> R {
        match self {
            Self::Plain(blob) => blob,
            Self::Gzip(gzip) => gzip.into_inner(),
            Self::Zstd(zstd) => zstd.into_inner(),
        }
    }

    /// As much as there is room for and not too little; nothing at the end.
    fn read(&mut self, room: &mut [u8]) -> Result<usize, LayerError> {
        match self {
            Self::Plain(blob) => blob.read(room).map_err(LayerError::from),
            Self::Gzip(gzip) => gzip.read(room),
            Self::Zstd(zstd) => zstd.read(room),
        }
    }
}

/// What went wrong below a decoder, whose own errors wrap it in turn.
fn cause(error: &(dyn std::error::Error + 'static)) -> Option<LayerError> {
    if let Some(known) = error.downcast_ref::<LayerError>() {
        return Some(known.clone());
    }
    // What an I/O error wraps is not its source but itself.
    let wrapped = error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref);
    match wrapped {
        Some(wrapped) => cause(wrapped),
        None => cause(error.source()?),
    }
}

impl From<io::Error> for LayerError {
    fn from(error: io::Error) -> Self {
        cause(&error).unwrap_or_else(|| Self::Compression(error.to_string().into()))
    }
}
