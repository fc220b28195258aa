//! The header of the file, and its pages.

use std::borrow::Cow;
use std::fs::File;
use std::os::unix::fs::FileExt as _;

use super::SqliteError;

const MAGIC: &[u8] = b"SQLite format 3\0";
const HEADER_BYTES: usize = 100;

/// The least that a page has left for content (file format, §1.3.4).
const MIN_USABLE: usize = 480;

/// A file of sqlite whose header is in order.
pub(in crate::detector) struct Sqlite<'a> {
    content: Content<'a>,
    page_size: usize,
    /// How much of each page holds content; extensions may reserve its end for themselves.
    pub(super) usable: usize,
    /// How many pages there are; they are numbered from 1 on.
    pub(super) pages: u32,
}

/// Where the bytes of a database are.
#[derive(Clone, Copy, Debug)]
pub(in crate::detector) enum Content<'a> {
    /// In memory, all of them.
    Held(&'a [u8]),
    /// In a file of that many bytes, from which pages are read as they are needed.
    OnDisk(&'a File, u64),
}

impl<'a> Content<'a> {
    fn size(self) -> u64 {
        match self {
            Self::Held(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            Self::OnDisk(_, size) => size,
        }
    }

    /// So many bytes from there on; nothing, if there are not as many.
    fn bytes(self, start: u64, count: usize) -> Result<Option<Cow<'a, [u8]>>, SqliteError> {
        match self {
            Self::Held(bytes) => {
                let rest = usize::try_from(start).ok().and_then(|at| bytes.get(at..));
                Ok(rest.and_then(|rest| rest.get(..count)).map(Cow::Borrowed))
            }
            Self::OnDisk(_, size) if size.saturating_sub(start) < count as u64 => Ok(None),
            Self::OnDisk(file, _) => {
                let mut bytes = vec![0; count];
                file.read_exact_at(&mut bytes, start)
                    .map_err(|error| SqliteError::Disk(error.to_string().into()))?;
                Ok(Some(Cow::Owned(bytes)))
            }
        }
    }
}

/// A page.
pub(super) struct Page<'a> {
    /// All of the page's content: what offsets in it count from.
    pub(super) bytes: Cow<'a, [u8]>,
    /// Where its own header is: after the file's, on the first page.
    pub(super) header: usize,
}

impl<'a> Sqlite<'a> {
    /// Reads the header of a file, of which `content` is the whole.
    pub(in crate::detector) fn open(content: Content<'a>) -> Result<Self, SqliteError> {
        let start = content.bytes(0, HEADER_BYTES)?;
        let header = start.as_deref().and_then(<[u8]>::first_chunk);
        let header = header
            .filter(|header| header.starts_with(MAGIC))
            .ok_or(SqliteError::BadHeader)?;
        let page_size = match number(header, 16, 2) {
            1 => 65_536,
            size if size >= 512 && size.is_power_of_two() => size,
            _ => return Err(SqliteError::BadHeader),
        };
        let usable = page_size - number(header, 20, 1);
        let fractions = (
            number(header, 21, 1),
            number(header, 22, 1),
            number(header, 23, 1),
        );
        if usable < MIN_USABLE || fractions != (64, 32, 32) {
            return Err(SqliteError::BadHeader);
        }
        // The version that a reader must know (1 with a journal, 2 with a log), and the encoding UTF-8.
        let (read_version, encoding) = (number(header, 19, 1), number(header, 56, 4));
        if !matches!((read_version, encoding), (1 | 2, 1)) {
            return Err(SqliteError::UnknownForm);
        }
        let pages = pages(header, content.size(), page_size)?;
        Ok(Self {
            content,
            page_size,
            usable,
            pages,
        })
    }

    pub(super) fn page(&self, number: u32) -> Result<Page<'a>, SqliteError> {
        let bad = SqliteError::BadPage(number);
        let index = number
            .checked_sub(1)
            .filter(|_| number <= self.pages)
            .ok_or_else(|| bad.clone())?;
        let start = u64::from(index).saturating_mul(wide(self.page_size));
        let bytes = self.content.bytes(start, self.usable)?.ok_or(bad)?;
        let header = if number == 1 { HEADER_BYTES } else { 0 };
        Ok(Page { bytes, header })
    }

    /// The size of the file, which no sum of disjoint parts exceeds.
    pub(super) fn size(&self) -> u64 {
        self.content.size()
    }
}

/// How many pages the file has: as many as its header says, if the header is of the last change (file format, §1.3.7), else
/// as there are.
fn pages(header: &[u8; HEADER_BYTES], size: u64, page_size: usize) -> Result<u32, SqliteError> {
    let (stated, changed, stated_at) = (
        number(header, 28, 4),
        number(header, 24, 4),
        number(header, 92, 4),
    );
    let is_stated = stated > 0 && changed == stated_at;
    let pages = if is_stated {
        wide(stated)
    } else {
        size.div_ceil(wide(page_size))
    };
    let expected = pages.saturating_mul(wide(page_size));
    if expected > size {
        return Err(SqliteError::Truncated {
            found: size,
            expected,
        });
    }
    u32::try_from(pages).map_err(|_| SqliteError::BadHeader)
}

fn wide(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}

/// A number of up to four bytes, the highest first, at a constant place of the header.
fn number(header: &[u8; HEADER_BYTES], offset: usize, bytes: usize) -> usize {
    let bytes = header.iter().skip(offset).take(bytes);
    bytes.fold(0, |number, byte| number << 8 | usize::from(*byte))
}
