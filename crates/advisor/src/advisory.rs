//! One advisory, as far as a verdict needs it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Ecosystem;

/// An advisory of one feed: a distribution's notice (`DSA-5532-1`) or its record of one vulnerability (`DEBIAN-CVE-2024-1`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advisory {
    /// Its id in the feed.
    pub id: Box<str>,
    /// The vulnerabilities that it speaks of, by the names that other feeds share (mostly CVE ids). Sorted, without
    /// repetition; its own id alone where it names none.
    pub vulnerabilities: Vec<Box<str>>,
    /// When it was published, unless the feed does not say.
    pub published: Option<Timestamp>,
    /// When it was last changed, unless the feed does not say or says something impossible.
    pub modified: Option<Timestamp>,
    /// Its severity as written: a CVSS vector, or the distribution's word.
    pub severity: Option<Box<str>>,
    /// One line for people. Empty where texts are left out.
    pub summary: Box<str>,
    /// What it concerns.
    pub affected: Vec<Affected>,
}

/// One package of one ecosystem that an advisory concerns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Affected {
    /// The feed's name with its release.
    pub ecosystem: Ecosystem,
    /// The package: a source, binary or origin name, as the feed has it.
    pub package: Box<str>,
    /// The ranges of affected versions. A version is affected if any range, or [`versions`](Self::versions), has it.
    pub ranges: Vec<Range>,
    /// Versions that are affected one by one.
    pub versions: Vec<Box<str>>,
    /// The binary packages that it is limited to, where the feed names them. Empty: all that the source builds.
    pub binaries: Vec<Box<str>>,
    /// The module stream (`name:stream`) that it is limited to.
    pub module: Option<Box<str>>,
    /// The severity for this package, where it differs from the advisory's.
    pub severity: Option<Box<str>>,
}

/// A range of versions in the order of the ecosystem's package manager.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// What happens along the order of versions, as the feed lists it; sorted by whoever evaluates it.
    pub events: Vec<Event>,
}

/// A point in the order of versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// From this version on, versions are affected; `0` is before every version.
    Introduced(Box<str>),
    /// From this version on, versions are no longer affected: the published fix.
    Fixed(Box<str>),
    /// The last version that is affected; no fix is thereby published.
    LastAffected(Box<str>),
    /// Versions from here on are out of the range's sight.
    Limit(Box<str>),
}
