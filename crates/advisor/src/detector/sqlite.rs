//! A reader of one table of a database of sqlite 3, after the description of its file format.
//!
//! What is read is held to what a sound file cannot break, which bounds the work by the file's size: no page belongs to a table
//! twice, rows come in the order of their ids, and the payloads of all rows together are no larger than the file.

mod file;
mod record;
mod tree;

pub(super) use file::{Content, Sqlite};
pub(super) use tree::Row;

/// Why a database cannot be read. A clause that goes on "as a database of sqlite, …".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SqliteError {
    /// It does not begin as one.
    #[error("it has no sound header")]
    BadHeader,
    /// It is written in a newer or rarer way than is read.
    #[error("it is in a form that is not read")]
    UnknownForm,
    /// It is shorter than it says.
    #[error("it has {found} bytes, of {expected} that it says it has")]
    Truncated {
        /// How many bytes it has.
        found: u64,
        /// How many it says.
        expected: u64,
    },
    /// It has no table of that name, or more than one.
    #[error("it does not have exactly one table `{0}`")]
    NoTable(&'static str),
    /// A page is not what it should be.
    #[error("its page {0} is broken")]
    BadPage(u32),
    /// A page belongs to a table twice.
    #[error("its page {0} is used twice")]
    Cycle(u32),
    /// A tree is deeper than sqlite's own bound.
    #[error("its tables are nested too deep")]
    TooDeep,
    /// The rows hold more than there is room for in the file.
    #[error("its rows overlap")]
    Overlap,
    /// A row is larger than any that is held in memory.
    #[error("its row {0} is larger than any that is read")]
    LargeRow(i64),
    /// The disk that it was put on for a while does not give it back, which says nothing about it.
    #[error("the disk that it was put on failed: {0}")]
    Disk(Box<str>),
    /// Rows are out of order.
    #[error("its row {0} is out of order")]
    OutOfOrder(i64),
}

#[cfg(test)]
mod tests;
