//! Puts the file together: the segments of feeds in their order, new ones and those that are taken over; then the join.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::dating::{Dated, Dating};
use super::error::BuildError;
use super::facts::{Facts, Joined, NO_KEY, Seen};
use super::key::AdvisoryKey;
use super::past::Past;
use super::previous::Kept;
use super::sorter::Sorted;
use super::writer::{SegmentWriter, WriteError, Written};
use super::{Progress, Stage};
use crate::Ecosystem;
use crate::database::feeds::{self, Coverage, Feed};
use crate::database::filter::NameHash;
use crate::database::fix_dates::Followed;
use crate::database::manifest::{Holds, SegmentNote, SourceNote, names_it};
use crate::database::replacement::folder_of;
use crate::database::row;
use crate::database::vulnerability;

/// A file that is being written.
pub(crate) struct Assembly<'a, W> {
    pub(crate) out: W,
    pub(crate) path: PathBuf,
    pub(crate) sources: &'a [SourceNote],
    pub(crate) now: Timestamp,
    /// Since when the fixes of feeds are known, by an earlier database.
    pub(crate) pasts: BTreeMap<Ecosystem, Past<'a>>,
    /// Since when the feeds that were written have been followed.
    pub(crate) followed: BTreeMap<Ecosystem, Followed>,
    pub(crate) segments: Vec<SegmentNote>,
    /// Where facts are gathered, unless the join is taken over.
    pub(crate) facts: Option<Facts>,
    pub(crate) progress: &'a mut Progress<'a>,
}

impl<W: Write> Assembly<'_, W> {
    /// Writes the segments of all feeds: those of `rows`, and those that are kept.
    pub(crate) fn feeds(
        &mut self,
        rows: Sorted,
        kept: &BTreeMap<Ecosystem, Kept<'_>>,
    ) -> Result<(), BuildError> {
        let mut rows = Latest::new(rows)?;
        let mut kept = kept.iter().peekable();
        while let Some(row) = rows.peek()? {
            let ecosystem = Ecosystem::new(row.ecosystem);
            while let Some((_, segment)) = kept.next_if(|(before, _)| **before < ecosystem) {
                self.keep(segment)?;
            }
            self.feed(ecosystem, &mut rows)?;
        }
        kept.try_for_each(|(_, segment)| self.keep(segment))
    }

    /// Writes the segment of one feed.
    fn feed(&mut self, ecosystem: Ecosystem, rows: &mut Latest) -> Result<(), BuildError> {
        (self.progress)(Stage::Writing {
            segment: ecosystem.as_str(),
        });
        let past = self.pasts.remove(&ecosystem);
        let mut dating = Dating::new(past.as_ref(), folder_of(&self.path), self.now);
        let mut writer = SegmentWriter::new(&mut self.out);
        let mut seen = Seen::default();
        let mut newest = None;
        while let Some(key) = rows
            .peek()?
            .filter(|key| key.ecosystem == ecosystem.as_str())
        {
            newest = newest.max(key.modified.and_then(|time| feeds::sane(time, self.now)));
            let written = writer.push(key.package, rows.value());
            written.map_err(|error| error.at(&self.path))?;
            dating.row(key.package, rows.value())?;
            if seen.first(NameHash::of(key.id).number())
                && let Some(facts) = &mut self.facts
            {
                facts.row(rows.value())?;
            }
            rows.advance()?;
        }
        let written = writer.finish().map_err(|error| error.at(&self.path))?;
        let feed = Feed {
            coverage: Coverage::Partial,
            as_of: None,
            newest,
            advisories: seen.count(),
            packages: written.names,
            rows: written.rows,
            sources: std::collections::BTreeSet::new(),
            ecosystem: ecosystem.clone(),
        };
        let holds = Holds::Feed(described(feed, self.sources));
        self.segments.push(note(holds, &written));
        let followed = dating.followed();
        if let Some(dated) = dating.finish()? {
            self.dates(&ecosystem, dated)?;
        }
        self.followed.insert(ecosystem, followed);
        Ok(())
    }

    /// Writes the dates of a feed's fixes.
    fn dates(&mut self, ecosystem: &Ecosystem, mut dated: Dated) -> Result<(), BuildError> {
        let copied = io::copy(&mut dated.file, &mut self.out);
        copied.map_err(|error| WriteError::Io(error).at(&self.path))?;
        let holds = Holds::FixDates {
            ecosystem: ecosystem.clone(),
            fixes: dated.fixes,
        };
        self.segments.push(note(holds, &dated.written));
        Ok(())
    }

    /// Takes over the segment of a feed. What the sources say of it may have changed all the same.
    fn keep(&mut self, kept: &Kept<'_>) -> Result<(), BuildError> {
        self.copy(kept)?;
        if let Some(facts) = &mut self.facts {
            let mut seen = Seen::default();
            let mut failed = Ok(());
            let walked = kept.rows(|row| {
                let id = row::outline(row)?.id;
                if failed.is_ok() && seen.first(NameHash::of(&id).number()) {
                    failed = facts.row(row);
                }
                Ok(())
            });
            failed?;
            walked.map_err(BuildError::Previous)?;
        }
        let mut note = kept.note.clone();
        if let Holds::Feed(feed) = note.holds {
            let ecosystem = feed.ecosystem.clone();
            note.holds = Holds::Feed(described(feed, self.sources));
            self.segments.push(note);
            self.keep_dates(ecosystem)?;
        }
        Ok(())
    }

    /// Takes over the dates of a feed's fixes. Where they cannot be, the feed has been followed from now on.
    fn keep_dates(&mut self, ecosystem: Ecosystem) -> Result<(), BuildError> {
        let past = self.pasts.remove(&ecosystem);
        let followed = Past::followed(past.as_ref(), self.now);
        self.followed.insert(ecosystem, followed);
        match past.and_then(|past| past.dates()) {
            Some(dates) => self.keep_whole(&dates),
            None => Ok(()),
        }
    }

    /// Takes over the join of all feeds.
    pub(crate) fn keep_vulnerabilities(&mut self, kept: &Kept<'_>) -> Result<(), BuildError> {
        self.keep_whole(kept)
    }

    fn keep_whole(&mut self, kept: &Kept<'_>) -> Result<(), BuildError> {
        self.copy(kept)?;
        self.segments.push(kept.note.clone());
        Ok(())
    }

    fn copy(&mut self, kept: &Kept<'_>) -> Result<(), BuildError> {
        let copied = kept.copy(&mut self.out);
        copied
            .map(drop)
            .map_err(|error| WriteError::Io(error).at(&self.path))
    }

    /// Writes the join of all feeds.
    pub(crate) fn vulnerabilities(&mut self, mut joined: Joined) -> Result<(), BuildError> {
        (self.progress)(Stage::Writing {
            segment: "vulnerabilities",
        });
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |error: WriteError| error.at(&path)
        };
        let mut writer = SegmentWriter::new(&mut self.out);
        let mut row = Vec::new();
        while let Some((name, known)) = joined.next()? {
            row.clear();
            vulnerability::encode(&known, &mut row);
            writer.push(&name, &row).map_err(failed(&self.path))?;
        }
        let written = writer.finish().map_err(failed(&self.path))?;
        let count = written.names;
        self.segments
            .push(note(Holds::Vulnerabilities { count }, &written));
        Ok(())
    }
}

fn note(holds: Holds, written: &Written) -> SegmentNote {
    SegmentNote {
        holds,
        digest: written.digest,
        bytes: written.bytes,
        head_bytes: written.head_bytes,
        head_digest: written.head_digest,
    }
}

/// The feed with what its sources say of its wholeness and its age.
///
/// A source that is complete tells the age, the latest if there are several: the others only add.
fn described(feed: Feed, sources: &[SourceNote]) -> Feed {
    let speaks = |source: &&SourceNote| source.ecosystems.contains(&feed.ecosystem);
    let covers = |source: &&SourceNote| names_it(&source.covers, &feed.ecosystem);
    let speaking = || sources.iter().filter(speaks);
    let complete = speaking().any(|source| covers(&source));
    let as_of = speaking()
        .filter(|source| !complete || covers(source))
        .filter_map(|source| source.as_of)
        .max();
    Feed {
        coverage: if complete {
            Coverage::Complete
        } else {
            Coverage::Partial
        },
        as_of,
        sources: speaking().map(|source| source.name.clone()).collect(),
        ..feed
    }
}

/// Rows in order; of those that several sources have, that of a complete source; of several, the one that was changed last.
struct Latest {
    rows: Sorted,
    row: (Vec<u8>, Vec<u8>),
    after: (Vec<u8>, Vec<u8>),
    more: More,
}

/// What is left.
#[derive(Clone, Copy, PartialEq, Eq)]
enum More {
    /// The row in hand and the one after it.
    Two,
    /// The row in hand.
    One,
    Nothing,
}

impl Latest {
    fn new(rows: Sorted) -> Result<Self, BuildError> {
        let mut latest = Self {
            rows,
            row: (Vec::new(), Vec::new()),
            after: (Vec::new(), Vec::new()),
            more: More::Nothing,
        };
        latest.more = latest.fetch()?;
        latest.advance()?;
        Ok(latest)
    }

    /// Reads the row after the one in hand.
    fn fetch(&mut self) -> Result<More, BuildError> {
        let (key, value) = &mut self.after;
        Ok(if self.rows.next(key, value)? {
            More::Two
        } else {
            More::One
        })
    }

    /// The key of the row in hand.
    fn peek(&self) -> Result<Option<AdvisoryKey<'_>>, BuildError> {
        if self.more == More::Nothing {
            return Ok(None);
        }
        Ok(Some(AdvisoryKey::parse(&self.row.0).ok_or(NO_KEY)?))
    }

    fn value(&self) -> &[u8] {
        &self.row.1
    }

    /// Takes the next row in hand, past those of the same that stand back behind it.
    fn advance(&mut self) -> Result<(), BuildError> {
        loop {
            if self.more != More::Two {
                self.more = More::Nothing;
                return Ok(());
            }
            std::mem::swap(&mut self.row, &mut self.after);
            self.more = self.fetch()?;
            if self.more == More::One || !self.is_superseded()? {
                return Ok(());
            }
        }
    }

    fn is_superseded(&self) -> Result<bool, BuildError> {
        let row = AdvisoryKey::parse(&self.row.0).ok_or(NO_KEY)?;
        let after = AdvisoryKey::parse(&self.after.0).ok_or(NO_KEY)?;
        Ok(row.is_row_of(&after))
    }
}
