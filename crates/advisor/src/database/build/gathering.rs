//! Gathers the rows of all sources, and what is to be noted of each.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::path::Path;

use super::error::BuildError;
use super::facts::Facts;
use super::harvest::{Harvest, Rules, Tally};
use super::plan::{Need, Plan};
use super::reading;
use super::records::Records;
use super::sorter::{Sorted, Sorter};
use super::source::{Kind, Source};
use super::{Build, Progress, Stage, life_spans, lists};
use crate::database::manifest::{Catalogue, SourceNote};
use crate::database::{LifeSpan, Remarks};
use crate::{Advisory, Ecosystem};

/// What of sources was gathered so far.
#[derive(Debug)]
pub(crate) struct Gathering<'a> {
    build: &'a Build,
    plan: Plan<'a>,
    rows: Sorter,
    notes: Vec<SourceNote>,
    lists: Lists,
}

/// The lists, and what is gathered for the join.
#[derive(Debug)]
struct Lists {
    facts: Facts,
    catalogue: Option<Catalogue>,
    life_spans: Vec<LifeSpan>,
}

/// All that a database is made of.
#[derive(Debug)]
pub(crate) struct Gathered<'a> {
    pub(crate) plan: Plan<'a>,
    pub(crate) rows: Sorted,
    pub(crate) facts: Facts,
    pub(crate) sources: Vec<SourceNote>,
    pub(crate) known_exploited: Option<Catalogue>,
    pub(crate) life_spans: Vec<LifeSpan>,
}

impl<'a> Gathering<'a> {
    /// Rows are sorted in a folder.
    pub(crate) fn new(build: &'a Build, folder: &Path, plan: Plan<'a>) -> Self {
        Self {
            build,
            plan,
            rows: Sorter::new(folder, build.sort_bytes),
            notes: Vec::new(),
            lists: Lists {
                facts: Facts::new(folder, build.sort_bytes / 3),
                catalogue: None,
                life_spans: Vec::new(),
            },
        }
    }

    /// Reads what has to be read: first the sources that are new, which tell what changed, then the others.
    pub(crate) fn sources<E: Display>(
        &mut self,
        sources: &[Source],
        parse: &(impl Fn(&[u8]) -> Result<Option<Advisory>, E> + Sync),
        progress: &mut Progress<'_>,
    ) -> Result<(), BuildError> {
        let (unseen, seen): (Vec<_>, Vec<_>) = sources
            .iter()
            .partition(|source| self.plan.need(source) == Need::Everything);
        for source in unseen.into_iter().chain(seen) {
            let note = match &source.kind {
                Kind::Archive(archive) => self.records(source, archive, parse, progress)?,
                Kind::Folder(folder) => self.records(source, folder, parse, progress)?,
                Kind::KnownExploited => self.known_exploited(source)?,
                Kind::Scores => self.scores(source)?,
                Kind::LifeSpans => self.life_spans(source)?,
            };
            self.notes.push(note);
            self.check_rejected()?;
        }
        Ok(())
    }

    fn records<R: Records, E: Display>(
        &mut self,
        source: &Source,
        records: &R,
        parse: &(impl Fn(&[u8]) -> Result<Option<Advisory>, E> + Sync),
        progress: &mut Progress<'_>,
    ) -> Result<SourceNote, BuildError> {
        match self.plan.need(source) {
            Need::Everything => {
                let tally = self.read(source, records, None, parse, progress)?;
                if tally.records == 0 {
                    let path = source.path.clone();
                    return Err(BuildError::NoRecords { path });
                }
                self.plan.changed(&tally.ecosystems);
                Ok(note(source, tally))
            }
            Need::Only(before, releases) => {
                if !releases.is_empty() {
                    self.read(source, records, Some(&releases), parse, progress)?;
                }
                Ok(renewed(source, *before))
            }
        }
    }

    fn read<R: Records, E: Display>(
        &mut self,
        source: &Source,
        records: &R,
        wanted: Option<&BTreeSet<Ecosystem>>,
        parse: &(impl Fn(&[u8]) -> Result<Option<Advisory>, E> + Sync),
        progress: &mut Progress<'_>,
    ) -> Result<Tally, BuildError> {
        let rules = Rules {
            texts: self.build.texts,
            releases: &self.build.releases,
            wanted,
            covers: &source.covers,
            now: self.build.now,
        };
        let of = records.bytes();
        let mut tally = Tally::default();
        reading::read(records, parse, &rules, |harvest: Harvest| {
            for (key, value) in harvest.rows.iter() {
                self.rows.push(key, value)?;
            }
            tally.append(harvest.tally);
            progress(Stage::Reading {
                source: &source.name,
                records: tally.records,
                done: tally.weight,
                of,
            });
            within(self.build, &[(&source.name, &tally.rejected)])
        })?;
        Ok(tally)
    }

    fn known_exploited(&mut self, source: &Source) -> Result<SourceNote, BuildError> {
        let facts = &mut self.lists.facts;
        let catalogue = lists::known_exploited(&source.path, |name, known| {
            facts.known_exploited(name, known)
        })?;
        let records = catalogue.vulnerabilities;
        let tally = Tally {
            records,
            newest: catalogue.released,
            ..Tally::default()
        };
        self.lists.catalogue = newer(self.lists.catalogue.take(), catalogue);
        Ok(note(source, tally))
    }

    fn scores(&mut self, source: &Source) -> Result<SourceNote, BuildError> {
        let facts = &mut self.lists.facts;
        let records = lists::scores(&source.path, |name, score| facts.exploitation(name, score))?;
        Ok(note(
            source,
            Tally {
                records,
                ..Tally::default()
            },
        ))
    }

    fn life_spans(&mut self, source: &Source) -> Result<SourceNote, BuildError> {
        let read = life_spans::read(&source.path)?;
        let tally = Tally {
            records: read.len() as u64,
            ..Tally::default()
        };
        self.lists.life_spans.extend(read);
        Ok(note(source, tally))
    }

    fn check_rejected(&self) -> Result<(), BuildError> {
        let rejected: Vec<_> = self
            .notes
            .iter()
            .map(|note| (&*note.name, &note.rejected))
            .collect();
        within(self.build, &rejected)
    }

    /// All rows in order.
    pub(crate) fn finish(mut self) -> Result<Gathered<'a>, BuildError> {
        self.notes
            .sort_by(|a, b| (&a.name, a.digest).cmp(&(&b.name, b.digest)));
        Ok(Gathered {
            plan: self.plan,
            rows: self.rows.finish()?,
            facts: self.lists.facts,
            sources: self.notes,
            known_exploited: self.lists.catalogue,
            life_spans: life_spans::merged(self.lists.life_spans),
        })
    }
}

/// Whether no more records were rejected, by source, than may be.
fn within(build: &Build, rejected: &[(&str, &Remarks)]) -> Result<(), BuildError> {
    let count = rejected.iter().map(|(_, of)| of.count()).sum();
    if count <= build.max_rejected {
        return Ok(());
    }
    let examples = rejected
        .iter()
        .flat_map(|(source, of)| of.named().map(move |one| format!("{source}: {one}")))
        .take(5)
        .collect::<Vec<_>>();
    Err(BuildError::TooManyRejected {
        count,
        most: build.max_rejected,
        examples: examples.join("; ").into(),
    })
}

fn newer(one: Option<Catalogue>, other: Catalogue) -> Option<Catalogue> {
    let key = |catalogue: &Catalogue| (catalogue.released, catalogue.version.clone());
    one.into_iter().chain([other]).max_by_key(key)
}

fn note(source: &Source, tally: Tally) -> SourceNote {
    let before = SourceNote {
        name: Box::default(),
        digest: source.digest,
        covers: BTreeSet::new(),
        as_of: None,
        newest: tally.newest,
        ecosystems: tally.ecosystems,
        records: tally.records,
        withdrawn: tally.withdrawn,
        rejected: tally.rejected,
        odd: tally.odd,
    };
    renewed(source, before)
}

/// The note of a source whose content is the same, with what is declared of it now.
fn renewed(source: &Source, before: SourceNote) -> SourceNote {
    SourceNote {
        name: source.name.clone(),
        covers: source.covers.clone(),
        as_of: source.as_of.or(before.newest),
        ..before
    }
}
