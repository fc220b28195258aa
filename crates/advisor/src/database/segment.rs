//! A segment: the rows of one ecosystem release, or of all vulnerabilities, in compressed blocks by name; then its head.
//!
//! The head has all that is kept in memory: where the blocks are and what they hash to, the filter of names, and the index of
//! names. It is read and checked when the database is opened; a block when it is asked for.

use bytes::Bytes;

use super::block::BlockNote;
use super::filter::{Filter, NameHash};
use super::index::{Index, Place};
use super::wire::{Cursor, Malformed, put_count};

/// What of a segment is in memory.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    blocks: Bytes,
    filter: Filter,
    index: Index,
}

impl Head {
    /// The bytes of a head.
    pub(crate) fn compose(blocks: &[u8], filter: &[u8], groups: &[u8], names: &[u8]) -> Vec<u8> {
        let parts = [blocks, filter, groups, names];
        let mut bytes = Vec::with_capacity(parts.iter().map(|part| part.len() + 10).sum());
        for part in parts {
            put_count(&mut bytes, part.len());
        }
        for part in parts {
            bytes.extend_from_slice(part);
        }
        bytes
    }

    /// Takes a head apart, without a copy and without a look at any name.
    pub(crate) fn parse(bytes: &Bytes) -> Result<Self, Malformed> {
        let mut cursor = Cursor::new(bytes);
        let lengths = [
            cursor.count()?,
            cursor.count()?,
            cursor.count()?,
            cursor.count()?,
        ];
        let mut part = |length| cursor.take(length).map(|part| bytes.slice_ref(part));
        let [blocks, filter, groups, names] = lengths;
        let head = Self {
            blocks: part(blocks)?,
            filter: Filter::new(part(filter)?),
            index: Index::new(part(groups)?, part(names)?),
        };
        if cursor.is_empty() {
            Ok(head)
        } else {
            Err(Malformed("it goes on after its end"))
        }
    }

    /// Where the rows of a name are. A name without rows is mostly told by the filter alone, and always in memory.
    pub(crate) fn find(&self, name: &str) -> Result<Option<Place>, Malformed> {
        if self.filter.may_hold(NameHash::of(name)) {
            self.index.find(name)
        } else {
            Ok(None)
        }
    }

    /// The names in order.
    pub(crate) fn index(&self) -> &Index {
        &self.index
    }

    /// Where a block is.
    pub(crate) fn block(&self, number: u32) -> Result<BlockNote, Malformed> {
        usize::try_from(number)
            .ok()
            .and_then(|number| number.checked_mul(BlockNote::BYTES))
            .and_then(|start| self.blocks.get(start..start.checked_add(BlockNote::BYTES)?))
            .and_then(BlockNote::parse)
            .ok_or(Malformed("there is no such block"))
    }
}

/// Calls `each` with the rows of a place, one after the other. `fetch` gives the rows of a block.
pub(crate) fn walk<E>(
    place: Place,
    mut fetch: impl FnMut(u32) -> Result<Bytes, E>,
    mut each: impl FnMut(&[u8]) -> Result<(), Malformed>,
    fault: impl Fn(u32, Malformed) -> E,
) -> Result<(), E> {
    let mut number = place.block;
    let mut skipped = usize::try_from(place.offset).unwrap_or(usize::MAX);
    let mut left = place.rows;
    while left > 0 {
        let block = fetch(number)?;
        let rows = block
            .get(skipped..)
            .filter(|rows| !rows.is_empty())
            .ok_or_else(|| fault(number, Malformed("rows are outside of their block")))?;
        let mut cursor = Cursor::new(rows);
        while left > 0 && !cursor.is_empty() {
            cursor
                .bytes()
                .and_then(&mut each)
                .map_err(|malformed| fault(number, malformed))?;
            left -= 1;
        }
        skipped = 0;
        number = number.saturating_add(1);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PLACE: Place = Place {
        block: 0,
        offset: 0,
        rows: 3,
    };

    fn walked(blocks: &[&[u8]]) -> Result<Vec<Vec<u8>>, Malformed> {
        let mut rows = Vec::new();
        let fetch = |number| {
            let block = usize::try_from(number).ok().and_then(|at| blocks.get(at));
            block
                .map(|block| Bytes::copy_from_slice(block))
                .ok_or(Malformed("no block"))
        };
        let each = |row: &[u8]| {
            rows.push(row.to_vec());
            Ok(())
        };
        walk(PLACE, fetch, each, |_, malformed| malformed)?;
        Ok(rows)
    }

    #[test]
    fn rows_go_on_in_the_next_block_and_end_with_their_number() {
        let rows = walked(&[b"\x01a\x01b", b"\x01c\x01d"]);
        assert_eq!(rows, Ok(vec![b"a".to_vec(), b"b".to_vec(), b"c".to_vec()]));
    }

    #[test]
    fn rows_that_are_missing_are_an_error() {
        for blocks in [
            &[b"\x01a" as &[u8]] as &[_],
            &[b"\x01a", b"" as &[u8]],
            &[b"\x01a\x05b"],
            &[],
        ] {
            assert!(walked(blocks).is_err(), "{blocks:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_head_or_refused(bytes: Vec<u8>, name: String, number: u32) {
            if let Ok(head) = Head::parse(&bytes.into()) {
                let _ = head.find(&name);
                let _ = head.block(number);
            }
        }

        #[test]
        fn any_bytes_are_rows_or_refused(block: Vec<u8>) {
            if let Ok(rows) = walked(&[&block]) {
                prop_assert_eq!(rows.len(), 3);
            }
        }
    }
}
