//! What all feeds say of vulnerabilities, gathered while their segments are written, and joined by name.

use std::collections::HashSet;
use std::path::Path;

use super::error::BuildError;
use super::key::{self, Fact};
use super::sorter::{Sorted, Sorter};
use crate::database::row::{self, Outline};
use crate::database::vulnerability::{
    Exploitation, KnownExploited, Vulnerability, exploitation, known_exploited, put_exploitation,
    put_known_exploited,
};
use crate::database::wire::{Cursor, Malformed};

/// Facts in any order.
#[derive(Debug)]
pub(crate) struct Facts {
    sorter: Sorter,
    key: Vec<u8>,
    value: Vec<u8>,
}

impl Facts {
    pub(crate) fn new(folder: &Path, budget: usize) -> Self {
        Self {
            sorter: Sorter::new(folder, budget),
            key: Vec::new(),
            value: Vec::new(),
        }
    }

    /// Notes what a row says of the vulnerabilities that it names.
    pub(crate) fn row(&mut self, row: &[u8]) -> Result<(), BuildError> {
        let Outline {
            id,
            vulnerabilities,
            severity,
        } = row::outline(row)?;
        let severity = match &*vulnerabilities {
            [_] => severity.filter(|severity| severity.starts_with("CVSS:")),
            _ => None,
        };
        for name in &vulnerabilities {
            key::vulnerability(name, Fact::NamedBy(&id), &mut self.key);
            let value = severity.as_deref().unwrap_or_default();
            self.sorter.push(&self.key, value.as_bytes())?;
        }
        Ok(())
    }

    pub(crate) fn known_exploited(
        &mut self,
        name: &str,
        known: &KnownExploited,
    ) -> Result<(), BuildError> {
        key::vulnerability(name, Fact::KnownExploited, &mut self.key);
        self.value.clear();
        put_known_exploited(&mut self.value, known);
        self.sorter.push(&self.key, &self.value)
    }

    pub(crate) fn exploitation(
        &mut self,
        name: &str,
        score: Exploitation,
    ) -> Result<(), BuildError> {
        key::vulnerability(name, Fact::Exploitation, &mut self.key);
        self.value.clear();
        put_exploitation(&mut self.value, score);
        self.sorter.push(&self.key, &self.value)
    }

    /// All vulnerabilities by their names.
    pub(crate) fn join(self) -> Result<Joined, BuildError> {
        Ok(Joined {
            sorted: self.sorter.finish()?,
            key: Vec::new(),
            value: Vec::new(),
            next: None,
        })
    }
}

/// Tells the first row of each advisory of a feed from the others.
#[derive(Debug, Default)]
pub(crate) struct Seen(HashSet<u64>);

impl Seen {
    /// Whether this hash of an id comes for the first time.
    pub(crate) fn first(&mut self, id: u64) -> bool {
        self.0.insert(id)
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.len() as u64
    }
}

/// Vulnerabilities in the order of their names.
#[derive(Debug)]
pub(crate) struct Joined {
    sorted: Sorted,
    key: Vec<u8>,
    value: Vec<u8>,
    /// A vulnerability of which the first fact is known.
    next: Option<(Box<str>, Vulnerability)>,
}

impl Joined {
    /// The next vulnerability of which there is something to tell.
    pub(crate) fn next(&mut self) -> Result<Option<(Box<str>, Vulnerability)>, BuildError> {
        while let Some((name, vulnerability)) = self.any()? {
            if is_telling(&name, &vulnerability) {
                return Ok(Some((name, vulnerability)));
            }
        }
        Ok(None)
    }

    fn any(&mut self) -> Result<Option<(Box<str>, Vulnerability)>, BuildError> {
        while self.sorted.next(&mut self.key, &mut self.value)? {
            let (name, fact) = key::parse_vulnerability(&self.key).ok_or(NO_KEY)?;
            match &mut self.next {
                Some((open, vulnerability)) if **open == *name => {
                    add(vulnerability, fact, &self.value)?;
                }
                _ => {
                    let mut vulnerability = Vulnerability::default();
                    add(&mut vulnerability, fact, &self.value)?;
                    let whole = self.next.replace((name.into(), vulnerability));
                    if whole.is_some() {
                        return Ok(whole);
                    }
                }
            }
        }
        Ok(self.next.take())
    }
}

pub(crate) const NO_KEY: Malformed = Malformed("a key was not written by this build");

/// Whether there is more to tell than that an advisory of this name names itself, or that a vulnerability without advisories
/// has a score.
fn is_telling(name: &str, vulnerability: &Vulnerability) -> bool {
    vulnerability.known_exploited.is_some()
        || match &*vulnerability.advisories {
            [] => false,
            [only] => **only != *name || vulnerability.exploitation.is_some(),
            _ => true,
        }
}

fn add(vulnerability: &mut Vulnerability, fact: Fact<'_>, value: &[u8]) -> Result<(), Malformed> {
    match fact {
        Fact::NamedBy(id) => {
            if vulnerability
                .advisories
                .last()
                .is_none_or(|last| **last != *id)
            {
                vulnerability.advisories.push(id.into());
            }
            if vulnerability.severity.is_none() && !value.is_empty() {
                let severity = str::from_utf8(value).map_err(|_| NO_KEY)?;
                vulnerability.severity = Some(severity.into());
            }
        }
        Fact::KnownExploited => {
            vulnerability.known_exploited = Some(known_exploited(&mut Cursor::new(value))?);
        }
        Fact::Exploitation => {
            vulnerability.exploitation = Some(exploitation(&mut Cursor::new(value))?);
        }
    }
    Ok(())
}
