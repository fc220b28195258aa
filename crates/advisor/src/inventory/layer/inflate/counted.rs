//! Bytes that are counted as they are taken.

use std::io::{self, BufRead, Read};

/// A reader, and how much has been taken from it.
pub(super) struct Counted<R> {
    inner: R,
    taken: u64,
}

impl<R> Counted<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, taken: 0 }
    }

    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    pub(super) fn into_inner(self) -> R {
        self.inner
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.taken += amount as u64;
        self.inner.consume(amount);
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(room)?;
        self.taken += read as u64;
        Ok(read)
    }
}
