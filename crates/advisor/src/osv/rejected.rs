use crate::excerpt::{excerpt, one_line};

/// A record that is not read, because a part of it would have to be guessed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// It is longer than [`MAX_BYTES`](super::MAX_BYTES).
    #[error(
        "a record of {bytes} bytes is not read: expected at most {}",
        super::MAX_BYTES
    )]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// It is no JSON, or not of OSV's schema.
    #[error("the record {record} is not of OSV's schema at `{field}`: {why}")]
    Shape {
        /// Its id, as far as one can be found.
        record: Box<str>,
        /// Where in it: `affected[0].ranges`.
        field: Box<str>,
        /// What was found, and what was expected.
        why: Box<str>,
    },
}

impl Rejected {
    pub(super) fn shape(record: Option<&str>, field: &str, why: &str) -> Self {
        Self::Shape {
            record: record.map_or_else(|| "without an id".into(), excerpt),
            field: excerpt(field),
            why: one_line(why),
        }
    }
}
