//! The open file: reads by position, and keeps what was inflated.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use moka::sync::Cache;

use super::block::{self, BlockFault, BlockNote};
use super::container::{self, Contents, PREAMBLE_BYTES};
use super::error::{BlockError, DatabaseFault, SegmentName};
use super::hash::Sha256;
use super::index::Place;
use super::manifest::{Manifest, SegmentNote};
use super::segment::{self, Head};
use super::wire::Malformed;

/// The most memory that the heads of all segments may take: some twenty million names.
const MAX_HEAD_BYTES: u64 = 256 * 1024 * 1024;

#[derive(Debug)]
pub(crate) struct Store {
    path: PathBuf,
    file: File,
    /// Inflated blocks by their first byte in the file.
    blocks: Cache<u64, Bytes>,
}

/// A segment that can be asked.
#[derive(Debug)]
pub(crate) struct Segment {
    name: SegmentName,
    /// Its first byte in the file.
    start: u64,
    /// How many of its bytes are blocks.
    room: u64,
    head: Head,
}

impl Segment {
    /// What tells it from the others of its file.
    pub(crate) fn start(&self) -> u64 {
        self.start
    }
}

impl Store {
    pub(crate) fn open(path: &Path, cache_bytes: u64) -> Result<(Self, Contents), DatabaseFault> {
        let file = File::open(path)?;
        let contents = container::read(&file)?;
        let blocks = Cache::builder()
            .max_capacity(cache_bytes)
            .weigher(|_, block: &Bytes| u32::try_from(block.len()).unwrap_or(u32::MAX))
            .build();
        let store = Self {
            path: path.to_owned(),
            file,
            blocks,
        };
        Ok((store, contents))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The segments of a manifest that was found to fit into the file.
    pub(crate) fn segments(&self, manifest: &Manifest) -> Result<Vec<Segment>, DatabaseFault> {
        let heads = manifest
            .segments
            .iter()
            .map(|note| u128::from(note.head_bytes))
            .sum();
        if heads > u128::from(MAX_HEAD_BYTES) {
            return Err(DatabaseFault::HeadSize {
                bytes: heads,
                most: MAX_HEAD_BYTES,
            });
        }
        let mut start = PREAMBLE_BYTES;
        let mut segments = Vec::with_capacity(manifest.segments.len());
        for note in &manifest.segments {
            segments.push(self.segment(note, start)?);
            start += note.bytes;
        }
        Ok(segments)
    }

    fn segment(&self, note: &SegmentNote, start: u64) -> Result<Segment, DatabaseFault> {
        let name = SegmentName::from(&note.holds);
        let Some(room) = note.bytes.checked_sub(note.head_bytes) else {
            let fault = Malformed("it is larger than its segment");
            return Err(DatabaseFault::Head {
                segment: name,
                fault,
            });
        };
        let bytes = container::read_at(&self.file, start + room, note.head_bytes)?;
        if Sha256::of(&bytes) != note.head_digest {
            return Err(DatabaseFault::HeadHash(name));
        }
        match Head::parse(&bytes.into()) {
            Ok(head) => Ok(Segment {
                name,
                start,
                room,
                head,
            }),
            Err(fault) => Err(DatabaseFault::Head {
                segment: name,
                fault,
            }),
        }
    }

    /// Where the rows of a name are in a segment.
    pub(crate) fn find(segment: &Segment, name: &str) -> Result<Option<Place>, DatabaseFault> {
        let found = segment.head.find(name);
        found.map_err(|fault| DatabaseFault::Head {
            segment: segment.name.clone(),
            fault,
        })
    }

    /// Calls `each` with all rows of a segment, name after name.
    pub(crate) fn all_rows(
        &self,
        segment: &Segment,
        mut each: impl FnMut(&[u8]) -> Result<(), Malformed>,
    ) -> Result<(), DatabaseFault> {
        let mut places = Vec::new();
        let listed: Result<(), Malformed> = segment.head.index().each(|_, place| {
            places.push(place);
            Ok(())
        });
        listed.map_err(|fault| DatabaseFault::Head {
            segment: segment.name.clone(),
            fault,
        })?;
        for place in places {
            self.rows_at(segment, place, &mut each)?;
        }
        Ok(())
    }

    /// The first `bytes` bytes of a segment as they lie in the file.
    pub(crate) fn read_through(&self, segment: &Segment, bytes: u64) -> impl Read {
        At {
            file: &self.file,
            offset: segment.start,
        }
        .take(bytes)
    }

    /// Calls `each` with the rows of a place in a segment.
    pub(crate) fn rows_at(
        &self,
        segment: &Segment,
        place: Place,
        each: impl FnMut(&[u8]) -> Result<(), Malformed>,
    ) -> Result<(), DatabaseFault> {
        let fetch = |block| self.block(segment, block).map_err(|fault| (block, fault));
        segment::walk(place, fetch, each, |block, malformed| {
            (block, malformed.into())
        })
        .map_err(|(block, fault)| DatabaseFault::Block {
            segment: segment.name.clone(),
            block,
            fault,
        })
    }

    fn block(&self, segment: &Segment, number: u32) -> Result<Bytes, BlockError> {
        let note = segment.head.block(number)?;
        let first = segment.start.saturating_add(note.offset);
        if let Some(rows) = self.blocks.get(&first) {
            return Ok(rows);
        }
        let rows = self.read_block(segment, &note)?;
        self.blocks.insert(first, rows.clone());
        Ok(rows)
    }

    fn read_block(&self, segment: &Segment, note: &BlockNote) -> Result<Bytes, BlockError> {
        let length = note.packed_bytes()? as u64;
        if note
            .offset
            .checked_add(length)
            .is_none_or(|end| end > segment.room)
        {
            return Err(Malformed("a block is outside of its segment").into());
        }
        let packed = container::read_at(&self.file, segment.start + note.offset, length)?;
        block::unpack(note, &packed).map_err(|fault: BlockFault| fault.into())
    }
}

/// Reads a file from a place on, whoever else reads it.
pub(crate) struct At<'a> {
    pub(crate) file: &'a File,
    pub(crate) offset: u64,
}

impl Read for At<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(bytes, self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}
