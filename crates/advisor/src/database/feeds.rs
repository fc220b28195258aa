//! Feeds: the advisories of one ecosystem release, how whole they are, and how old.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::Ecosystem;

/// The advisories of one ecosystem release. It has some: what no source speaks of has no feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feed {
    /// The ecosystem with its release.
    pub ecosystem: Ecosystem,
    /// Whether all advisories of the release are here.
    pub coverage: Coverage,
    /// The state of the world that it shows. Nothing if no source says so.
    pub as_of: Option<Timestamp>,
    /// When the advisory that was changed last was changed. A release that has ended may be complete and change no more, so
    /// that its age goes by [`as_of`](Self::as_of) alone.
    pub newest: Option<Timestamp>,
    /// How many advisories it has.
    pub advisories: u64,
    /// How many packages they concern.
    pub packages: u64,
    /// How many pairs of an advisory and a package there are.
    pub rows: u64,
    /// The sources that speak of it, by their names.
    pub sources: BTreeSet<Box<str>>,
}

/// Whether a feed is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Coverage {
    /// A source that is declared to be complete speaks of it.
    Complete,
    /// It has advisories, and nobody says that they are all.
    Partial,
}

/// How old feeds may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AgeRules {
    /// Past this age a feed is used with a warning.
    pub warn: SignedDuration,
    /// Past this age its silence about a package means nothing.
    pub refuse: SignedDuration,
}

impl Default for AgeRules {
    /// 48 hours and 14 days.
    fn default() -> Self {
        Self {
            warn: SignedDuration::from_hours(48),
            refuse: SignedDuration::from_hours(14 * 24),
        }
    }
}

/// A feed's age, as the rules see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Within the rules.
    Fresh,
    /// To be used with a warning.
    Stale {
        /// How old it is.
        age: SignedDuration,
    },
    /// Its silence means nothing any more.
    TooOld {
        /// How old it is.
        age: SignedDuration,
    },
    /// Nobody says how old it is, or it says that it is of tomorrow. To be treated as too old.
    Unknown,
}

/// Clocks differ: a feed may be ahead of ours by so much.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_hours(1);

impl Feed {
    /// How the rules see its age at `now`.
    pub fn freshness(&self, now: Timestamp, rules: AgeRules) -> Freshness {
        freshness(self.as_of, now, rules)
    }
}

/// How the rules see the age of what shows the world as of a time.
pub fn freshness(as_of: Option<Timestamp>, now: Timestamp, rules: AgeRules) -> Freshness {
    let Some(as_of) = as_of else {
        return Freshness::Unknown;
    };
    let age = now.duration_since(as_of);
    if age < -CLOCKS_DIFFER {
        Freshness::Unknown
    } else if age > rules.refuse {
        Freshness::TooOld { age }
    } else if age > rules.warn {
        Freshness::Stale { age }
    } else {
        Freshness::Fresh
    }
}

/// The time at which a record was changed, unless it is impossible: before the first CVE ids, as all of Go's say, or after
/// `now`, which would make a feed look fresh for ever.
pub(crate) fn sane(modified: Timestamp, now: Timestamp) -> Option<Timestamp> {
    /// 1999-01-01T00:00:00Z.
    const FIRST: i64 = 915_148_800;
    let possible = modified.as_second() >= FIRST && now.duration_since(modified) >= -CLOCKS_DIFFER;
    possible.then_some(modified)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_feed_warns_past_two_days_and_says_nothing_past_two_weeks() {
        let hours = SignedDuration::from_hours;
        let now = at("2026-03-20T12:00:00Z");
        for (as_of, expected) in [
            (Some("2026-03-20T12:00:00Z"), Freshness::Fresh),
            (Some("2026-03-18T12:00:00Z"), Freshness::Fresh),
            (
                Some("2026-03-18T11:00:00Z"),
                Freshness::Stale { age: hours(49) },
            ),
            (
                Some("2026-03-06T12:00:00Z"),
                Freshness::Stale {
                    age: hours(14 * 24),
                },
            ),
            (
                Some("2026-03-06T11:00:00Z"),
                Freshness::TooOld {
                    age: hours(14 * 24 + 1),
                },
            ),
            (Some("2026-03-20T13:00:00Z"), Freshness::Fresh),
            (Some("2026-03-20T13:00:01Z"), Freshness::Unknown),
            (None, Freshness::Unknown),
        ] {
            let seen = freshness(as_of.map(at), now, AgeRules::default());
            assert_eq!(seen, expected, "as of {as_of:?}");
        }
    }

    #[test]
    fn the_ages_are_parameters() {
        let rules = AgeRules {
            warn: SignedDuration::from_hours(1),
            refuse: SignedDuration::from_hours(2),
        };
        let age = SignedDuration::from_mins(90);
        let now = at("2026-03-20T12:00:00Z");
        assert_eq!(
            freshness(Some(now - age), now, rules),
            Freshness::Stale { age }
        );
    }

    #[test]
    fn an_impossible_time_of_change_tells_nothing() {
        let now = at("2026-03-20T12:00:00Z");
        for (modified, possible) in [
            ("0001-01-01T00:00:00Z", false),
            ("1998-12-31T23:59:59Z", false),
            ("1999-01-01T00:00:00Z", true),
            ("2026-03-20T12:30:00Z", true),
            ("2026-03-20T13:00:01Z", false),
            ("2199-01-01T00:00:00Z", false),
        ] {
            let expected = possible.then(|| at(modified));
            assert_eq!(sane(at(modified), now), expected, "{modified}");
        }
    }
}
