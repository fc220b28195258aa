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

    /// The digest of all of it, which has been read to its end and is as long as it should be.
    pub(super) fn finish(self) -> Result<Digest, LayerError> {
        if self.read < self.size {
            return Err(LayerError::Short {
                claimed: self.size,
                found: self.read,
            });
        }
        Ok(self.hash.finish())
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
