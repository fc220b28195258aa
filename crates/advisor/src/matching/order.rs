use std::cmp::Ordering;

use crate::osv::Family;
use crate::version::{Unorderable, apk, dpkg, rpm};
use crate::{Affected, Event, Manager};

/// A version, as ranges are evaluated with it.
pub(super) trait Order<'v>: Copy {
    /// The version of a bound; nothing for one that has no place in the order.
    fn bound(text: &'v str) -> Option<Self>;
    /// Compares two versions, an installed one and a bound, or two bounds.
    fn compare(&self, other: &Self) -> Ordering;
}

impl<'v> Order<'v> for dpkg::Version<'v> {
    fn bound(text: &'v str) -> Option<Self> {
        Self::parse(text).ok()
    }

    fn compare(&self, other: &Self) -> Ordering {
        self.cmp(other)
    }
}

impl<'v> Order<'v> for apk::Version<'v> {
    fn bound(text: &'v str) -> Option<Self> {
        Self::parse(text).ok()
    }

    fn compare(&self, other: &Self) -> Ordering {
        self.cmp(other)
    }
}

/// Several feeds leave epochs out of their bounds, so that a bound without one says nothing about it. Were it 0, every
/// installed version with an epoch would seem to be fixed.
impl<'v> Order<'v> for rpm::Version<'v> {
    fn bound(text: &'v str) -> Option<Self> {
        Self::parse(text).ok()
    }

    fn compare(&self, other: &Self) -> Ordering {
        self.compare_stated(other)
    }
}

/// The bounds that have no place in the order of their package manager, of the feeds that images are judged by.
pub fn unorderable_bounds(affected: &Affected) -> impl Iterator<Item = Unorderable> {
    let family = Family::of(&affected.ecosystem).into_iter();
    family.flat_map(|family| {
        let events = affected.ranges.iter().flat_map(|range| &range.events);
        events.filter_map(move |event| unorderable(family.manager(), event))
    })
}

/// What is wrong with the bound of an event, if it has no place in the order.
pub fn unorderable(manager: Manager, event: &Event) -> Option<Unorderable> {
    error(manager, version(event)?)
}

/// The version of an event, unless it is one of the two that are no version: `0`, before all, and `*`, after all.
pub(super) fn version(event: &Event) -> Option<&str> {
    let (Event::Introduced(version)
    | Event::Fixed(version)
    | Event::LastAffected(version)
    | Event::Limit(version)) = event;
    Some(&**version).filter(|version| !matches!(*version, "0" | "*"))
}

fn error(manager: Manager, version: &str) -> Option<Unorderable> {
    match manager {
        Manager::Dpkg => dpkg::Version::parse(version).err(),
        Manager::Apk => apk::Version::parse(version).err(),
        Manager::Rpm => rpm::Version::parse(version).err(),
    }
}
