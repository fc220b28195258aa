//! The bytes of a blob as they arrive, counted and hashed.

use std::io::{self, BufRead, Read};

use bytes::{Bytes, BytesMut};
use cise_reference::{Algorithm, Digest};

use super::LayerError;
use crate::inventory::digest::{Hash, first};
use crate::inventory::source::SourceError;

/// A blob that is read once. What follows its claimed size is never taken.
pub(super) struct Blob<C> {
    chunks: C,
    chunk: Bytes,
    hash: Hash,
    read: u64,
    size: u64,
    tail: Tail,
}

/// The last bytes of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tail {
    bytes: [u8; Self::LENGTH],
    length: usize,
}

impl Tail {
    /// As many as the longest footer has.
    const LENGTH: usize = 64;

    pub(super) fn new() -> Self {
        Self {
            bytes: [0; Self::LENGTH],
            length: 0,
        }
    }

    /// Takes what comes next.
    pub(super) fn push(&mut self, next: &[u8]) {
        let last = next
            .get(next.len().saturating_sub(Self::LENGTH)..)
            .unwrap_or(next);
        self.bytes.rotate_left(last.len());
        let room = self.bytes.iter_mut().rev().zip(last.iter().rev());
        room.for_each(|(to, from)| *to = *from);
        self.length = Self::LENGTH.min(self.length + last.len());
    }

    /// The last `count` bytes; nothing of a blob that has fewer.
    pub(super) fn last(&self, count: usize) -> Option<&[u8]> {
        (count <= self.length).then(|| self.bytes.get(Self::LENGTH - count..))?
    }
}

impl<C: Iterator<Item = Result<Bytes, SourceError>>> Blob<C> {
    /// A blob of `size` bytes that comes in `chunks`, to be hashed with `algorithm`.
    pub(super) fn new(chunks: C, algorithm: Algorithm, size: u64) -> Self {
        Self {
            chunks,
            chunk: Bytes::new(),
            hash: Hash::new(algorithm),
            read: 0,
            size,
            tail: Tail::new(),
        }
    }

    /// The first bytes, up to four, which stay to be read.
    pub(super) fn start(&mut self) -> Result<[u8; 4], LayerError> {
        let mut start = BytesMut::new();
        while start.len() < 4 && self.advance()? {
            start.extend_from_slice(&self.chunk);
        }
        self.chunk = start.freeze();
        Ok(first(&self.chunk))
    }

    /// The digest of all of it, which has been read to its end and is as long as it should be, and its last bytes.
    pub(super) fn finish(self) -> Result<(Digest, Tail), LayerError> {
        if self.read < self.size {
            return Err(LayerError::Short {
                claimed: self.size,
                found: self.read,
            });
        }
        Ok((self.hash.finish(), self.tail))
    }

    /// Gets the next chunk that has bytes; says whether there was one.
    fn advance(&mut self) -> Result<bool, LayerError> {
        for chunk in self.chunks.by_ref() {
            let chunk = chunk?;
            self.read += chunk.len() as u64;
            if self.read > self.size {
                return Err(LayerError::Long { claimed: self.size });
            }
            if !chunk.is_empty() {
                self.hash.update(&chunk);
                self.tail.push(&chunk);
                self.chunk = chunk;
                return Ok(true);
            }
        }
        self.chunk.clear();
        Ok(false)
    }
}

impl<C: Iterator<Item = Result<Bytes, SourceError>>> BufRead for Blob<C> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.chunk.is_empty() {
            self.advance().map_err(io::Error::other)?;
        }
        Ok(&self.chunk)
    }

    fn consume(&mut self, amount: usize) {
        let _ = self.chunk.split_to(amount.min(self.chunk.len()));
    }
}

impl<C: Iterator<Item = Result<Bytes, SourceError>>> Read for Blob<C> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(room)?;
        self.consume(read);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_bytes_are_the_same_however_they_come() {
        let bytes: Vec<u8> = (0..200).collect();
        for piece in [1, 7, 63, 64, 65, 200] {
            let mut tail = Tail::new();
            for chunk in bytes.chunks(piece) {
                tail.push(chunk);
            }
            assert_eq!(tail.last(64), bytes.get(136..), "{piece}");
            assert_eq!(tail.last(8), bytes.get(192..), "{piece}");
            assert_eq!(tail.last(65), None, "{piece}");
        }
        let mut short = Tail::new();
        short.push(b"abc");
        assert_eq!((short.last(3), short.last(4)), (Some(&b"abc"[..]), None));
    }
}
