//! Advisories that were decoded, kept for the next image that has their package.
//!
//! To decode the rows of a package costs some times what it costs to judge by them, and images have their packages in common.

use std::mem::size_of;
use std::sync::Arc;

use moka::sync::Cache;

use super::index::Place;
use super::store::Segment;
use crate::{Advisory, Affected, Event};

/// The decoded rows of packages, as far as they have room.
#[derive(Debug)]
pub(crate) struct Decoded(Cache<(u64, Place), Arc<[Advisory]>>);

impl Decoded {
    pub(crate) fn new(bytes: u64) -> Self {
        let weigher = |_: &(u64, Place), advisories: &Arc<[Advisory]>| {
            let bytes: usize = advisories.iter().map(weight).sum();
            u32::try_from(bytes).unwrap_or(u32::MAX)
        };
        Self(
            Cache::builder()
                .max_capacity(bytes)
                .weigher(weigher)
                .build(),
        )
    }

    /// The advisories at a place in a segment. What cannot be decoded is not kept.
    pub(crate) fn get<E>(
        &self,
        segment: &Segment,
        place: Place,
        decode: impl FnOnce() -> Result<Arc<[Advisory]>, E>,
    ) -> Result<Arc<[Advisory]>, E> {
        let key = (segment.start(), place);
        if let Some(kept) = self.0.get(&key) {
            return Ok(kept);
        }
        let advisories = decode()?;
        self.0.insert(key, Arc::clone(&advisories));
        Ok(advisories)
    }
}

/// How many bytes an advisory takes, what the allocator adds to each text included.
fn weight(advisory: &Advisory) -> usize {
    let affected: usize = advisory.affected.iter().map(weight_of_affected).sum();
    size_of::<Advisory>()
        + text(&advisory.id)
        + text(&advisory.summary)
        + texts(&advisory.vulnerabilities)
        + affected
}

fn weight_of_affected(affected: &Affected) -> usize {
    let event = |event: &Event| {
        let (Event::Introduced(version)
        | Event::Fixed(version)
        | Event::LastAffected(version)
        | Event::Limit(version)) = event;
        size_of::<Event>() + text(version)
    };
    let events = affected.ranges.iter().flat_map(|range| &range.events);
    size_of::<Affected>()
        + text(&affected.package)
        + texts(&affected.versions)
        + texts(&affected.binaries)
        + events.map(event).sum::<usize>()
}

fn texts(texts: &[Box<str>]) -> usize {
    texts
        .iter()
        .map(|one| size_of::<Box<str>>() + text(one))
        .sum()
}

fn text(text: &str) -> usize {
    text.len() + 16
}
