//! Writes a segment, row after row in order.

use std::io::{self, Write};

use super::error::BuildError;
use crate::database::block::{BLOCK_BYTES, BlockNote, MAX_ROW_BYTES, Packer};
use crate::database::filter::{self, NameHash};
use crate::database::hash::{Hashing, Sha256};
use crate::database::index::{IndexWriter, Place};
use crate::database::segment::Head;
use crate::database::wire::{Malformed, put_count};

/// Writes one segment.
pub(crate) struct SegmentWriter<W> {
    out: Hashing<W>,
    packer: Packer,
    block: Vec<u8>,
    notes: Vec<u8>,
    blocks: u32,
    index: IndexWriter,
    hashes: Vec<NameHash>,
    name: String,
    place: Option<Place>,
    rows: u64,
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) digest: Sha256,
    pub(crate) bytes: u64,
    pub(crate) head_bytes: u64,
    pub(crate) head_digest: Sha256,
    pub(crate) names: u64,
    pub(crate) rows: u64,
}

/// Why a row cannot be written.
#[derive(Debug)]
pub(crate) enum WriteError {
    Io(io::Error),
    Format(Malformed),
}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Malformed> for WriteError {
    fn from(error: Malformed) -> Self {
        Self::Format(error)
    }
}

impl WriteError {
    /// The error of a build that writes to `path`.
    pub(crate) fn at(self, path: &std::path::Path) -> BuildError {
        match self {
            Self::Io(source) => BuildError::Output {
                path: path.to_owned(),
                source,
            },
            Self::Format(fault) => BuildError::Format(fault),
        }
    }
}

impl<W: Write> SegmentWriter<W> {
    pub(crate) fn new(out: W) -> Self {
        Self {
            out: Hashing::new(out),
            packer: Packer::new(),
            block: Vec::with_capacity(BLOCK_BYTES),
            notes: Vec::new(),
            blocks: 0,
            index: IndexWriter::default(),
            hashes: Vec::new(),
            name: String::new(),
            place: None,
            rows: 0,
        }
    }

    /// Adds a row. Names come in order, the rows of a name one after the other.
    pub(crate) fn push(&mut self, name: &str, row: &[u8]) -> Result<(), WriteError> {
        if row.len() > MAX_ROW_BYTES {
            return Err(Malformed("a row has more than 16 MiB").into());
        }
        if self.block.len() + row.len() > BLOCK_BYTES && !self.block.is_empty() {
            self.close_block()?;
        }
        match &mut self.place {
            Some(place) if self.name == name => {
                place.rows = place
                    .rows
                    .checked_add(1)
                    .ok_or(Malformed("a name has more rows than can be counted"))?;
            }
            _ => self.open_name(name)?,
        }
        put_count(&mut self.block, row.len());
        self.block.extend_from_slice(row);
        self.rows += 1;
        Ok(())
    }

    fn open_name(&mut self, name: &str) -> Result<(), WriteError> {
        self.close_name()?;
        self.name.clear();
        self.name.push_str(name);
        self.hashes.push(NameHash::of(name));
        self.place = Some(Place {
            block: self.blocks,
            offset: narrow(self.block.len())?,
            rows: 1,
        });
        Ok(())
    }

    fn close_name(&mut self) -> Result<(), WriteError> {
        match self.place.take() {
            Some(place) => Ok(self.index.push(&self.name, place)?),
            None => Ok(()),
        }
    }

    fn close_block(&mut self) -> Result<(), WriteError> {
        let packed = self.packer.pack(&self.block)?;
        let note = BlockNote {
            offset: self.out.bytes(),
            packed: narrow(packed.len())?,
            rows: narrow(self.block.len())?,
            hash: Sha256::of(packed),
        };
        self.out.write_all(packed)?;
        note.put(&mut self.notes);
        self.block.clear();
        self.blocks = self
            .blocks
            .checked_add(1)
            .ok_or(Malformed("a segment has more blocks than can be counted"))?;
        Ok(())
    }

    /// Writes the head.
    pub(crate) fn finish(mut self) -> Result<Written, WriteError> {
        self.close_name()?;
        if !self.block.is_empty() {
            self.close_block()?;
        }
        let names = self.hashes.len() as u64;
        let filter = filter::build(&self.hashes);
        let (groups, in_groups) = self.index.finish();
        let head = Head::compose(&self.notes, &filter, &groups, &in_groups);
        self.out.write_all(&head)?;
        let (digest, bytes) = self.out.finish();
        Ok(Written {
            digest,
            bytes,
            head_bytes: head.len() as u64,
            head_digest: Sha256::of(&head),
            names,
            rows: self.rows,
        })
    }
}

fn narrow(number: usize) -> Result<u32, Malformed> {
    u32::try_from(number).map_err(|_| Malformed("a block has more than 4 GiB"))
}
