//! Whether a database may replace another.

use std::fmt;

use jiff::Timestamp;

use crate::Ecosystem;
use crate::database::manifest::{Catalogue, Manifest};
use crate::database::{Coverage, Feed};

/// In what a database falls short of the one that it would replace.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Setback {
    /// What it shows of a release or of the catalogue is older.
    Older {
        /// What is older.
        what: Part,
        /// The time that the database in place shows.
        from: Timestamp,
        /// The time that this one shows; nothing if it does not say.
        to: Option<Timestamp>,
    },
    /// It has lost more than a tenth of its records.
    Shrunken {
        /// What has lost them.
        what: Part,
        /// How many the database in place has.
        from: u64,
        /// How many this one has.
        to: u64,
    },
    /// It was complete, and is not any more.
    Partial {
        /// The release.
        what: Part,
    },
}

/// A part of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// The advisories of a release.
    Feed(Ecosystem),
    /// The catalogue of known exploited vulnerabilities.
    KnownExploited,
}

/// In what `next` falls short of `current`: parts that are older, incomplete, or lost over a tenth of their records. A
/// database without setbacks may replace the other.
pub fn setbacks(current: &Manifest, next: &Manifest) -> Vec<Setback> {
    let mut setbacks = Vec::new();
    for feed in current.feeds() {
        let successor = next.feeds().find(|next| next.ecosystem == feed.ecosystem);
        setbacks.extend(of_feed(feed, successor));
    }
    if let Some(catalogue) = &current.known_exploited {
        setbacks.extend(of_catalogue(catalogue, next.known_exploited.as_ref()));
    }
    setbacks
}

fn of_feed(feed: &Feed, next: Option<&Feed>) -> Vec<Setback> {
    let what = || Part::Feed(feed.ecosystem.clone());
    let Some(next) = next else {
        return vec![lost(what(), feed.advisories, 0)];
    };
    let is_partial = feed.coverage == Coverage::Complete && next.coverage == Coverage::Partial;
    let partial = is_partial.then(|| Setback::Partial { what: what() });
    older(what(), feed.as_of, next.as_of)
        .into_iter()
        .chain(shrunken(what(), feed.advisories, next.advisories))
        .chain(partial)
        .collect()
}

fn of_catalogue(catalogue: &Catalogue, next: Option<&Catalogue>) -> Vec<Setback> {
    let what = Part::KnownExploited;
    let Some(next) = next else {
        return vec![lost(what, catalogue.vulnerabilities, 0)];
    };
    older(what.clone(), catalogue.released, next.released)
        .into_iter()
        .chain(shrunken(
            what,
            catalogue.vulnerabilities,
            next.vulnerabilities,
        ))
        .collect()
}

fn older(what: Part, from: Option<Timestamp>, to: Option<Timestamp>) -> Option<Setback> {
    let from = from.filter(|from| to.is_none_or(|to| to < *from))?;
    Some(Setback::Older { what, from, to })
}

fn shrunken(what: Part, from: u64, to: u64) -> Option<Setback> {
    let is_shrunken = u128::from(to) * 10 < u128::from(from) * 9;
    is_shrunken.then(|| lost(what, from, to))
}

fn lost(what: Part, from: u64, to: u64) -> Setback {
    Setback::Shrunken { what, from, to }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Feed(ecosystem) => f.write_str(ecosystem.as_str()),
            Self::KnownExploited => f.write_str("the catalogue of known exploited vulnerabilities"),
        }
    }
}

impl fmt::Display for Setback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Older {
                what,
                from,
                to: Some(to),
            } => write!(f, "{what} is older: of {to} instead of {from}"),
            Self::Older { what, from, .. } => {
                write!(f, "{what} does not say how old it is, and was of {from}")
            }
            Self::Shrunken { what, from, to: 0 } => {
                write!(f, "{what} is missing, and had {from} records")
            }
            Self::Shrunken { what, from, to } => {
                write!(f, "{what} has shrunk from {from} to {to} records")
            }
            Self::Partial { what } => write!(f, "{what} is no longer complete"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::database::manifest::{Holds, Releases, SegmentNote, Texts};
    use crate::database::{Sha256, SourceNote};

    const MONDAY: &str = "2026-11-23T00:00:00Z";
    const TUESDAY: &str = "2026-11-24T00:00:00Z";

    fn manifest(feeds: Vec<Feed>, catalogue: Option<(&str, u64)>) -> Manifest {
        let note = |feed| SegmentNote {
            holds: Holds::Feed(feed),
            digest: Sha256::of(b""),
            bytes: 0,
            head_bytes: 0,
            head_digest: Sha256::of(b""),
        };
        Manifest {
            life_spans: Vec::new(),
            followed: BTreeMap::new(),
            maker: "test".into(),
            texts: Texts::Kept,
            releases: Releases::All,
            sources: Vec::<SourceNote>::new(),
            known_exploited: catalogue.map(|(released, vulnerabilities)| Catalogue {
                version: "1".into(),
                released: released.parse().ok(),
                vulnerabilities,
            }),
            segments: feeds.into_iter().map(note).collect(),
        }
    }

    fn feed(release: &str, as_of: Option<&str>, advisories: u64, coverage: Coverage) -> Feed {
        Feed {
            ecosystem: Ecosystem::new(release),
            coverage,
            as_of: as_of.map(|time| time.parse().unwrap()),
            newest: None,
            advisories,
            packages: 1,
            rows: advisories,
            sources: BTreeSet::new(),
        }
    }

    /// What is told of a successor of a complete `Debian:12` of Tuesday with 1,000 advisories and a catalogue of 100.
    fn told(next: &Manifest) -> Vec<String> {
        let current = manifest(
            vec![feed("Debian:12", Some(TUESDAY), 1000, Coverage::Complete)],
            Some((TUESDAY, 100)),
        );
        let told = setbacks(&current, next);
        told.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_feed_may_not_get_older_nor_lose_over_a_tenth_nor_its_completeness() {
        use Coverage::{Complete, Partial};
        type Row<'a> = (&'a str, Option<&'a str>, u64, Coverage, &'a [&'a str]);
        let table: [Row<'_>; 9] = [
            ("Debian:12", Some(TUESDAY), 1000, Complete, &[]),
            (
                "Debian:12",
                Some("2026-11-25T00:00:00Z"),
                1200,
                Complete,
                &[],
            ),
            ("Debian:12", Some(TUESDAY), 900, Complete, &[]),
            (
                "Debian:12",
                Some(TUESDAY),
                899,
                Complete,
                &["Debian:12 has shrunk from 1000 to 899 records"],
            ),
            (
                "Debian:12",
                Some(MONDAY),
                1000,
                Complete,
                &["Debian:12 is older: of 2026-11-23T00:00:00Z instead of 2026-11-24T00:00:00Z"],
            ),
            (
                "Debian:12",
                None,
                1000,
                Complete,
                &["Debian:12 does not say how old it is, and was of 2026-11-24T00:00:00Z"],
            ),
            (
                "Debian:12",
                Some(TUESDAY),
                1000,
                Partial,
                &["Debian:12 is no longer complete"],
            ),
            (
                "Debian:12",
                Some(MONDAY),
                1,
                Complete,
                &[
                    "Debian:12 is older: of 2026-11-23T00:00:00Z instead of 2026-11-24T00:00:00Z",
                    "Debian:12 has shrunk from 1000 to 1 records",
                ],
            ),
            (
                "Debian:13",
                Some(TUESDAY),
                5000,
                Complete,
                &["Debian:12 is missing, and had 1000 records"],
            ),
        ];
        for (release, as_of, advisories, coverage, expected) in table {
            let next = feed(release, as_of, advisories, coverage);
            let next = manifest(vec![next], Some((TUESDAY, 100)));
            assert_eq!(told(&next), expected, "{release} {as_of:?} {advisories}");
        }
    }

    #[test]
    fn the_catalogue_may_not_get_older_nor_lose_over_a_tenth_nor_vanish() {
        let what = "the catalogue of known exploited vulnerabilities";
        let table = [
            (Some((TUESDAY, 90)), None),
            (
                Some((TUESDAY, 89)),
                Some("has shrunk from 100 to 89 records"),
            ),
            (
                Some((MONDAY, 100)),
                Some("is older: of 2026-11-23T00:00:00Z instead of 2026-11-24T00:00:00Z"),
            ),
            (None, Some("is missing, and had 100 records")),
        ];
        for (catalogue, expected) in table {
            let feed = feed("Debian:12", Some(TUESDAY), 1000, Coverage::Complete);
            let expected = expected.map(|text| format!("{what} {text}"));
            let told = told(&manifest(vec![feed], catalogue));
            assert_eq!(told, Vec::from_iter(expected), "{catalogue:?}");
        }
    }

    #[test]
    fn what_the_database_in_place_does_not_know_is_no_setback() {
        let nothing = manifest(vec![feed("Debian:12", None, 0, Coverage::Partial)], None);
        let next = manifest(
            vec![
                feed("Debian:12", None, 0, Coverage::Partial),
                feed("Debian:13", None, 5, Coverage::Partial),
            ],
            None,
        );
        assert_eq!(setbacks(&nothing, &next), []);
    }
}
