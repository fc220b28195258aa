//! From records to rows: parsed, selected, and written as they are sorted.

use std::collections::BTreeSet;
use std::fmt::Display;

use jiff::Timestamp;

use super::key::{self, Authority};
use crate::database::Remarks;
use crate::database::block::MAX_ROW_BYTES;
use crate::database::feeds;
use crate::database::manifest::{Releases, Texts, names_it};
use crate::database::row;
use crate::matching::unorderable_bounds;
use crate::{Advisory, Affected, Ecosystem};

/// The most bytes that a name of a package, an ecosystem or an advisory may have.
const MAX_NAME_BYTES: usize = 1024;

/// What is kept of records.
#[derive(Debug)]
pub(crate) struct Rules<'a> {
    pub(crate) texts: Texts,
    pub(crate) releases: &'a Releases,
    /// Of the releases that are kept, those that are not taken over from an earlier build. All if nothing is.
    pub(crate) wanted: Option<&'a BTreeSet<Ecosystem>>,
    /// The releases and families that the source is complete for.
    pub(crate) covers: &'a BTreeSet<Box<str>>,
    /// Times of change after this are impossible.
    pub(crate) now: Timestamp,
}

impl Rules<'_> {
    fn keep(&self, ecosystem: &Ecosystem) -> bool {
        self.releases.keep(ecosystem) && self.wanted.is_none_or(|wanted| wanted.contains(ecosystem))
    }

    fn authority(&self, ecosystem: &Ecosystem) -> Authority {
        if names_it(self.covers, ecosystem) {
            Authority::Covers
        } else {
            Authority::Adds
        }
    }
}

/// What some records gave.
#[derive(Debug, Default)]
pub(crate) struct Harvest {
    pub(crate) rows: Rows,
    pub(crate) tally: Tally,
}

/// What was seen in some records.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) records: u64,
    /// How much of the source they take.
    pub(crate) weight: u64,
    pub(crate) withdrawn: u64,
    pub(crate) newest: Option<Timestamp>,
    pub(crate) ecosystems: BTreeSet<Ecosystem>,
    pub(crate) rejected: Remarks,
    /// What is not as it should be in records that are kept.
    pub(crate) odd: Remarks,
}

impl Tally {
    pub(crate) fn append(&mut self, other: Self) {
        self.records += other.records;
        self.weight += other.weight;
        self.withdrawn += other.withdrawn;
        self.newest = self.newest.max(other.newest);
        self.ecosystems.extend(other.ecosystems);
        self.rejected.append(other.rejected);
        self.odd.append(other.odd);
    }
}

/// Rows one after the other, as keys and values.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    bytes: Vec<u8>,
    lengths: Vec<(usize, usize)>,
}

impl Rows {
    fn push(&mut self, key: &[u8], value: &[u8]) {
        self.bytes.extend_from_slice(key);
        self.bytes.extend_from_slice(value);
        self.lengths.push((key.len(), value.len()));
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut rest = &*self.bytes;
        self.lengths.iter().filter_map(move |(key, value)| {
            let (row_key, after) = rest.split_at_checked(*key)?;
            let (row_value, after) = after.split_at_checked(*value)?;
            rest = after;
            Some((row_key, row_value))
        })
    }
}

impl Harvest {
    /// Takes the answer of the parser for one record. `Ok(None)` is a record that was withdrawn.
    pub(crate) fn take<E: Display>(
        &mut self,
        record: &str,
        parsed: Result<Option<Advisory>, E>,
        rules: &Rules<'_>,
    ) {
        match parsed {
            Ok(None) => self.tally.withdrawn += 1,
            Ok(Some(advisory)) => {
                if let Err(why) = self.add(record, advisory, rules) {
                    self.reject(record, why);
                }
            }
            Err(error) => self.reject(record, &error.to_string()),
        }
    }

    /// Notes that a record could not be read.
    pub(crate) fn reject(&mut self, record: &str, why: &str) {
        self.tally.rejected.push(record, why);
    }

    fn add(
        &mut self,
        record: &str,
        mut advisory: Advisory,
        rules: &Rules<'_>,
    ) -> Result<(), &'static str> {
        check_names(&advisory)?;
        if rules.texts == Texts::LeftOut {
            advisory.summary = Box::default();
        }
        let changed = advisory
            .modified
            .and_then(|time| feeds::sane(time, rules.now));
        let (mut sort_key, mut value) = (Vec::new(), Vec::new());
        let before = self.rows.lengths.len();
        for group in by_package(&advisory).chunk_by(|a, b| subject(a) == subject(b)) {
            let Some(first) = group.first().filter(|one| rules.keep(&one.ecosystem)) else {
                continue;
            };
            key::advisory(
                (first.ecosystem.as_str(), &first.package),
                &advisory.id,
                rules.authority(&first.ecosystem),
                changed,
                &mut sort_key,
            );
            value.clear();
            row::encode(&advisory, group, &mut value);
            if value.len() > MAX_ROW_BYTES {
                self.rows.truncate(before);
                return Err("what it says of one package has more than 16 MiB");
            }
            self.rows.push(&sort_key, &value);
            self.tally.ecosystems.insert(first.ecosystem.clone());
        }
        self.tally.newest = self.tally.newest.max(changed);
        if advisory.affected.is_empty() {
            let why = "it says of no package that it is affected: expected `affected`, with `package` in it";
            self.tally.odd.push(record, why);
        }
        let kept = advisory.affected.iter();
        kept.filter(|affected| rules.keep(&affected.ecosystem))
            .for_each(|affected| self.note_bounds(record, affected));
        Ok(())
    }

    /// Notes the bounds that have no place in the order of versions: whether they are reached cannot be said.
    fn note_bounds(&mut self, record: &str, affected: &Affected) {
        for bound in unorderable_bounds(affected) {
            let why = format!("{} of {}: {bound}", affected.package, affected.ecosystem);
            self.tally.odd.push(record, &why);
        }
    }
}

impl Rows {
    fn truncate(&mut self, rows: usize) {
        self.lengths.truncate(rows);
        let bytes = self.lengths.iter().map(|(key, value)| key + value).sum();
        self.bytes.truncate(bytes);
    }
}

fn subject(affected: &Affected) -> (&Ecosystem, &str) {
    (&affected.ecosystem, &affected.package)
}

fn by_package(advisory: &Advisory) -> Vec<&Affected> {
    let mut affected: Vec<_> = advisory.affected.iter().collect();
    affected.sort_by_key(|one| subject(one));
    affected
}

fn check_names(advisory: &Advisory) -> Result<(), &'static str> {
    let affected = advisory
        .affected
        .iter()
        .flat_map(|affected| [affected.ecosystem.as_str(), &affected.package]);
    let vulnerabilities = advisory.vulnerabilities.iter().map(|name| &**name);
    for name in affected.chain(vulnerabilities).chain([&*advisory.id]) {
        if name.is_empty() {
            return Err("a name in it is empty");
        }
        if name.len() > MAX_NAME_BYTES {
            return Err("a name in it has more than 1024 bytes");
        }
        if name.contains('\0') {
            return Err("a name in it has a NUL");
        }
    }
    Ok(())
}
