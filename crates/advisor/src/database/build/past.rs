//! What an earlier database knows of the fixes of one feed.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use super::error::BuildError;
use super::previous::{Kept, Previous};
use crate::Ecosystem;
use crate::database::fix_dates::{self, FixDates, Followed};
use crate::database::row;

/// The feed of an earlier database, and since when its fixes are known.
#[derive(Debug)]
pub(crate) struct Past<'a> {
    feed: Kept<'a>,
    dates: Option<Kept<'a>>,
    /// Nothing in a database that was written before dates were noted.
    followed: Option<Followed>,
}

/// The pasts of all feeds of which everything that tells them is whole on disk. Another feed is followed anew, as one that is new:
/// a fix of it would else seem to have joined only now.
pub(crate) fn pasts(previous: &Previous) -> BTreeMap<Ecosystem, Past<'_>> {
    let manifest = &previous.manifest;
    let mut dates = previous.whole_fix_dates();
    let mut pasts = BTreeMap::new();
    for (ecosystem, feed) in previous.whole_feeds() {
        let dates = dates.remove(&ecosystem);
        if dates.is_some() || !manifest.has_fix_dates(&ecosystem) {
            let followed = manifest.followed.get(&ecosystem).copied();
            let past = Past {
                feed,
                dates,
                followed,
            };
            pasts.insert(ecosystem, past);
        }
    }
    pasts
}

impl<'a> Past<'a> {
    /// Since when a feed with this past has been followed, in the database that is built now.
    pub(crate) fn followed(past: Option<&Self>, now: Timestamp) -> Followed {
        match past.and_then(|past| past.followed) {
            Some(before) => before.next(),
            None => Followed::First(to_second(now)),
        }
    }

    /// The segment of dates, if there is one.
    pub(crate) fn dates(&self) -> Option<Kept<'a>> {
        self.dates
    }

    /// What is known of the fixes of a package.
    pub(crate) fn of(&self, package: &str) -> Result<Fixes, BuildError> {
        let mut fixes = HashMap::new();
        let held = self.feed.rows_of(package, |row| {
            let row = row::fixes(row)?;
            let keys = row
                .versions
                .iter()
                .map(|version| fix_dates::key(row.id, version));
            fixes.extend(keys.map(|key| (key, Date::OfFeed)));
            Ok(())
        });
        held.map_err(BuildError::Previous)?;
        let mut dates = FixDates::default();
        if let Some(segment) = &self.dates {
            let read = segment.rows_of(package, |row| dates.add(row));
            read.map_err(BuildError::Previous)?;
        }
        for (key, time) in dates.joined() {
            if let Some(date) = fixes.get_mut(key) {
                *date = Date::Joined(time);
            }
        }
        Ok(Fixes(fixes))
    }
}

/// The fixes of a package that the earlier database has, by their keys.
#[derive(Debug, Default)]
pub(crate) struct Fixes(HashMap<Box<str>, Date>);

/// Since when a fix is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Date {
    /// As long as its feed has been followed.
    OfFeed,
    /// It joined the feed later.
    Joined(Timestamp),
}

impl Fixes {
    /// Since when a fix is known, if it was known.
    pub(crate) fn date(&self, key: &str) -> Option<Date> {
        self.0.get(key).copied()
    }
}

/// The time as it comes back from a file.
fn to_second(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}
