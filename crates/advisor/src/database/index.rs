//! The sorted names of a segment, each with the place where its rows begin.
//!
//! Names stand in groups of sixteen. In a group each is written as what it shares with the one before and the rest, so that a
//! million names take about ten megabytes; the groups are found by bisection.

use std::cmp::Ordering;

use bytes::Bytes;

use super::wire::{Cursor, Malformed, put_number, put_text};

const GROUP: usize = 16;
const OFFSET_BYTES: usize = size_of::<u32>();

/// Where the rows of a name are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    /// The block that the first row is in.
    pub(crate) block: u32,
    /// Where in that block it begins.
    pub(crate) offset: u32,
    /// How many rows there are. They go on at the start of the blocks that follow.
    pub(crate) rows: u32,
}

/// The names as they lie in a segment.
#[derive(Clone, Debug)]
pub(crate) struct Index {
    groups: Bytes,
    names: Bytes,
}

impl Index {
    pub(crate) fn new(groups: Bytes, names: Bytes) -> Self {
        Self { groups, names }
    }

    /// The place of a name; nothing if it is not there.
    pub(crate) fn find(&self, name: &str) -> Result<Option<Place>, Malformed> {
        let Some(group) = self.group_of(name)? else {
            return Ok(None);
        };
        let mut entries = Entries::of(self.group(group)?);
        let mut search = Search::of(name);
        while let Some(entry) = entries.next()? {
            match search.compare(&entry) {
                Ordering::Less => {}
                Ordering::Equal => return Ok(Some(entry.place)),
                Ordering::Greater => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Calls `each` with every name in order.
    pub(crate) fn each<E: From<Malformed>>(
        &self,
        mut each: impl FnMut(&str, Place) -> Result<(), E>,
    ) -> Result<(), E> {
        for group in 0..self.groups() {
            let mut entries = Entries::of(self.group(group)?);
            let mut name = Vec::with_capacity(64);
            while let Some(entry) = entries.next()? {
                name.truncate(entry.shared);
                name.extend_from_slice(entry.rest);
                let name = str::from_utf8(&name).map_err(|_| Malformed("a name is not UTF-8"))?;
                each(name, entry.place)?;
            }
        }
        Ok(())
    }

    /// The last group whose first name is not after `name`.
    fn group_of(&self, name: &str) -> Result<Option<usize>, Malformed> {
        let (mut low, mut high) = (0, self.groups());
        while low < high {
            let middle = low + (high - low) / 2;
            let mut cursor = self.group(middle)?;
            cursor.number()?;
            if cursor.bytes()? <= name.as_bytes() {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low.checked_sub(1))
    }

    fn groups(&self) -> usize {
        self.groups.len() / OFFSET_BYTES
    }

    /// The bytes of a group.
    fn group(&self, group: usize) -> Result<Cursor<'_>, Malformed> {
        let start = self.start(group).ok_or(OUTSIDE)?;
        let end = self.start(group + 1).unwrap_or(self.names.len());
        let bytes = self.names.get(start..end).ok_or(OUTSIDE)?;
        Ok(Cursor::new(bytes))
    }

    fn start(&self, group: usize) -> Option<usize> {
        let at = group * OFFSET_BYTES;
        let bytes = self.groups.get(at..at + OFFSET_BYTES)?;
        let offset = u32::from_le_bytes(bytes.try_into().ok()?);
        usize::try_from(offset).ok()
    }
}

const OUTSIDE: Malformed = Malformed("a group of names is outside of the index");

/// A name as it is written: what it shares with the one before, and the rest.
struct Entry<'a> {
    /// Never more than the one before has.
    shared: usize,
    rest: &'a [u8],
    place: Place,
}

/// The names of a group, one after the other.
struct Entries<'a> {
    cursor: Cursor<'a>,
    /// How long the last name was.
    length: usize,
    block: u32,
}

impl<'a> Entries<'a> {
    fn of(group: Cursor<'a>) -> Self {
        Self {
            cursor: group,
            length: 0,
            block: 0,
        }
    }

    fn next(&mut self) -> Result<Option<Entry<'a>>, Malformed> {
        if self.cursor.is_empty() {
            return Ok(None);
        }
        let shared = usize::try_from(self.cursor.number()?).unwrap_or(usize::MAX);
        if shared > self.length {
            return Err(Malformed("a name shares more than there is"));
        }
        let rest = self.cursor.bytes()?;
        self.length = shared + rest.len();
        self.block = self
            .block
            .checked_add(self.small()?)
            .ok_or(Malformed("a block has no number"))?;
        let place = Place {
            block: self.block,
            offset: self.small()?,
            rows: self.small()?,
        };
        Ok(Some(Entry {
            shared,
            rest,
            place,
        }))
    }

    fn small(&mut self) -> Result<u32, Malformed> {
        u32::try_from(self.cursor.number()?).map_err(|_| Malformed("a place is beyond all bounds"))
    }
}

/// A name that is looked for among sorted ones, without putting these together.
struct Search<'n> {
    name: &'n [u8],
    /// How many bytes the last name, which sorts before it, has in common with it.
    common: usize,
}

impl<'n> Search<'n> {
    fn of(name: &'n str) -> Self {
        Self {
            name: name.as_bytes(),
            common: 0,
        }
    }

    /// How the next name compares with the one that is looked for.
    fn compare(&mut self, next: &Entry<'_>) -> Ordering {
        // It is like the last one, which sorts before the name, for longer than that is like the name.
        if next.shared > self.common {
            return Ordering::Less;
        }
        let sought = self.name.get(next.shared..).unwrap_or_default();
        let equal = next.rest.iter().zip(sought).take_while(|(a, b)| a == b);
        self.common = next.shared + equal.count();
        next.rest.cmp(sought)
    }
}

/// Writes an index, name after name in order.
#[derive(Debug, Default)]
pub(crate) struct IndexWriter {
    groups: Vec<u8>,
    names: Vec<u8>,
    count: usize,
    last: Box<str>,
    block: u32,
}

impl IndexWriter {
    /// Adds a name that sorts after all before it. The names of one segment are refused past 4 GiB.
    pub(crate) fn push(&mut self, name: &str, place: Place) -> Result<(), Malformed> {
        let first = self.count.is_multiple_of(GROUP);
        if first {
            let start = u32::try_from(self.names.len())
                .map_err(|_| Malformed("the names of a segment take more than 4 GiB"))?;
            self.groups.extend_from_slice(&start.to_le_bytes());
            self.block = 0;
        }
        let shared = if first {
            0
        } else {
            shared_prefix(&self.last, name)
        };
        put_number(&mut self.names, shared as u64);
        put_text(&mut self.names, name.get(shared..).unwrap_or_default());
        put_number(&mut self.names, u64::from(place.block - self.block));
        put_number(&mut self.names, u64::from(place.offset));
        put_number(&mut self.names, u64::from(place.rows));
        self.block = place.block;
        self.last = name.into();
        self.count += 1;
        Ok(())
    }

    /// The groups and the names.
    pub(crate) fn finish(self) -> (Vec<u8>, Vec<u8>) {
        (self.groups, self.names)
    }
}

/// How many bytes two texts share at their front, in whole characters.
pub(crate) fn shared_prefix(a: &str, b: &str) -> usize {
    a.chars()
        .zip(b.chars())
        .take_while(|(a, b)| a == b)
        .map(|(a, _)| a.len_utf8())
        .sum()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::collection::btree_set;
    use proptest::prelude::*;

    use super::*;

    fn place(number: usize) -> Place {
        let number = u32::try_from(number).unwrap();
        Place {
            block: number / 7,
            offset: number % 7 * 1000,
            rows: number + 1,
        }
    }

    fn index(names: &BTreeSet<String>) -> Index {
        let mut writer = IndexWriter::default();
        for (number, name) in names.iter().enumerate() {
            writer.push(name, place(number)).unwrap();
        }
        let (groups, names) = writer.finish();
        Index::new(groups.into(), names.into())
    }

    proptest! {
        #[test]
        fn every_name_is_found_and_no_other(names in btree_set("[a-céèê]{0,6}", 0..200), other in "[a-déèê]{0,6}") {
            let index = index(&names);
            for (number, name) in names.iter().enumerate() {
                prop_assert_eq!(index.find(name), Ok(Some(place(number))));
            }
            prop_assert_eq!(index.find(&other).map(|found| found.is_some()), Ok(names.contains(&other)));
        }

        #[test]
        fn the_names_come_back_in_order(names in btree_set("[a-cé]{0,6}", 0..200)) {
            let mut back = Vec::new();
            index(&names).each(|name, place| {
                back.push((name.to_owned(), place));
                Ok::<_, Malformed>(())
            }).unwrap();
            let expected: Vec<_> = names.into_iter().enumerate().map(|(number, name)| (name, place(number))).collect();
            prop_assert_eq!(back, expected);
        }

        #[test]
        fn any_bytes_are_read_or_refused(groups: Vec<u8>, names: Vec<u8>, name: String) {
            let index = Index::new(groups.into(), names.into());
            let _ = index.find(&name);
            let _ = index.each(|_, _| Ok::<_, Malformed>(()));
        }
    }
}
