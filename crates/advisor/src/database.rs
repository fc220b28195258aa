//! The advisory database: one file, compiled from OSV's exports, asked by package name.
//!
//! It is a [`Manifest`] and one segment per ecosystem release, with one more that joins what all feeds say of a vulnerability.
//! Each segment is named by the hash of its bytes, and does not depend on the others: a rebuild makes those anew whose sources
//! changed.
//!
//! Opening reads the manifest and the head of each segment, and decodes no advisory. Whatever is read is held against its hash
//! first. A file that was cut or damaged is refused, or the answer that needs the damaged block is: an error is never "no
//! advisories".

pub mod artifact;
pub mod build;

mod block;
mod container;
mod decoded;
pub mod download;
mod error;
mod feeds;
mod filter;
mod fix_dates;
mod format;
#[doc(hidden)]
pub mod fuzzing;
mod hash;
mod index;
mod life_span;
mod manifest;
mod remarks;
mod replacement;
mod row;
mod segment;
mod store;
mod vulnerability;
mod wire;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

pub use self::block::BlockFault;
use self::decoded::Decoded;
pub use self::error::{BlockError, DatabaseError, DatabaseFault, SegmentName};
pub use self::feeds::{AgeRules, Coverage, Feed, Freshness, freshness};
pub use self::fix_dates::{FixDates, Followed};
pub use self::hash::Sha256;
use self::index::Place;
pub use self::life_span::LifeSpan;
pub use self::manifest::{Catalogue, Holds, Manifest, Releases, SegmentNote, SourceNote, Texts};
pub use self::remarks::{Remark, Remarks};
use self::store::{Segment, Store};
pub use self::vulnerability::{Exploitation, KnownExploited, Ransomware, Vulnerability};
pub use self::wire::Malformed;
use crate::{Advisory, Ecosystem, Release};

/// How many bytes of inflated blocks are kept, unless told otherwise, and as many of decoded advisories.
pub const CACHE_BYTES: u64 = 16 * 1024 * 1024;

/// An open database. It stays what it was when the file is replaced by another.
#[derive(Debug)]
pub struct Database {
    store: Store,
    decoded: Decoded,
    manifest: Manifest,
    digest: Sha256,
    bytes: u64,
    feeds: HashMap<Ecosystem, Segment>,
    fix_dates: HashMap<Ecosystem, Segment>,
    vulnerabilities: Option<Segment>,
}

/// What a database is made of.
#[derive(Clone, Copy, Debug)]
pub struct Status<'a> {
    /// The hash of its manifest, which names it: equal names are equal databases.
    pub digest: Sha256,
    /// How many bytes the file has.
    pub bytes: u64,
    /// What it holds, and from which sources.
    pub manifest: &'a Manifest,
}

impl Database {
    /// Opens a file, with a cache of [`CACHE_BYTES`].
    pub fn open(path: &Path) -> Result<Self, DatabaseError> {
        Self::with_cache(path, CACHE_BYTES)
    }

    /// Opens a file, with room for so many bytes of inflated blocks, and for as many of decoded advisories.
    pub fn with_cache(path: &Path, cache_bytes: u64) -> Result<Self, DatabaseError> {
        Self::load(path, cache_bytes).map_err(|fault| DatabaseError {
            path: path.to_owned(),
            fault,
        })
    }

    fn load(path: &Path, cache_bytes: u64) -> Result<Self, DatabaseFault> {
        let (store, contents) = Store::open(path, cache_bytes)?;
        let segments = store.segments(&contents.manifest)?;
        let mut feeds = HashMap::new();
        let mut fix_dates = HashMap::new();
        let mut vulnerabilities = None;
        for (note, segment) in contents.manifest.segments.iter().zip(segments) {
            let before = match &note.holds {
                Holds::Feed(feed) => feeds.insert(feed.ecosystem.clone(), segment),
                Holds::FixDates { ecosystem, .. } => fix_dates.insert(ecosystem.clone(), segment),
                Holds::Vulnerabilities { .. } => vulnerabilities.replace(segment),
            };
            if before.is_some() {
                return Err(DatabaseFault::Twice((&note.holds).into()));
            }
        }
        Ok(Self {
            store,
            decoded: Decoded::new(cache_bytes),
            manifest: contents.manifest,
            digest: contents.digest,
            bytes: contents.bytes,
            feeds,
            fix_dates,
            vulnerabilities,
        })
    }

    /// The advisories of a release that concern a package, by their ids. Of what each affects, this package alone is told.
    ///
    /// Nothing is found in a release that has no feed, so that [`feed`](Self::feed) has to be asked first.
    pub fn advisories(
        &self,
        ecosystem: &Ecosystem,
        package: &str,
    ) -> Result<Arc<[Advisory]>, DatabaseError> {
        let Some(segment) = self.feeds.get(ecosystem) else {
            return Ok(Arc::default());
        };
        let Some(place) = self.find(segment, package)? else {
            return Ok(Arc::default());
        };
        self.decoded.get(segment, place, || {
            let mut advisories = Vec::new();
            self.rows(segment, place, |row| {
                advisories.push(row::decode(row, ecosystem, package)?);
                Ok(())
            })?;
            Ok(advisories.into())
        })
    }

    /// Since when databases have had the fixes of a package in the feed of a release. It tells of fixes that
    /// [`advisories`](Self::advisories) has.
    pub fn fix_dates(
        &self,
        ecosystem: &Ecosystem,
        package: &str,
    ) -> Result<FixDates, DatabaseError> {
        let followed = self.manifest.followed.get(ecosystem);
        let mut dates = FixDates::new(followed.and_then(|followed| followed.since()));
        if let Some(segment) = self.fix_dates.get(ecosystem)
            && let Some(place) = self.find(segment, package)?
        {
            self.rows(segment, place, |row| dates.add(row))?;
        }
        Ok(dates)
    }

    /// What is known of a vulnerability by this name.
    pub fn vulnerability(&self, name: &str) -> Result<Option<Vulnerability>, DatabaseError> {
        let Some(segment) = &self.vulnerabilities else {
            return Ok(None);
        };
        let Some(place) = self.find(segment, name)? else {
            return Ok(None);
        };
        let mut found = None;
        self.rows(segment, place, |row| {
            found = Some(vulnerability::decode(row)?);
            Ok(())
        })?;
        Ok(found)
    }

    /// The entry of a vulnerability in the catalogue of known exploited ones.
    pub fn kev(&self, name: &str) -> Result<Option<KnownExploited>, DatabaseError> {
        Ok(self
            .vulnerability(name)?
            .and_then(|vulnerability| vulnerability.known_exploited))
    }

    /// The feed of a release: whether its advisories are here, whether they are all, and how old they are.
    pub fn feed(&self, ecosystem: &Ecosystem) -> Option<&Feed> {
        self.feeds().find(|feed| feed.ecosystem == *ecosystem)
    }

    /// Whether all advisories of a release are here, if there are any: a source is complete for it, and it was not left out when the
    /// database was built. A release of which a complete source has nothing has no feed.
    pub fn covers(&self, ecosystem: &Ecosystem) -> bool {
        self.manifest.covers(ecosystem)
    }

    /// Until when an image's release gets fixes, if the database says so.
    pub fn life_span(&self, release: &Release) -> Option<&LifeSpan> {
        LifeSpan::of(&self.manifest.life_spans, release)
    }

    /// All feeds, sorted by their ecosystems.
    pub fn feeds(&self) -> impl Iterator<Item = &Feed> {
        self.manifest.feeds()
    }

    /// What the database is made of.
    pub fn status(&self) -> Status<'_> {
        Status {
            digest: self.digest,
            bytes: self.bytes,
            manifest: &self.manifest,
        }
    }

    fn find(&self, segment: &Segment, name: &str) -> Result<Option<Place>, DatabaseError> {
        Store::find(segment, name).map_err(|fault| self.error(fault))
    }

    fn rows(
        &self,
        segment: &Segment,
        place: Place,
        each: impl FnMut(&[u8]) -> Result<(), Malformed>,
    ) -> Result<(), DatabaseError> {
        self.store
            .rows_at(segment, place, each)
            .map_err(|fault| self.error(fault))
    }

    fn error(&self, fault: DatabaseFault) -> DatabaseError {
        DatabaseError {
            path: self.store.path().to_owned(),
            fault,
        }
    }
}

#[cfg(test)]
mod tests;
