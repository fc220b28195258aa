//! Runs of digits and of other bytes, of which the versions of every manager are made.

use std::cmp::Ordering;

/// The longest beginning whose bytes all are `wanted`, and what follows it.
pub(super) fn split(text: &[u8], wanted: impl Fn(&u8) -> bool) -> (&[u8], &[u8]) {
    let end = text
        .iter()
        .position(|byte| !wanted(byte))
        .unwrap_or(text.len());
    text.split_at(end)
}

/// Compares two runs of digits as numbers of any length; an empty run is zero.
pub(super) fn compare_numbers(left: &[u8], right: &[u8]) -> Ordering {
    let (_, left) = split(left, |digit| *digit == b'0');
    let (_, right) = split(right, |digit| *digit == b'0');
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}
