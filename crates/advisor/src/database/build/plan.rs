//! What is taken over from an earlier build, and what has to be read for the rest.

use std::collections::{BTreeMap, BTreeSet};

use super::previous::{Kept, Previous};
use super::source::Source;
use crate::Ecosystem;
use crate::database::hash::Sha256;
use crate::database::manifest::{SourceNote, names_it};

/// The segments that may still be taken over. A release that is not among them is made anew, from all sources that speak of it.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    previous: Option<&'a Previous>,
    kept: BTreeMap<Ecosystem, Kept<'a>>,
    /// Whether any source is another than before.
    sources: Sources,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sources {
    Same,
    Changed,
}

/// What has to be read of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// All: its content was never seen.
    Everything,
    /// What it says of these releases. None, and it need not be opened.
    Only(Box<SourceNote>, BTreeSet<Ecosystem>),
}

impl<'a> Plan<'a> {
    pub(crate) fn new(previous: Option<&'a Previous>, sources: &[Source]) -> Self {
        let now: BTreeSet<Sha256> = sources.iter().map(|source| source.digest).collect();
        let mut plan = Self {
            previous,
            kept: previous.map(Previous::whole_feeds).unwrap_or_default(),
            sources: Sources::Changed,
        };
        let Some(previous) = previous else {
            return plan;
        };
        let gone: Vec<_> = previous
            .manifest
            .sources
            .iter()
            .filter(|source| !now.contains(&source.digest))
            .collect();
        if gone.is_empty() && now.iter().all(|digest| previous.source(*digest).is_some()) {
            plan.sources = Sources::Same;
        }
        for source in gone {
            plan.changed(&source.ecosystems);
        }
        plan.changed(&reordered(&previous.manifest.sources, sources));
        plan
    }

    /// What has to be read of a source. Those of which everything has to be are to be read first: they tell what changed.
    pub(crate) fn need(&self, source: &Source) -> Need {
        match self
            .previous
            .and_then(|previous| previous.source(source.digest))
        {
            None => Need::Everything,
            Some(note) => {
                let anew = note
                    .ecosystems
                    .iter()
                    .filter(|release| !self.kept.contains_key(release));
                Need::Only(Box::new(note.clone()), anew.cloned().collect())
            }
        }
    }

    /// Notes that something else is said of these releases than before.
    pub(crate) fn changed(&mut self, releases: &BTreeSet<Ecosystem>) {
        for release in releases {
            self.kept.remove(release);
        }
    }

    /// The segments that are taken over.
    pub(crate) fn kept(&self) -> &BTreeMap<Ecosystem, Kept<'a>> {
        &self.kept
    }

    /// The join of all feeds, if all that it is made of is what it was.
    pub(crate) fn kept_vulnerabilities(&self) -> Option<Kept<'a>> {
        let previous = self.previous?;
        let same = self.sources == Sources::Same
            && previous
                .feeds()
                .all(|feed| self.kept.contains_key(&feed.ecosystem));
        same.then(|| previous.whole_vulnerabilities()).flatten()
    }
}

/// The releases of which several of the earlier sources speak, and one of them is complete now and was not, or the other way round:
/// another one's rows may stand back.
fn reordered(before: &[SourceNote], now: &[Source]) -> BTreeSet<Ecosystem> {
    let is_shared = |release: &Ecosystem| {
        let speak = before
            .iter()
            .filter(|note| note.ecosystems.contains(release));
        speak.count() > 1
    };
    let is_moved = |note: &SourceNote, release: &Ecosystem| {
        let covered = before
            .iter()
            .filter(|other| other.digest == note.digest)
            .any(|other| names_it(&other.covers, release));
        let covers = now
            .iter()
            .filter(|source| source.digest == note.digest)
            .any(|source| names_it(&source.covers, release));
        covered != covers
    };
    let pairs = before
        .iter()
        .flat_map(|note| note.ecosystems.iter().map(move |release| (note, release)));
    pairs
        .filter(|(note, release)| is_shared(release) && is_moved(note, release))
        .map(|(_, release)| release.clone())
        .collect()
}
