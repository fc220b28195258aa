//! From the bytes of a blob to those of its archive.

mod aside;
mod counted;
mod gzip;
mod starts;
#[cfg(test)]
mod tests;
mod zstd;

use std::io::{self, BufRead, Read};

use cise_reference::{Algorithm, Digest};

use super::LayerError;
use crate::inventory::archive::Input;
use crate::inventory::digest::Hash;
use gzip::Gzip;
use starts::Starts;
use zstd::Zstd;

pub(super) use aside::Frame;
pub(super) use starts::Start;

/// How much is inflated before it is looked at: little enough to stay in a core's cache.
const ROOM: usize = 128 * 1024;

/// The window of a table of contents: those who write them compress with one of 8 MiB at most.
const TABLE_WINDOW: u64 = 16 * 1024 * 1024;

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
    starts: Starts,
    /// How many bytes of the archive come before its present entry.
    entry: u64,
}

/// What is left of a blob that was read to its end.
pub(super) struct Ended<R> {
    pub(super) blob: R,
    /// The digest of what came out of it.
    pub(super) diff_id: Digest,
    /// What it has beside its archive.
    pub(super) aside: Vec<Frame>,
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
    /// In bytes, of what has come out, that are held because more may refer back to them.
    pub(super) window: u64,
}

impl<R: BufRead> Inflated<R> {
    /// The archive in `blob`, which starts with these bytes, to be hashed with `algorithm`.
    pub(super) fn new(blob: R, start: [u8; 4], algorithm: Algorithm, bounds: Bounds) -> Self {
        Self {
            decoder: Decoder::new(blob, start, bounds.window),
            room: vec![0; ROOM].into(),
            start: 0,
            end: 0,
            hash: Hash::new(algorithm),
            total: 0,
            bounds,
            starts: Starts::default(),
            entry: 0,
        }
    }

    /// Reads the blob to its end.
    pub(super) fn finish(mut self) -> Result<Ended<R>, LayerError> {
        while !self.fill()?.is_empty() {
            self.start = self.end;
        }
        let diff_id = self.hash.finish();
        let (blob, aside) = self.decoder.into_inner();
        Ok(Ended {
            blob,
            diff_id,
            aside,
        })
    }
}

/// An archive in a blob, and where in the blob its bytes are.
pub(super) trait Origin: Input<Error = LayerError> {
    /// How many bytes of the archive have been taken.
    fn position(&self) -> u64;

    /// Where decoding can begin so that it comes to the present entry and to what has been taken of it; nothing where there
    /// are too many such places.
    fn starts(&self) -> Option<&[Start]>;

    /// How many bytes of the blob come before the gzip member that begins with the present entry, if one does.
    fn member(&self) -> Option<u64>;
}

impl<R: BufRead> Origin for Inflated<R> {
    fn position(&self) -> u64 {
        self.total - (self.end - self.start) as u64
    }

    fn starts(&self) -> Option<&[Start]> {
        self.starts.all()
    }

    fn member(&self) -> Option<u64> {
        let Decoder::Gzip(_) = &self.decoder else {
            return None;
        };
        let starts = self.starts.all()?.iter();
        let here = starts.rev().find(|start| start.archive == self.entry);
        here.map(|start| start.blob)
    }
}

impl<R: BufRead> Input for Inflated<R> {
    type Error = LayerError;

    fn fill(&mut self) -> Result<&[u8], LayerError> {
        if self.start == self.end {
            self.start = 0;
            let starts = &mut self.starts;
            self.end = self.decoder.read(&mut self.room, self.total, starts)?;
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

    fn begin_entry(&mut self) {
        self.entry = self.position();
        self.starts.forget_before(self.entry);
    }
}

/// What comes out of the content of a frame that is compressed itself.
pub(super) fn unwrapped(content: &[u8]) -> impl Read {
    Unwrapped {
        zstd: Zstd::new(content, TABLE_WINDOW),
        starts: Starts::default(),
    }
}

struct Unwrapped<'a> {
    zstd: Zstd<&'a [u8]>,
    starts: Starts,
}

impl Read for Unwrapped<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let read = self.zstd.read(room, 0, &mut self.starts);
        read.map_err(io::Error::other)
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
    fn new(blob: R, start: [u8; 4], window: u64) -> Self {
        match start {
            [0x1f, 0x8b, ..] => Self::Gzip(Gzip::new(blob)),
            // A frame, or one that holds something else and is passed over.
            [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => {
                Self::Zstd(Box::new(Zstd::new(blob, window)))
            }
            _ => Self::Plain(blob),
        }
    }

    fn into_inner(self) -> (R, Vec<Frame>) {
        match self {
            Self::Plain(blob) => (blob, Vec::new()),
            Self::Gzip(gzip) => (gzip.into_inner(), Vec::new()),
            Self::Zstd(zstd) => zstd.into_inner(),
        }
    }

    /// As much as there is room for and not too little; nothing at the end.
    fn read(
        &mut self,
        room: &mut [u8],
        before: u64,
        starts: &mut Starts,
    ) -> Result<usize, LayerError> {
        match self {
            Self::Plain(blob) => blob.read(room).map_err(LayerError::from),
            Self::Gzip(gzip) => gzip.read(room, before, starts),
            Self::Zstd(zstd) => zstd.read(room, before, starts),
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
