//! Since when databases have had the fixes that a feed publishes: the date of a fix whose own notice does not say one.
//!
//! What the first database of a feed held has one date together, in the manifest. Each fix that joined later is noted with the
//! time of the build that first held it, in a segment beside the feed's own, which therefore never depends on when it was
//! built. Both stay what they are as long as the fix stays, whatever else of its record changes.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::row::{put_texts, texts};
use super::wire::{Cursor, Malformed, put_signed};

/// How many fixes a row has at most, so that rows fill blocks well.
const FIXES_OF_A_ROW: usize = 256;

/// Since when a feed has been followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Followed {
    /// The first database that has it was built then, and is this one: how long its fixes had been published, nobody knows.
    First(Timestamp),
    /// An earlier database had it already then.
    Since(Timestamp),
}

impl Followed {
    /// From when on an earlier database held what has no date of its own.
    pub(crate) fn since(self) -> Option<Timestamp> {
        match self {
            Self::First(_) => None,
            Self::Since(time) => Some(time),
        }
    }

    /// What it is in the database that is built next.
    pub(crate) fn next(self) -> Self {
        let (Self::First(time) | Self::Since(time)) = self;
        Self::Since(time)
    }
}

/// Since when databases have had the fixes of a package.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FixDates {
    since: Option<Timestamp>,
    joined: HashMap<Box<str>, Timestamp>,
}

impl FixDates {
    pub(crate) fn new(since: Option<Timestamp>) -> Self {
        Self {
            since,
            joined: HashMap::new(),
        }
    }

    /// Adds what a row says.
    pub(crate) fn add(&mut self, row: &[u8]) -> Result<(), Malformed> {
        let (time, fixes) = decode(row)?;
        self.joined.extend(fixes.into_iter().map(|fix| (fix, time)));
        Ok(())
    }

    /// From when on a database held that an advisory fixes the package in a version. It holds it still.
    pub fn of(&self, advisory: &str, version: &str) -> Option<Timestamp> {
        let joined = self.joined.get(&*key(advisory, version));
        joined.copied().or(self.since)
    }

    /// Those of the fixes that are not as old as the feed, by their keys.
    pub(crate) fn joined(&self) -> impl Iterator<Item = (&str, Timestamp)> {
        self.joined.iter().map(|(fix, time)| (&**fix, *time))
    }
}

/// What names a fix of a package. An advisory's id has no NUL.
pub(crate) fn key(advisory: &str, version: &str) -> Box<str> {
    format!("{advisory}\0{version}").into()
}

/// The rows of fixes that joined at one time, sorted by their keys.
pub(crate) fn encode(time: Timestamp, fixes: &[Box<str>]) -> impl Iterator<Item = Vec<u8>> {
    fixes.chunks(FIXES_OF_A_ROW).map(move |fixes| {
        let mut row = Vec::new();
        put_signed(&mut row, time.as_second());
        put_texts(&mut row, fixes);
        row
    })
}

/// The time of a row, and the keys of its fixes.
pub(crate) fn decode(row: &[u8]) -> Result<(Timestamp, Vec<Box<str>>), Malformed> {
    let mut cursor = Cursor::new(row);
    let time = Timestamp::from_second(cursor.signed()?);
    let time = time.map_err(|_| Malformed("a fix has a date that is none"))?;
    let fixes = texts(&mut cursor)?;
    if cursor.is_empty() {
        Ok((time, fixes))
    } else {
        Err(Malformed("a row of dates goes on after its end"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::btree_set;
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    proptest! {
        #[test]
        fn fixes_come_back_with_their_date(
            fixes in btree_set(("[A-Z]{1,3}-[0-9]{1,3}", "[0-9.]{0,4}"), 0..600), second in 0_i64..4_000_000_000,
        ) {
            let keys: Vec<_> = fixes.iter().map(|(id, version)| key(id, version)).collect();
            let mut dates = FixDates::new(None);
            let rows: Vec<_> = encode(at(second), &keys).collect();
            prop_assert_eq!(rows.len(), fixes.len().div_ceil(FIXES_OF_A_ROW));
            for row in &rows {
                dates.add(row).unwrap();
            }
            for (id, version) in &fixes {
                prop_assert_eq!(dates.of(id, version), Some(at(second)));
            }
            prop_assert_eq!(dates.of("NONE-1", "1"), None);
        }

        #[test]
        fn a_row_that_was_cut_is_refused(second in 0_i64..4_000_000_000, cut: prop::sample::Index) {
            let row = encode(at(second), &[key("DSA-1-1", "1"), key("DSA-1-2", "1")]).next().unwrap();
            prop_assert!(decode(&row[..cut.index(row.len())]).is_err());
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let _ = decode(&bytes);
        }
    }

    #[test]
    fn a_fix_that_did_not_join_later_is_as_old_as_the_feed_in_an_earlier_database() {
        let followed = Followed::First(at(1));
        let table = [
            (followed, None),
            (followed.next(), Some(at(1))),
            (followed.next().next(), Some(at(1))),
        ];
        for (followed, expected) in table {
            let mut dates = FixDates::new(followed.since());
            dates
                .add(&encode(at(2), &[key("DSA-1-1", "2")]).next().unwrap())
                .unwrap();
            assert_eq!(dates.of("DSA-1-1", "1"), expected, "{followed:?}");
            assert_eq!(dates.of("DSA-1-1", "2"), Some(at(2)), "{followed:?}");
        }
    }
}
