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

/// An earlier database of the same maker and the same selection.
#[derive(Debug)]
pub(crate) struct Previous {
    store: Store,
    pub(crate) manifest: Manifest,
    pub(crate) digest: Sha256,
    segments: Vec<Segment>,
}

impl Previous {
    /// The database at a path, where there is one that segments can be taken from.
    pub(crate) fn open(path: &Path, build: &Build) -> Option<Self> {
        Self::load(path).ok().filter(|previous| {
            let manifest = &previous.manifest;
            *manifest.maker == *super::MAKER
                && manifest.texts == build.texts
                && manifest.releases == build.releases
        })
    }

    fn load(path: &Path) -> Result<Self, DatabaseFault> {
        let (store, contents) = Store::open(path, CACHE_BYTES)?;
        let segments = store.segments(&contents.manifest)?;
        Ok(Self {
            store,
            manifest: contents.manifest,
            digest: contents.digest,
            segments,
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
        self.kept()
            .filter_map(|kept| match &kept.note.holds {
                Holds::Feed(feed) => Some((feed.ecosystem.clone(), kept)),
                Holds::Vulnerabilities { .. } => None,
            })
            .filter(|(_, kept)| kept.is_whole())
            .collect()
    }

    /// The segment of vulnerabilities, if it is whole on disk.
    pub(crate) fn whole_vulnerabilities(&self) -> Option<Kept<'_>> {
        self.kept().find(|kept| {
            matches!(kept.note.holds, Holds::Vulnerabilities { .. }) && kept.is_whole()
        })
    }

    fn kept(&self) -> impl Iterator<Item = Kept<'_>> {
        self.manifest
            .segments
            .iter()
            .zip(&self.segments)
            .map(|(note, segment)| Kept {
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
    fn is_whole(&self) -> bool {
        let mut hashing = Hashing::new(io::sink());
        io::copy(&mut self.bytes(), &mut hashing).is_ok()
            && hashing.finish() == (self.note.digest, self.note.bytes)
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
}
