//! The order of apk's versions, as apk-tools 3 has it (apk-package(5)).

mod token;

use std::cmp::Ordering;

use super::{Fault, MAX_BYTES, Unorderable};
use crate::Manager;
use token::Tokens;

/// `number{.number}{letter}{_suffix{number}}{~hash}{-rNumber}`.
#[derive(Clone, Copy, Debug)]
pub struct Version<'a> {
    /// Of the shape that is promised; its tokens are read again at each comparison, which is cheaper than keeping them.
    text: &'a [u8],
}

impl<'a> Version<'a> {
    /// Parses a version; refuses what apk-tools 3 does.
    pub fn parse(text: &'a str) -> Result<Self, Unorderable> {
        Self::parse_parts(text).map_err(|fault| Unorderable::new(Manager::Apk, text, fault))
    }

    fn parse_parts(text: &'a str) -> Result<Self, Fault> {
        if text.len() > MAX_BYTES {
            return Err(Fault::TooLong);
        }
        if text.is_empty() {
            return Err(Fault::Empty);
        }
        let text = text.as_bytes();
        let mut tokens = Tokens::of(text);
        while tokens.next().is_some() {}
        if tokens.is_at_end() {
            Ok(Self { text })
        } else {
            Err(Fault::Shape)
        }
    }
}

impl Ord for Version<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let (mut left, mut right) = (Tokens::of(self.text), Tokens::of(other.text));
        loop {
            let (left, right) = (left.next(), right.next());
            let order = token::compare(left, right);
            if order.is_ne() || left.is_none() {
                return order;
            }
        }
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

#[cfg(test)]
mod tests;
