//! The database that an earlier build left: what did not change is taken over from it.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::Path;

use super::Build;
use crate::Ecosystem;
use crate::database::error::DatabaseFault;
use crate::database::feeds::Feed;
use crate::database::hash::{Hashing, Sha256};
use crate::database::manifest::{Holds, Manifest, SegmentNote, SourceNote};
use crate::database::store::{Segment, Store};
use crate::database::wire::Malformed;

/// While segments are walked in order, no block is asked for twice.
const CACHE_BYTES: u64 = 1024 * 1024;

/// An earlier database.
#[derive(Debug)]
pub(crate) struct Previous {
    store: Store,
    pub(crate) manifest: Manifest,
    pub(crate) digest: Sha256,
    segments: Vec<(Segment, Condition)>,
}

/// How a segment is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    Whole,
    Damaged,
}

impl Previous {
    /// The database at a path, where there is one that can be opened.
    pub(crate) fn open(path: &Path) -> Option<Self> {
        Self::load(path).ok()
    }

    /// Is it of the same maker and the same selection, so that segments can be taken from it as they are?
    pub(crate) fn is_alike(&self, build: &Build) -> bool {
        let manifest = &self.manifest;
        *manifest.maker == *super::MAKER
            && manifest.texts == build.texts
            && manifest.releases == build.releases
    }

    fn load(path: &Path) -> Result<Self, DatabaseFault> {
        let (store, contents) = Store::open(path, CACHE_BYTES)?;
        let segments = store.segments(&contents.manifest)?;
        let notes = &contents.manifest.segments;
        let segments = notes.iter().zip(segments).map(|(note, segment)| {
            let condition = Kept {
                store: &store,
                note,
                segment: &segment,
            }
            .condition();
            (segment, condition)
        });
        Ok(Self {
            segments: segments.collect(),
            store,
            manifest: contents.manifest,
            digest: contents.digest,
        })
    }

    /// What was noted of a source with this content.
    pub(crate) fn source(&self, digest: Sha256) -> Option<&SourceNote> {
        self.manifest
            .sources
            .iter()
            .find(|source| source.digest == digest)
    }

    /// The feeds that it has.
    pub(crate) fn feeds(&self) -> impl Iterator<Item = &Feed> {
        self.manifest.feeds()
    }

    /// The segments of feeds that are whole on disk, by what they hold.
    pub(crate) fn whole_feeds(&self) -> BTreeMap<Ecosystem, Kept<'_>> {
        let whole = self.whole().filter_map(|kept| match &kept.note.holds {
            Holds::Feed(feed) => Some((feed.ecosystem.clone(), kept)),
            Holds::FixDates { .. } | Holds::Vulnerabilities { .. } => None,
        });
        whole.collect()
    }

    /// The segment of vulnerabilities, if it is whole on disk.
    pub(crate) fn whole_vulnerabilities(&self) -> Option<Kept<'_>> {
        self.whole()
            .find(|kept| matches!(kept.note.holds, Holds::Vulnerabilities { .. }))
    }

    /// The segments of dates that are whole on disk, by their feeds.
    pub(crate) fn whole_fix_dates(&self) -> BTreeMap<Ecosystem, Kept<'_>> {
        let whole = self.whole().filter_map(|kept| match &kept.note.holds {
            Holds::FixDates { ecosystem, .. } => Some((ecosystem.clone(), kept)),
            Holds::Feed(_) | Holds::Vulnerabilities { .. } => None,
        });
        whole.collect()
    }

    fn whole(&self) -> impl Iterator<Item = Kept<'_>> {
        let segments = self.manifest.segments.iter().zip(&self.segments);
        segments
            .filter(|(_, (_, condition))| *condition == Condition::Whole)
            .map(|(note, (segment, _))| Kept {
                store: &self.store,
                note,
                segment,
            })
    }
}

/// A segment that can be taken over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept<'a> {
    store: &'a Store,
    pub(crate) note: &'a SegmentNote,
    segment: &'a Segment,
}

impl Kept<'_> {
    fn condition(&self) -> Condition {
        let mut hashing = Hashing::new(io::sink());
        let read = io::copy(&mut self.bytes(), &mut hashing);
        if read.is_ok() && hashing.finish() == (self.note.digest, self.note.bytes) {
            Condition::Whole
        } else {
            Condition::Damaged
        }
    }

    fn bytes(&self) -> impl Read {
        self.store.read_through(self.segment, self.note.bytes)
    }

    /// Copies the segment as it is.
    pub(crate) fn copy(&self, out: &mut impl Write) -> io::Result<u64> {
        io::copy(&mut self.bytes(), out)
    }

    /// Calls `each` with all its rows in order.
    pub(crate) fn rows(
        &self,
        each: impl FnMut(&[u8]) -> Result<(), Malformed>,
    ) -> Result<(), DatabaseFault> {
        self.store.all_rows(self.segment, each)
    }
    /// Calls `each` with the rows of a name, if it has any.
    pub(crate) fn rows_of(
        &self,
        name: &str,
        each: impl FnMut(&[u8]) -> Result<(), Malformed>,
    ) -> Result<(), DatabaseFault> {
        match Store::find(self.segment, name)? {
            Some(place) => self.store.rows_at(self.segment, place, each),
            None => Ok(()),
        }
    }
}
