//! The records that could not be read: how many, and which.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A record that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rejection {
    /// Its name in its source.
    pub record: Box<str>,
    /// What is wrong with it.
    pub why: Box<str>,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.record, self.why)
    }
}

/// Records of a source that could not be read. All are counted; the first twenty by name are told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rejections {
    count: u64,
    named: BTreeSet<Rejection>,
}

impl Rejections {
    const NAMED: usize = 20;
    const WHY_CHARS: usize = 300;

    pub(crate) fn push(&mut self, record: &str, why: &str) {
        self.count += 1;
        self.name(Rejection {
            record: record.into(),
            why: why.chars().take(Self::WHY_CHARS).collect(),
        });
    }

    pub(crate) fn append(&mut self, others: Self) {
        self.count += others.count;
        for rejection in others.named {
            self.name(rejection);
        }
    }

    /// Keeps the first by name, so that what is told does not depend on the order in which records are read.
    fn name(&mut self, rejection: Rejection) {
        self.named.insert(rejection);
        if self.named.len() > Self::NAMED {
            self.named.pop_last();
        }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The first of them, sorted by name.
    pub fn named(&self) -> impl Iterator<Item = &Rejection> {
        self.named.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_counted_and_the_first_by_name_are_told_in_whatever_order_they_come() {
        let mut forwards = Rejections::default();
        let mut backwards = Rejections::default();
        let name = |number: u32| format!("{number:04}.json");
        (0..250).for_each(|number| forwards.push(&name(number), "no id"));
        (0..250)
            .rev()
            .for_each(|number| backwards.push(&name(number), "no id"));
        assert_eq!(forwards, backwards);
        assert_eq!(forwards.count(), 250);
        assert_eq!(forwards.named().count(), 20);
        assert_eq!(
            forwards.named().next().unwrap().to_string(),
            "0000.json: no id"
        );
    }

    #[test]
    fn a_reason_without_an_end_is_cut() {
        let mut rejections = Rejections::default();
        rejections.push("a.json", &"é".repeat(1000));
        assert_eq!(rejections.named().next().unwrap().why.chars().count(), 300);
    }
}
