//! The order of rpm's versions, rpm-version(7).

use std::cmp::Ordering;

use super::run::{compare_numbers, split};
use super::{Fault, MAX_BYTES, Unorderable, epoch};
use crate::Manager;

/// `[epoch:]version[-release]`.
///
/// Version and release may have any printable ASCII characters but `:` and `-`; those that are neither letters nor digits nor
/// `~` nor `^` separate.
#[derive(Clone, Copy, Debug)]
pub struct Version<'a> {
    /// Absent where none is stated, which equals 0.
    epoch: Option<u32>,
    upstream: &'a [u8],
    release: Option<&'a [u8]>,
}

impl<'a> Version<'a> {
    /// Parses a version.
    pub fn parse(text: &'a str) -> Result<Self, Unorderable> {
        Self::parse_parts(text).map_err(|fault| Unorderable::new(Manager::Rpm, text, fault))
    }

    fn parse_parts(text: &'a str) -> Result<Self, Fault> {
        if text.len() > MAX_BYTES {
            return Err(Fault::TooLong);
        }
        let (epoch, rest) = match text.split_once(':') {
            Some((epoch, rest)) => (Some(epoch::parse(epoch)?), rest),
            None => (None, text),
        };
        let (version, release) = match rest.rsplit_once('-') {
            Some((_, "")) => return Err(Fault::EmptyRevision),
            Some((version, release)) => (version, Some(release)),
            None => (rest, None),
        };
        if version.is_empty() {
            return Err(Fault::Empty);
        }
        if !is_part(version) || !release.is_none_or(is_part) {
            return Err(Fault::Character);
        }
        Ok(Self {
            epoch,
            upstream: version.as_bytes(),
            release: release.map(str::as_bytes),
        })
    }

    /// The version with an epoch that is stated: 0 where none was.
    #[must_use]
    pub fn stating_epoch(self) -> Self {
        Self {
            epoch: Some(self.epoch.unwrap_or_default()),
            ..self
        }
    }

    /// Compares what both state: epochs and releases count only where both have one.
    pub fn compare_stated(&self, other: &Self) -> Ordering {
        if self.epoch.is_some() && other.epoch.is_some() {
            return self.satisfies(other);
        }
        let [left, right] = [self, other].map(|version| Self {
            epoch: None,
            ..*version
        });
        left.satisfies(&right)
    }

    /// Compares as rpm's dependencies do: where one of the two has no release, releases do not count.
    pub fn satisfies(&self, bound: &Self) -> Ordering {
        self.compare_without_release(bound)
            .then_with(|| match (self.release, bound.release) {
                (Some(left), Some(right)) => compare_part(left, right),
                (None, _) | (_, None) => Ordering::Equal,
            })
    }

    fn compare_without_release(&self, other: &Self) -> Ordering {
        let epochs = self
            .epoch
            .unwrap_or_default()
            .cmp(&other.epoch.unwrap_or_default());
        epochs.then_with(|| compare_part(self.upstream, other.upstream))
    }
}

fn is_part(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b':' | b'-'))
}

/// The total order, in which a version without a release is before the same one with any.
impl Ord for Version<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.compare_without_release(other)
            .then_with(|| match (self.release, other.release) {
                (Some(left), Some(right)) => compare_part(left, right),
                (left, right) => left.is_some().cmp(&right.is_some()),
            })
    }
}

impl PartialOrd for Version<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version<'_> {}

/// One step along a version or a release, in the order of what may stand at the same place.
///
/// Separators only separate: `1.0` equals `1_0` and `1.0.`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Segment<'a> {
    /// `~`, which is before the end.
    Tilde,
    End,
    /// `^`, which is after the end and before everything else.
    Caret,
    Letters(&'a [u8]),
    Number(&'a [u8]),
}

impl<'a> Segment<'a> {
    /// The first segment of `text`, and what follows it.
    fn first(text: &'a [u8]) -> (Self, &'a [u8]) {
        let (_, text) = split(text, |byte| {
            !byte.is_ascii_alphanumeric() && !matches!(byte, b'~' | b'^')
        });
        match text {
            [] => (Self::End, text),
            [b'~', rest @ ..] => (Self::Tilde, rest),
            [b'^', rest @ ..] => (Self::Caret, rest),
            [digit, ..] if digit.is_ascii_digit() => {
                let (number, rest) = split(text, u8::is_ascii_digit);
                (Self::Number(number), rest)
            }
            _ => {
                let (letters, rest) = split(text, u8::is_ascii_alphabetic);
                (Self::Letters(letters), rest)
            }
        }
    }

    fn rank(self) -> u8 {
        match self {
            Self::Tilde => 0,
            Self::End => 1,
            Self::Caret => 2,
            Self::Letters(_) => 3,
            Self::Number(_) => 4,
        }
    }

    fn compare(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Letters(left), Self::Letters(right)) => left.cmp(right),
            (Self::Number(left), Self::Number(right)) => compare_numbers(left, right),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

/// Compares two versions or two releases; the rule is known as rpmvercmp.
fn compare_part(mut left: &[u8], mut right: &[u8]) -> Ordering {
    loop {
        let (left_segment, left_rest) = Segment::first(left);
        let (right_segment, right_rest) = Segment::first(right);
        let order = left_segment.compare(right_segment);
        if order.is_ne() || left_segment == Segment::End {
            return order;
        }
        (left, right) = (left_rest, right_rest);
    }
}

#[cfg(test)]
mod tests;
