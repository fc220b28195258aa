//! The manifest: what a database holds, from which sources, and where.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::feeds::Feed;
use super::fix_dates::Followed;
use super::hash::Sha256;
use super::life_span::LifeSpan;
use super::remarks::Remarks;
use crate::Ecosystem;

/// All of a database but its rows. Its own hash names the database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// What made the segments: the same maker makes the same segments from the same sources.
    pub maker: Box<str>,
    /// Whether the lines for people are kept.
    pub texts: Texts,
    /// Which releases are kept.
    pub releases: Releases,
    /// What it was built from, by name.
    pub sources: Vec<SourceNote>,
    /// The catalogue of known exploited vulnerabilities that was built in.
    pub known_exploited: Option<Catalogue>,
    /// Until when releases get fixes, sorted. Left out where nobody said so, as databases were written before there was such a list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub life_spans: Vec<LifeSpan>,
    /// Since when each feed has been followed. Empty in databases that were written before that was noted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub followed: BTreeMap<Ecosystem, Followed>,
    /// The segments, as they lie in the file one after the other.
    pub segments: Vec<SegmentNote>,
}

impl Manifest {
    /// Whether a source is complete for a release that was selected.
    pub(crate) fn covers(&self, ecosystem: &Ecosystem) -> bool {
        let mut sources = self.sources.iter();
        self.releases.keep(ecosystem) && sources.any(|source| names_it(&source.covers, ecosystem))
    }

    /// The feeds, sorted by their ecosystems.
    pub fn feeds(&self) -> impl Iterator<Item = &Feed> {
        self.segments.iter().filter_map(|note| match &note.holds {
            Holds::Feed(feed) => Some(feed),
            Holds::FixDates { .. } | Holds::Vulnerabilities { .. } => None,
        })
    }

    /// Whether there is a segment of dates of a feed's fixes.
    pub(crate) fn has_fix_dates(&self, of: &Ecosystem) -> bool {
        let mut notes = self.segments.iter();
        notes
            .any(|note| matches!(&note.holds, Holds::FixDates { ecosystem, .. } if ecosystem == of))
    }
}

/// Whether advisories keep their lines for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Texts {
    /// Summaries are kept.
    #[default]
    Kept,
    /// Summaries are left out.
    LeftOut,
}

/// Which ecosystem releases are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Releases {
    /// All.
    #[default]
    All,
    /// Those of these full names (`Debian:12`), and all of these families (`Alpine`).
    Only(BTreeSet<Box<str>>),
}

impl Releases {
    /// Whether this release is kept.
    pub fn keep(&self, ecosystem: &Ecosystem) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names_it(names, ecosystem) || is_of_one(names, ecosystem),
        }
    }
}

/// Whether it is a family, without a release, and one of the names is a release of it: what is said of all releases is said of that.
fn is_of_one(names: &BTreeSet<Box<str>>, ecosystem: &Ecosystem) -> bool {
    let family = |name: &str| Some(name.split_once(':')?.0 == ecosystem.as_str());
    names.iter().any(|name| family(name) == Some(true))
}

/// Whether one of the names is this release's or its family's.
pub(crate) fn names_it(names: &BTreeSet<Box<str>>, ecosystem: &Ecosystem) -> bool {
    names.contains(ecosystem.as_str()) || names.contains(ecosystem.family())
}

/// A source of advisories, as it was when the database was built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceNote {
    /// The name of the file or folder, without the folders above it.
    pub name: Box<str>,
    /// The hash of its bytes.
    pub digest: Sha256,
    /// The releases or families that it is declared to be complete for.
    pub covers: BTreeSet<Box<str>>,
    /// The state of the world that it shows.
    pub as_of: Option<Timestamp>,
    /// When the record that was changed last was changed.
    pub newest: Option<Timestamp>,
    /// The releases that it has advisories for, of those that are kept.
    pub ecosystems: BTreeSet<Ecosystem>,
    /// How many records it has.
    pub records: u64,
    /// How many of them say that they were withdrawn.
    pub withdrawn: u64,
    /// Those of them that could not be read.
    pub rejected: Remarks,
    /// Those of them that are kept, and have something that is not as it should be: a bound that has no place in the order of versions, or
    /// no package. Each such thing is one.
    #[serde(default, skip_serializing_if = "Remarks::is_empty")]
    pub odd: Remarks,
}

/// A catalogue of known exploited vulnerabilities.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// Its version, as it names it.
    pub version: Box<str>,
    /// When it was released.
    pub released: Option<Timestamp>,
    /// How many vulnerabilities it has.
    pub vulnerabilities: u64,
}

/// A segment: a layer of its own where the database is carried in a registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SegmentNote {
    /// What it holds.
    pub holds: Holds,
    /// The hash of its bytes.
    pub digest: Sha256,
    /// How many bytes it has.
    pub bytes: u64,
    /// How many of them, at its end, are its head: what is kept in memory.
    pub head_bytes: u64,
    /// The hash of its head.
    pub head_digest: Sha256,
}

/// What a segment holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Holds {
    /// The advisories of one ecosystem release, by package.
    Feed(Feed),
    /// When fixes joined the feed of an ecosystem release, by package: those that its first database did not have.
    FixDates {
        /// The feed.
        ecosystem: Ecosystem,
        /// How many fixes.
        fixes: u64,
    },
    /// What is known of vulnerabilities, by their names: the join of all feeds.
    Vulnerabilities {
        /// How many.
        count: u64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_selected_by_full_name_or_family() {
        let only = Releases::Only(BTreeSet::from(["Debian:12".into(), "Alpine".into()]));
        for (ecosystem, kept) in [
            ("Debian:12", true),
            ("Debian:11", false),
            ("Debian", true),
            ("Ubuntu", false),
            ("Alpine:v3.20", true),
            ("Alpine", true),
            ("Alpaquita:23", false),
        ] {
            assert_eq!(only.keep(&Ecosystem::new(ecosystem)), kept, "{ecosystem}");
        }
        assert!(Releases::All.keep(&Ecosystem::new("Debian:11")));
    }
}
