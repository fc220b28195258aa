//! The order of Debian's versions, deb-version(7).

use std::cmp::Ordering;

use super::run::{compare_numbers, split};
use super::{Fault, MAX_BYTES, Unorderable, epoch};
use crate::Manager;

/// `[epoch:]upstream-version[-debian-revision]`.
///
/// An upstream version that does not start with a digit is accepted, as dpkg does: the manual only advises against it.
#[derive(Clone, Copy, Debug)]
pub struct Version<'a> {
    epoch: u32,
    upstream: &'a [u8],
    /// Empty where there is none, which equals `0`.
    revision: &'a [u8],
}

impl<'a> Version<'a> {
    /// Parses a version; refuses what deb-version(7) does not allow.
    pub fn parse(text: &'a str) -> Result<Self, Unorderable> {
        Self::parse_parts(text).map_err(|fault| Unorderable::new(Manager::Dpkg, text, fault))
    }

    fn parse_parts(text: &'a str) -> Result<Self, Fault> {
        if text.len() > MAX_BYTES {
            return Err(Fault::TooLong);
        }
        let (epoch, version) = match text.split_once(':') {
            Some((epoch, version)) => (parse_epoch(epoch)?, version),
            None => (0, text),
        };
        let (upstream, revision) = match version.rsplit_once('-') {
            Some((_, "")) => return Err(Fault::EmptyRevision),
            Some(parts) => parts,
            None => (version, ""),
        };
        if upstream.is_empty() {
            return Err(Fault::Empty);
        }
        // Colons are allowed where there is an epoch, and without one there is no colon left to find.
        if !consists_of(upstream, b".+-:~") || !consists_of(revision, b".+~") {
            return Err(Fault::Character);
        }
        Ok(Self {
            epoch,
            upstream: upstream.as_bytes(),
            revision: revision.as_bytes(),
        })
    }
}

fn parse_epoch(text: &str) -> Result<u32, Fault> {
    let epoch = epoch::parse(text)?;
    // Dpkg holds it in a signed integer.
    if i32::try_from(epoch).is_ok() {
        Ok(epoch)
    } else {
        Err(Fault::Epoch)
    }
}

fn consists_of(text: &str, punctuation: &[u8]) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || punctuation.contains(&byte))
}

impl Ord for Version<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.epoch
            .cmp(&other.epoch)
            .then_with(|| compare_part(self.upstream, other.upstream))
            .then_with(|| compare_part(self.revision, other.revision))
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

/// Compares two upstream versions or two revisions: runs of other characters by their weights, runs of digits as numbers, in
/// turn.
fn compare_part(mut left: &[u8], mut right: &[u8]) -> Ordering {
    while !(left.is_empty() && right.is_empty()) {
        let (left_text, left_rest) = split(left, |byte| !byte.is_ascii_digit());
        let (right_text, right_rest) = split(right, |byte| !byte.is_ascii_digit());
        let (left_number, left_rest) = split(left_rest, u8::is_ascii_digit);
        let (right_number, right_rest) = split(right_rest, u8::is_ascii_digit);
        let order = compare_text(left_text, right_text)
            .then_with(|| compare_numbers(left_number, right_number));
        if order.is_ne() {
            return order;
        }
        (left, right) = (left_rest, right_rest);
    }
    Ordering::Equal
}

fn compare_text(left: &[u8], right: &[u8]) -> Ordering {
    let longest = left.len().max(right.len());
    (0..longest)
        .map(|position| weight(left.get(position)).cmp(&weight(right.get(position))))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// `~`, then the end of the run, then letters, then all others.
fn weight(byte: Option<&u8>) -> (u8, u8) {
    match byte {
        Some(b'~') => (0, 0),
        None => (1, 0),
        Some(letter) if letter.is_ascii_alphabetic() => (2, *letter),
        Some(other) => (3, *other),
    }
}

#[cfg(test)]
mod tests;
