//! A block: some rows, compressed, with the hash that tells whether they are still what was written.

use bytes::Bytes;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::hash::Sha256;
use super::wire::Malformed;

/// A block is closed once it has so many bytes of rows: what one lookup has to inflate at least.
pub(crate) const BLOCK_BYTES: usize = 4 * 1024;

/// A block has one row more than fits into [`BLOCK_BYTES`] at most, and a row has at most this many bytes.
pub(crate) const MAX_ROW_BYTES: usize = 16 * 1024 * 1024;

/// The most that a block may have, inflated or not.
const MAX_BLOCK_BYTES: usize = MAX_ROW_BYTES + 2 * BLOCK_BYTES;

/// What is wrong with the bytes of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlockFault {
    /// They are not those that were written.
    #[error("its bytes are not those that were written: the disk or a copy damaged them")]
    Hash,
    /// They are, and cannot be inflated.
    #[error("it cannot be inflated")]
    Inflate,
    /// What they hold makes no sense.
    #[error("{0}")]
    Malformed(#[from] Malformed),
}

/// Where a block is in its segment, and what it has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BlockNote {
    /// Its first byte, from the start of the segment.
    pub(crate) offset: u64,
    /// How many bytes it has in the file.
    pub(crate) packed: u32,
    /// How many bytes of rows it holds.
    pub(crate) rows: u32,
    /// The hash of its bytes in the file.
    pub(crate) hash: Sha256,
}

impl BlockNote {
    /// The bytes of a note.
    pub(crate) const BYTES: usize = 8 + 4 + 4 + Sha256::BYTES;

    pub(crate) fn put(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.offset.to_le_bytes());
        bytes.extend_from_slice(&self.packed.to_le_bytes());
        bytes.extend_from_slice(&self.rows.to_le_bytes());
        bytes.extend_from_slice(self.hash.as_bytes());
    }

    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let (offset, bytes) = bytes.split_first_chunk()?;
        let (packed, bytes) = bytes.split_first_chunk()?;
        let (rows, bytes) = bytes.split_first_chunk()?;
        Some(Self {
            offset: u64::from_le_bytes(*offset),
            packed: u32::from_le_bytes(*packed),
            rows: u32::from_le_bytes(*rows),
            hash: Sha256::from_bytes(bytes.try_into().ok()?),
        })
    }

    /// How many bytes to read, within the bound of what a block may have.
    pub(crate) fn packed_bytes(&self) -> Result<usize, BlockFault> {
        bounded(self.packed)
    }
}

fn bounded(bytes: u32) -> Result<usize, BlockFault> {
    usize::try_from(bytes)
        .ok()
        .filter(|bytes| *bytes <= MAX_BLOCK_BYTES)
        .ok_or(BlockFault::Malformed(Malformed(
            "a block is larger than any block may be",
        )))
}

/// Checks the bytes of a block as they lie in the file, and inflates them.
pub(crate) fn unpack(note: &BlockNote, packed: &[u8]) -> Result<Bytes, BlockFault> {
    if Sha256::of(packed) != note.hash {
        return Err(BlockFault::Hash);
    }
    let mut rows = vec![0; bounded(note.rows)?];
    let mut inflater = Decompress::new(false);
    let status = inflater
        .decompress(packed, &mut rows, FlushDecompress::Finish)
        .map_err(|_| BlockFault::Inflate)?;
    let whole = status == Status::StreamEnd
        && inflater.total_out() == rows.len() as u64
        && inflater.total_in() == packed.len() as u64;
    whole.then(|| rows.into()).ok_or(BlockFault::Inflate)
}

/// Compresses blocks, with one compressor for all.
pub(crate) struct Packer {
    deflater: Compress,
    packed: Vec<u8>,
}

impl Packer {
    pub(crate) fn new() -> Self {
        Self {
            deflater: Compress::new(Compression::new(6), false),
            packed: Vec::new(),
        }
    }

    /// The rows as they go into the file.
    pub(crate) fn pack(&mut self, rows: &[u8]) -> Result<&[u8], Malformed> {
        self.deflater.reset();
        self.packed.clear();
        // Deflate adds five bytes for each 16 KiB that it cannot shrink, and a few at the ends.
        self.packed.reserve(rows.len() + rows.len() / 1024 + 64);
        match self
            .deflater
            .compress_vec(rows, &mut self.packed, FlushCompress::Finish)
        {
            Ok(Status::StreamEnd) => Ok(&self.packed),
            _ => Err(Malformed("a block cannot be compressed")),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packed(rows: &[u8]) -> (BlockNote, Vec<u8>) {
        let packed = Packer::new().pack(rows).unwrap().to_vec();
        let note = BlockNote {
            offset: 7,
            packed: u32::try_from(packed.len()).unwrap(),
            rows: u32::try_from(rows.len()).unwrap(),
            hash: Sha256::of(&packed),
        };
        (note, packed)
    }

    proptest! {
        #[test]
        fn rows_come_back(rows: Vec<u8>) {
            let (note, packed) = packed(&rows);
            prop_assert_eq!(unpack(&note, &packed), Ok(rows.into()));
        }

        #[test]
        fn one_changed_byte_is_seen(rows: Vec<u8>, at: prop::sample::Index, change in 1_u8..) {
            let (note, mut packed) = packed(&rows);
            let at = at.index(packed.len());
            packed[at] ^= change;
            prop_assert_eq!(unpack(&note, &packed), Err(BlockFault::Hash));
        }

        #[test]
        fn foreign_bytes_with_a_true_hash_are_refused_or_inflated_within_the_bound(packed: Vec<u8>, rows in 0_u32..100_000) {
            let note = BlockNote { offset: 0, packed: 0, rows, hash: Sha256::of(&packed) };
            if let Ok(inflated) = unpack(&note, &packed) {
                prop_assert_eq!(inflated.len() as u64, u64::from(rows));
            }
        }
    }

    #[test]
    fn a_note_comes_back() {
        let (note, _) = packed(b"rows");
        let mut bytes = Vec::new();
        note.put(&mut bytes);
        assert_eq!(bytes.len(), BlockNote::BYTES);
        assert_eq!(BlockNote::parse(&bytes), Some(note));
        assert_eq!(BlockNote::parse(&bytes[1..]), None);
    }

    #[test]
    fn the_largest_row_is_read_again_even_if_nothing_makes_it_smaller() {
        let mut state = 1_u64;
        let mut rows = Vec::with_capacity(MAX_ROW_BYTES + 10);
        while rows.len() < MAX_ROW_BYTES + 10 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            rows.push(state.to_be_bytes()[0]);
        }
        let (note, packed) = packed(&rows);
        assert!(packed.len() > rows.len());
        assert_eq!(note.packed_bytes(), Ok(packed.len()));
        assert_eq!(unpack(&note, &packed), Ok(rows.into()));
    }

    #[test]
    fn a_block_that_claims_to_be_huge_is_refused_before_it_is_read() {
        let (note, packed) = packed(b"rows");
        let huge = BlockNote {
            packed: u32::MAX,
            ..note
        };
        assert!(huge.packed_bytes().is_err());
        assert!(
            unpack(
                &BlockNote {
                    rows: u32::MAX,
                    ..note
                },
                &packed
            )
            .is_err()
        );
    }
}
