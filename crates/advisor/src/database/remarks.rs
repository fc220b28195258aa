//! What somebody should know of the records of a source: of how many, and of which.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

/// What somebody should know of a record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remark {
    /// Its name in its source.
    pub record: Box<str>,
    /// What is wrong with it, or odd about it.
    pub why: Box<str>,
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.record, self.why)
    }
}

/// What somebody should know of records. All of it is counted; the first twenty by name are told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remarks {
    count: u64,
    named: BTreeSet<Remark>,
}

impl Remarks {
    const NAMED: usize = 20;
    const WHY_CHARS: usize = 300;

    pub(crate) fn push(&mut self, record: &str, why: &str) {
        self.count += 1;
        self.name(Remark {
            record: record.into(),
            why: why.chars().take(Self::WHY_CHARS).collect(),
        });
    }

    pub(crate) fn append(&mut self, others: Self) {
        self.count += others.count;
        for remark in others.named {
            self.name(remark);
        }
    }

    /// Keeps the first by name, so that what is told does not depend on the order in which records are read.
    fn name(&mut self, remark: Remark) {
        self.named.insert(remark);
        if self.named.len() > Self::NAMED {
            self.named.pop_last();
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The first of them, sorted by name.
    pub fn named(&self) -> impl Iterator<Item = &Remark> {
        self.named.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_counted_and_the_first_by_name_are_told_in_whatever_order_they_come() {
        let mut forwards = Remarks::default();
        let mut backwards = Remarks::default();
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
        let mut remarks = Remarks::default();
        remarks.push("a.json", &"é".repeat(1000));
        assert_eq!(remarks.named().next().unwrap().why.chars().count(), 300);
    }
}
