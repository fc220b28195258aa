//! The header of an rpm as rpm's database keeps it: an index of tags into a store of values (rpm's manual, "Package format").

use std::fmt;

/// rpm's own bounds (`hdrchkTags`, `hdrchkData`).
const MAX_ENTRIES: usize = 0xffff;
const MAX_STORE_BYTES: usize = 0x0fff_ffff;

const LENGTHS_BYTES: usize = 8;
const ENTRY_BYTES: usize = 16;

const TYPE_INT32: u32 = 4;
const TYPE_STRING: u32 = 6;

/// A tag that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are named as rpm names them")]
#[non_exhaustive]
pub enum Tag {
    Name,
    Version,
    Release,
    Epoch,
    Vendor,
    Arch,
    SourceRpm,
    ModularityLabel,
}

impl Tag {
    fn number(self) -> u32 {
        match self {
            Self::Name => 1000,
            Self::Version => 1001,
            Self::Release => 1002,
            Self::Epoch => 1003,
            Self::Vendor => 1011,
            Self::Arch => 1022,
            Self::SourceRpm => 1044,
            Self::ModularityLabel => 5096,
        }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "NAME",
            Self::Version => "VERSION",
            Self::Release => "RELEASE",
            Self::Epoch => "EPOCH",
            Self::Vendor => "VENDOR",
            Self::Arch => "ARCH",
            Self::SourceRpm => "SOURCERPM",
            Self::ModularityLabel => "MODULARITYLABEL",
        })
    }
}

/// Why a header cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// It is no header, or not all of one.
    #[error("its lengths are not those of a header")]
    Lengths,
    /// A tag that the answer depends on is broken.
    #[error("its tag {tag} {fault}")]
    Tag {
        /// The tag.
        tag: Tag,
        /// What is wrong with it.
        fault: HeaderFault,
    },
}

/// What is wrong with a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderFault {
    /// It is not there.
    #[error("is missing")]
    Missing,
    /// It is there twice.
    #[error("is there twice")]
    Repeated,
    /// Its type or its count is another than rpm's.
    #[error("is not of the type that it has in rpm")]
    WrongType,
    /// Its value lies outside of the store.
    #[error("lies outside of the header")]
    OutOfBounds,
    /// Its value is none that rpm takes.
    #[error("has a value that rpm does not take")]
    BadValue,
}

impl HeaderFault {
    pub(super) fn of(self, tag: Tag) -> HeaderError {
        HeaderError::Tag { tag, fault: self }
    }
}

/// A header: the parts are where its lengths say, its tags are checked as they are read.
pub(super) struct Header<'a> {
    index: &'a [[u8; ENTRY_BYTES]],
    store: &'a [u8],
}

struct Entry {
    kind: u32,
    offset: usize,
    count: u32,
}

impl<'a> Header<'a> {
    /// Reads a header that fills all of `bytes`, without the magic number that it has in a package file.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, HeaderError> {
        let (lengths, rest) = bytes
            .split_first_chunk::<LENGTHS_BYTES>()
            .ok_or(HeaderError::Lengths)?;
        let [entries, store] = words(lengths);
        let (entries, store) = (length(entries), length(store));
        let are_in_bounds = (1..=MAX_ENTRIES).contains(&entries) && store <= MAX_STORE_BYTES;
        if !are_in_bounds || rest.len() != entries * ENTRY_BYTES + store {
            return Err(HeaderError::Lengths);
        }
        let (index, store) = rest
            .split_at_checked(entries * ENTRY_BYTES)
            .ok_or(HeaderError::Lengths)?;
        let (index, _) = index.as_chunks();
        Ok(Self { index, store })
    }

    /// The bytes of a string, where the header has the tag.
    pub(super) fn string(&self, tag: Tag) -> Result<Option<&'a [u8]>, HeaderError> {
        let Some(entry) = self.entry(tag)? else {
            return Ok(None);
        };
        if (entry.kind, entry.count) != (TYPE_STRING, 1) {
            return Err(HeaderFault::WrongType.of(tag));
        }
        let value = self.store.get(entry.offset..).unwrap_or_default();
        let end = memchr::memchr(0, value).ok_or_else(|| HeaderFault::OutOfBounds.of(tag))?;
        Ok(value.get(..end))
    }

    /// A number, where the header has the tag.
    pub(super) fn number(&self, tag: Tag) -> Result<Option<u32>, HeaderError> {
        let Some(entry) = self.entry(tag)? else {
            return Ok(None);
        };
        if (entry.kind, entry.count) != (TYPE_INT32, 1) {
            return Err(HeaderFault::WrongType.of(tag));
        }
        let value = self
            .store
            .get(entry.offset..)
            .and_then(|value| value.first_chunk());
        let value = value.ok_or_else(|| HeaderFault::OutOfBounds.of(tag))?;
        Ok(Some(u32::from_be_bytes(*value)))
    }

    /// The entry of a tag. Of two, rpm takes one or the other, depending on where they are: no rpm has two.
    fn entry(&self, tag: Tag) -> Result<Option<Entry>, HeaderError> {
        let mut found = self
            .index
            .iter()
            .map(words::<ENTRY_BYTES, 4>)
            .filter(|[number, ..]| *number == tag.number());
        match (found.next(), found.next()) {
            (None, _) => Ok(None),
            (Some([_, kind, offset, count]), None) => Ok(Some(Entry {
                kind,
                offset: length(offset),
                count,
            })),
            (Some(_), Some(_)) => Err(HeaderFault::Repeated.of(tag)),
        }
    }
}

/// Numbers of 32 bits, the highest byte first.
fn words<const BYTES: usize, const WORDS: usize>(bytes: &[u8; BYTES]) -> [u32; WORDS] {
    const { assert!(BYTES == 4 * WORDS) };
    let mut words = [0; WORDS];
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks().0) {
        *word = u32::from_be_bytes(*bytes);
    }
    words
}

/// A length as it is written; on a machine of fewer bits, one that no slice has.
fn length(word: u32) -> usize {
    usize::try_from(word).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
