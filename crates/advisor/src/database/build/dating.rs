//! Finds out since when the fixes of a feed are known, while the feed is written.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Seek as _;
use std::path::Path;

use jiff::Timestamp;

use super::error::BuildError;
use super::past::{Date, Fixes, Past};
use super::writer::{SegmentWriter, WriteError, Written};
use crate::database::fix_dates::{self, Followed};
use crate::database::row;
use crate::osv;

/// The dates of one feed's fixes. They are written beside the feed, and follow it in the file.
///
/// A feed without a past has none: how long its fixes had been published before, nobody knows.
pub(crate) struct Dating<'a> {
    past: Option<&'a Past<'a>>,
    folder: &'a Path,
    now: Timestamp,
    /// The package whose rows come, and what was known of it.
    package: String,
    known: Fixes,
    /// Its fixes that joined the feed, by when they did.
    joined: BTreeMap<Timestamp, BTreeSet<Box<str>>>,
    segment: Option<(File, SegmentWriter<File>)>,
    fixes: u64,
}

/// A segment of dates that was written.
pub(crate) struct Dated {
    /// Its bytes, from the first one on.
    pub(crate) file: File,
    pub(crate) written: Written,
    pub(crate) fixes: u64,
}

impl<'a> Dating<'a> {
    /// Dates are written into an unlinked file of a folder.
    pub(crate) fn new(past: Option<&'a Past<'a>>, folder: &'a Path, now: Timestamp) -> Self {
        Self {
            past,
            folder,
            now,
            package: String::new(),
            known: Fixes::default(),
            joined: BTreeMap::new(),
            segment: None,
            fixes: 0,
        }
    }

    /// Since when the feed has been followed.
    pub(crate) fn followed(&self) -> Followed {
        Past::followed(self.past, self.now)
    }

    /// Takes a row of the feed. They come by package, and the packages in order.
    pub(crate) fn row(&mut self, package: &str, row: &[u8]) -> Result<(), BuildError> {
        let Some(past) = self.past else {
            return Ok(());
        };
        if self.package != package {
            self.close_package()?;
            self.known = past.of(package)?;
            package.clone_into(&mut self.package);
        }
        let row = row::fixes(row)?;
        if osv::fix_published(row.id, row.published).is_some() {
            return Ok(());
        }
        for version in row.versions {
            let fix = fix_dates::key(row.id, version);
            let joined = match self.known.date(&fix) {
                Some(Date::OfFeed) => continue,
                Some(Date::Joined(time)) => time,
                None => self.now,
            };
            self.joined.entry(joined).or_default().insert(fix);
        }
        Ok(())
    }

    fn close_package(&mut self) -> Result<(), BuildError> {
        for (time, fixes) in std::mem::take(&mut self.joined) {
            let fixes = Vec::from_iter(fixes);
            self.fixes += fixes.len() as u64;
            for row in fix_dates::encode(time, &fixes) {
                self.push(&row)?;
            }
        }
        Ok(())
    }

    fn push(&mut self, row: &[u8]) -> Result<(), BuildError> {
        let (_, segment) = match &mut self.segment {
            Some(segment) => segment,
            none => {
                let file = tempfile::tempfile_in(self.folder).map_err(BuildError::Scratch)?;
                let other = file.try_clone().map_err(BuildError::Scratch)?;
                none.insert((file, SegmentWriter::new(other)))
            }
        };
        segment.push(&self.package, row).map_err(failed)
    }

    /// What was written, if anything was.
    pub(crate) fn finish(mut self) -> Result<Option<Dated>, BuildError> {
        self.close_package()?;
        let Some((mut file, segment)) = self.segment else {
            return Ok(None);
        };
        let written = segment.finish().map_err(failed)?;
        file.rewind().map_err(BuildError::Scratch)?;
        Ok(Some(Dated {
            file,
            written,
            fixes: self.fixes,
        }))
    }
}

fn failed(error: WriteError) -> BuildError {
    match error {
        WriteError::Io(source) => BuildError::Scratch(source),
        WriteError::Format(fault) => BuildError::Format(fault),
    }
}
