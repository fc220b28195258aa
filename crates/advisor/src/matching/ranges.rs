//! Ranges, evaluated as OSV's schema says, without sorting them: what counts is the last event that a version has reached.

use std::cmp::Ordering;

use super::Judgement;
use super::order::{Order, version};
use crate::{Event, Range};

/// Affected if any range has the version. The fix is the one that ends them all: the last of each range's next fix. Where there
/// is none that can be read, a bound that cannot be ordered leaves it open.
pub(super) fn judge<'a: 'v, 'v, V: Order<'v>>(installed: V, ranges: &'a [Range]) -> Judgement<'a> {
    match by_what_is_ordered(installed, ranges) {
        judgement @ Judgement::Affected { fix: Some(_) } => judgement,
        judgement => {
            let mut open = ranges.iter().filter_map(|range| open(range, &installed));
            open.next()
                .map_or(judgement, |bound| Judgement::Undecided { bound })
        }
    }
}

/// The bound that leaves open whether `installed` is affected by a range with a fix above it: a fix that cannot be ordered, where the
/// range has the version; else an introduction that cannot be ordered, beside another one.
fn open<'a: 'v, 'v, V: Order<'v>>(range: &'a Range, installed: &V) -> Option<&'a Event> {
    let has_it = has(range, installed);
    let introductions = range.events.iter().filter(|event| is_introduction(event));
    if !has_it && introductions.take(2).count() < 2 {
        return None;
    }
    range.events.iter().find(|event| {
        let decides = match event {
            Event::Fixed(_) => has_it,
            Event::Introduced(_) => !has_it,
            Event::LastAffected(_) | Event::Limit(_) => false,
        };
        decides && version(event).is_some_and(|text| V::bound(text).is_none())
    })
}

fn is_introduction(event: &Event) -> bool {
    matches!(event, Event::Introduced(_))
}

fn by_what_is_ordered<'a: 'v, 'v, V: Order<'v>>(
    installed: V,
    ranges: &'a [Range],
) -> Judgement<'a> {
    let mut judgement = Judgement::Unaffected;
    let mut last: Option<V> = None;
    for range in ranges.iter().filter(|range| has(range, &installed)) {
        let next = next_fix(range, &installed);
        match (next, &judgement) {
            (None, Judgement::Affected { .. }) => {}
            (None, _) => judgement = Judgement::Affected { fix: None },
            (Some((version, _)), _) if last.is_some_and(|last| version.compare(&last).is_lt()) => {}
            (Some((version, text)), _) => {
                last = Some(version);
                judgement = Judgement::Affected { fix: Some(text) };
            }
        }
    }
    judgement
}

/// The place of an event in the order of versions.
#[derive(Clone, Copy)]
enum Place<V> {
    /// Before every version: `0`, and where a bound that cannot be ordered begins a range.
    Start,
    /// At a version, so that the version itself has reached it.
    At(V),
    /// Right after a version.
    After(V),
}

impl<'v, V: Order<'v>> Place<V> {
    /// The place of an event that changes whether versions are affected. Nothing for a limit, which changes nothing, and for
    /// the end of a range that cannot be ordered, which is never reached.
    fn of(event: &'v Event) -> Option<Self> {
        match event {
            Event::Introduced(version) => Some(Self::at(version).unwrap_or(Self::Start)),
            Event::Fixed(version) => Self::at(version),
            Event::LastAffected(version) => V::bound(version).map(Self::After),
            Event::Limit(_) => None,
        }
    }

    fn at(version: &'v str) -> Option<Self> {
        match version {
            "0" => Some(Self::Start),
            _ => V::bound(version).map(Self::At),
        }
    }

    fn is_reached_by(&self, installed: &V) -> bool {
        match self {
            Self::Start => true,
            Self::At(version) => installed.compare(version).is_ge(),
            Self::After(version) => installed.compare(version).is_gt(),
        }
    }

    fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Start, Self::Start) => Ordering::Equal,
            (Self::Start, _) => Ordering::Less,
            (_, Self::Start) => Ordering::Greater,
            (Self::At(left), Self::At(right)) | (Self::After(left), Self::After(right)) => {
                left.compare(right)
            }
            (Self::At(left), Self::After(right)) => left.compare(right).then(Ordering::Less),
            (Self::After(left), Self::At(right)) => left.compare(right).then(Ordering::Greater),
        }
    }
}

/// Whether the last event that `installed` has reached is an introduction; of several at one place, the last that is listed.
fn has<'v, V: Order<'v>>(range: &'v Range, installed: &V) -> bool {
    let mut last: Option<(Place<V>, bool)> = None;
    for event in &range.events {
        let Some(place) = Place::of(event).filter(|place| place.is_reached_by(installed)) else {
            continue;
        };
        if last.is_none_or(|(last, _)| place.compare(&last).is_ge()) {
            last = Some((place, is_introduction(event)));
        }
    }
    last.is_some_and(|(_, is_introduced)| is_introduced) && is_in_sight(range, installed)
}

/// Whether no limit is set, or `installed` is below one of them. One that cannot be ordered limits nothing.
fn is_in_sight<'v, V: Order<'v>>(range: &'v Range, installed: &V) -> bool {
    let mut limits = range.events.iter().filter_map(|event| match event {
        Event::Limit(version) => Some(V::bound(version)),
        _ => None,
    });
    let is_below = |limit: Option<V>| limit.is_none_or(|limit| installed.compare(&limit).is_lt());
    limits
        .next()
        .is_none_or(|first| is_below(first) || limits.any(is_below))
}

/// The smallest fix above `installed`.
fn next_fix<'a: 'v, 'v, V: Order<'v>>(range: &'a Range, installed: &V) -> Option<(V, &'a str)> {
    let mut next: Option<(V, &str)> = None;
    for event in &range.events {
        let Event::Fixed(text) = event else {
            continue;
        };
        let above = V::bound(text).filter(|version| version.compare(installed).is_gt());
        let nearer =
            above.filter(|version| next.is_none_or(|(next, _)| version.compare(&next).is_lt()));
        if let Some(version) = nearer {
            next = Some((version, text));
        }
    }
    next
}
