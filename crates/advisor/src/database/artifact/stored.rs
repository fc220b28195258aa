//! Segments in the file of a database.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;

use cise_registry::Content;

use crate::database::container::PREAMBLE_BYTES;
use crate::database::hash::Hashing;
use crate::database::manifest::{Manifest, SegmentNote};
use crate::database::store::At;

/// A segment in a file. Cloning is cheap.
#[derive(Clone)]
pub(super) struct Stored {
    file: Arc<File>,
    offset: u64,
    pub(super) note: SegmentNote,
}

impl Stored {
    /// The segments of a file that has this manifest.
    pub(super) fn all(file: &Arc<File>, manifest: &Manifest) -> Vec<Self> {
        let mut offset = PREAMBLE_BYTES;
        let stored = manifest.segments.iter().map(|note| {
            let stored = Self {
                file: Arc::clone(file),
                offset,
                note: note.clone(),
            };
            offset = offset.saturating_add(note.bytes);
            stored
        });
        stored.collect()
    }

    /// Its bytes, which may be others than those that were written.
    pub(super) fn read(&self) -> impl Read {
        let start = At {
            file: &self.file,
            offset: self.offset,
        };
        start.take(self.note.bytes)
    }

    /// Whether its bytes are those that were written. They are all read.
    pub(super) fn is_whole(&self) -> io::Result<bool> {
        let mut hashing = Hashing::new(io::sink());
        io::copy(&mut self.read(), &mut hashing)?;
        Ok(hashing.finish() == (self.note.digest, self.note.bytes))
    }

    /// Its bytes, to be sent.
    pub(super) fn content(&self) -> Content {
        Content::Part {
            file: Arc::clone(&self.file),
            offset: self.offset,
            bytes: self.note.bytes,
        }
    }
}

/// Whether all of them are whole. They are read where that holds nobody up.
pub(super) async fn are_whole(segments: Vec<Stored>) -> io::Result<bool> {
    let checked = tokio::task::spawn_blocking(move || {
        for segment in &segments {
            if !segment.is_whole()? {
                return Ok(false);
            }
        }
        Ok(true)
    });
    checked.await.map_err(io::Error::other)?
}
