//! A table, held against the archive entry by entry while it is read.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{BufReader, Read};

use serde::Deserialize;
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

use super::entry::{Entry, Type};
use super::outline::{Known, Outline};
use crate::excerpt::{excerpt, one_line};

/// What a table says otherwise than the archive. A phrase about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Difference {
    #[error("it cannot be read: {0}")]
    Json(Box<str>),
    #[error("it has more than the {} bytes that are read", Outline::MAX_TABLE)]
    Large,
    #[error("it says of `{0}` what the archive does not say at that place")]
    Entry(Box<str>),
    #[error("it has {table} entries, and the archive has {archive}")]
    Count { table: usize, archive: usize },
    #[error("it has another digest of `{0}`, or none")]
    Digest(Box<str>),
    #[error("it finds `{0}` elsewhere in the layer than the archive has it")]
    Place(Box<str>),
    #[error("it gives `{0}` attributes by which overlay file systems hide what is below")]
    Overlay(Box<str>),
    #[error("the archive has `{0}` twice, which lazy runtimes read in other ways")]
    Twice(Box<str>),
    #[error(
        "the archive has `{0}` below what is no folder, which lazy runtimes read in other ways"
    )]
    Below(Box<str>),
}

/// Reads a table to its end and holds it against the archive.
pub(super) fn compare(table: impl Read, outline: &Outline) -> Result<(), Difference> {
    let mut comparison = Comparison {
        outline,
        entries: 0,
        file: None,
        difference: None,
    };
    let mut json = serde_json::Deserializer::from_reader(BufReader::new(table));
    let read = Whole(&mut comparison).deserialize(&mut json);
    let read = read.and_then(|()| json.end());
    match (comparison.difference.take(), read) {
        (Some(difference), _) => Err(difference),
        (None, Err(error)) => Err(Difference::Json(one_line(&error.to_string()))),
        (None, Ok(())) => comparison.finish(),
    }
}

struct Comparison<'o> {
    outline: &'o Outline,
    /// How many entries there were, parts of files not counted.
    entries: usize,
    /// The file that was read to which the last entry belongs.
    file: Option<File<'o>>,
    difference: Option<Difference>,
}

/// A file whose parts are told one after the other.
struct File<'o> {
    known: &'o Known,
    name: Box<str>,
    /// Where the next part begins.
    next: u64,
}

impl Comparison<'_> {
    fn take(&mut self, entry: &Entry) -> Result<(), Difference> {
        if entry.kind != Type::Chunk {
            self.begin(entry)?;
        }
        match &mut self.file {
            Some(file) if file.known.size > 0 => file.take(entry),
            _ => Ok(()),
        }
    }

    fn begin(&mut self, entry: &Entry) -> Result<(), Difference> {
        self.end_file()?;
        let name = || excerpt(&entry.name);
        let place = self.entries;
        self.entries += 1;
        if !self.outline.is(place, entry) {
            return Err(Difference::Entry(name()));
        }
        if entry.changes_overlay() {
            return Err(Difference::Overlay(name()));
        }
        let Some(known) = self.outline.file(place) else {
            return Ok(());
        };
        let is_empty = known.size == 0 && entry.digest.is_empty();
        if *entry.digest != *known.digest && !is_empty {
            return Err(Difference::Digest(name()));
        }
        self.file = Some(File {
            known,
            name: name(),
            next: 0,
        });
        Ok(())
    }

    fn end_file(&mut self) -> Result<(), Difference> {
        match self.file.take() {
            Some(file) if file.next != file.known.size => Err(Difference::Place(file.name)),
            _ => Ok(()),
        }
    }

    fn finish(mut self) -> Result<(), Difference> {
        self.end_file()?;
        let (table, archive) = (self.entries, self.outline.len());
        if table != archive {
            return Err(Difference::Count { table, archive });
        }
        Ok(())
    }
}

impl File<'_> {
    /// The next part, which follows the one before it.
    fn take(&mut self, entry: &Entry) -> Result<(), Difference> {
        let left = self.known.size - self.next;
        let length = match entry.chunk_size {
            0 => left,
            length => length,
        };
        let follows = entry.chunk_offset == self.next && (1..=left).contains(&length);
        let known = self.known;
        if !follows || !known.is_reached(entry.offset, entry.inner_offset, self.next) {
            return Err(Difference::Place(self.name.clone()));
        }
        self.next += length;
        Ok(())
    }
}

/// The whole of a table.
struct Whole<'c, 'o>(&'c mut Comparison<'o>);

/// Its entries.
struct Entries<'c, 'o>(&'c mut Comparison<'o>);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Field {
    Version,
    Entries,
    TarSplitDigest,
}

/// The only version that there is.
const VERSION: u64 = 1;

impl<'de> DeserializeSeed<'de> for Whole<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Whole<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a table of contents")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        let mut seen = BTreeSet::new();
        while let Some(field) = map.next_key()? {
            if !seen.insert(field) {
                return Err(M::Error::custom("a field is there twice"));
            }
            match field {
                Field::Version if map.next_value::<u64>()? != VERSION => {
                    return Err(M::Error::custom("it is of a version that is not known"));
                }
                Field::Version => {}
                Field::Entries => map.next_value_seed(Entries(&mut *self.0))?,
                Field::TarSplitDigest => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Entries<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Entries<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of entries")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut entries: S) -> Result<(), S::Error> {
        while let Some(entry) = entries.next_element::<Entry>()? {
            if let Err(difference) = self.0.take(&entry) {
                self.0.difference = Some(difference);
                // Nothing that follows makes it the same again.
                return Err(S::Error::custom("it differs"));
            }
        }
        Ok(())
    }
}
