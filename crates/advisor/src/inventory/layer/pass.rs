//! One pass over the archive of a layer.

use std::io::{self, Write as _};

use cise_reference::Algorithm;

use super::inflate::Origin;
use super::listing::Item;
use super::path::Place;
use super::table::{self, Candidate, Outline, WasRead};
use super::{Content, File, LayerError, LayerInventory, Room};
use crate::detector::{Detector, DetectorError, FromDisk, Mark};
use crate::inventory::archive::{Archive, Entry, Kind, TarError};
use crate::inventory::digest::{Hash, sha};
use crate::inventory::limits::Limits;
use crate::inventory::scratch::Scratch;

/// A layer that is being read.
#[derive(Default)]
pub(super) struct Reading {
    inventory: LayerInventory,
    outline: Outline,
    entries: u64,
    /// What the files that were read take of memory.
    files: u64,
}

impl Reading {
    /// All of an archive.
    pub(super) fn of<I: Origin>(
        archive: &mut Archive<I>,
        room: Room<'_>,
    ) -> Result<(LayerInventory, Outline), LayerError> {
        let limits = room.limits;
        let mut reading = Self::default();
        while let Some(entry) = archive.next()? {
            reading.entries += 1;
            if reading.entries > limits.entries {
                return Err(LayerError::Entries {
                    limit: limits.entries,
                });
            }
            reading.take(&entry, archive, room)?;
            if reading.said() > limits.said {
                let limit = limits.said;
                return Err(LayerError::Said { limit });
            }
        }
        if archive.goes_on()? {
            reading.take_appended(archive, room)?;
        }
        Ok((reading.inventory, reading.outline))
    }

    /// How much memory what was read so far takes, about, in bytes.
    fn said(&self) -> u64 {
        let entries = self.inventory.listing.weight() + self.outline.weight();
        self.files.saturating_add(entries as u64)
    }

    fn take<I: Origin>(
        &mut self,
        entry: &Entry,
        archive: &mut Archive<I>,
        room: Room<'_>,
    ) -> Result<(), LayerError> {
        if entry.path.len() > Limits::PATH {
            return Err(LayerError::LongPath);
        }
        if self.is_table(entry, archive) {
            self.take_table(entry, archive, room)?;
        } else {
            self.outline.push(entry);
        }
        match Place::of(&entry.path) {
            Place::At(path) => self.take_at(&path, entry, archive, room),
            Place::Whiteout(path) => self.inventory.listing.push(&path, Item::Whiteout),
            Place::Opaque(path) => self.inventory.listing.push(&path, Item::Opaque),
            Place::Nothing => Ok(()),
        }
    }

    fn take_at<I: Origin>(
        &mut self,
        path: &str,
        entry: &Entry,
        archive: &mut Archive<I>,
        room: Room<'_>,
    ) -> Result<(), LayerError> {
        if entry.kind != Kind::Directory {
            self.inventory.marks.extend(Mark::of(path));
        }
        let item = match (&entry.kind, Detector::of(path)) {
            (Kind::Directory, _) => Item::Directory,
            (Kind::Symlink(target) | Kind::HardLink(target), _) if target.len() > Limits::PATH => {
                return Err(LayerError::LongPath);
            }
            (Kind::Symlink(target), _) => Item::Symlink(target),
            (Kind::HardLink(target), _) => Item::HardLink(target),
            (_, None) => Item::File,
            (kind, Some(detector)) => {
                let content = match Holding::of(kind, entry.size, detector, room) {
                    Holding::Refused(why) => Content::Broken(why),
                    Holding::Memory => Content::of(detector.parse(path, &self.content(archive)?)),
                    Holding::LargeMemory => {
                        let _alone = room.large();
                        Content::of(detector.parse(path, &self.content(archive)?))
                    }
                    Holding::Disk(scratch, parse) => self.on_disk(path, archive, scratch, parse)?,
                };
                let file = File {
                    manager: detector.manager(),
                    content,
                };
                self.files = self.files.saturating_add(file.weight() as u64);
                let files = &mut self.inventory.files;
                files.push(file);
                Item::Read(files.len() - 1)
            }
        };
        self.inventory.listing.push(path, item)
    }

    /// What is in the present entry.
    fn content<I: Origin>(&mut self, archive: &mut Archive<I>) -> Result<Vec<u8>, LayerError> {
        let position = archive.input().position();
        let content = archive.content()?;
        let was_read = WasRead {
            size: content.len() as u64,
            digest: sha(Algorithm::Sha256, &content),
        };
        self.outline
            .push_content(&was_read, position, archive.input());
        Ok(content)
    }

    /// What the present entry says, which is put on a disk for the time being.
    fn on_disk<I: Origin>(
        &mut self,
        path: &str,
        archive: &mut Archive<I>,
        scratch: &Scratch,
        parse: FromDisk,
    ) -> Result<Content, LayerError> {
        let failed = |error: io::Error| LayerError::Scratch(error.to_string().into());
        let mut file = scratch.file().map_err(failed)?;
        let position = archive.input().position();
        let mut hash = Hash::new(Algorithm::Sha256);
        let size = archive.pour(|bytes| {
            hash.update(bytes);
            file.write_all(bytes).map_err(failed)
        })?;
        let was_read = WasRead {
            size,
            digest: hash.finish(),
        };
        self.outline
            .push_content(&was_read, position, archive.input());
        let parsed = parse(path, &file, size);
        match parsed.as_ref().err().and_then(DetectorError::of_disk) {
            Some(why) => Err(LayerError::Scratch(why.into())),
            None => Ok(Content::of(parsed)),
        }
    }

    /// Whether a lazy runtime may take the present entry for the layer's table of contents.
    fn is_table<I: Origin>(&self, entry: &Entry, archive: &Archive<I>) -> bool {
        entry.path == table::FILE
            && entry.kind == Kind::File
            && !self.outline.has_candidate()
            && archive.input().member().is_some()
    }

    fn take_table<I: Origin>(
        &mut self,
        entry: &Entry,
        archive: &mut Archive<I>,
        room: Room<'_>,
    ) -> Result<(), LayerError> {
        let Some(position) = archive.input().member() else {
            return Ok(());
        };
        let content = match entry.size {
            size if size > room.limits.file.min(Outline::MAX_TABLE) => None,
            _ => Some(archive.content()?),
        };
        self.outline.set_candidate(Candidate { position, content });
        Ok(())
    }

    /// A table that was written behind the end mark, where no unpacker looks. Anything else has no business there.
    fn take_appended<I: Origin>(
        &mut self,
        archive: &mut Archive<I>,
        room: Room<'_>,
    ) -> Result<(), LayerError> {
        let appended = archive.next()?;
        let table = appended.filter(|entry| self.is_table(entry, archive));
        let table = table.ok_or(TarError::Trailing)?;
        self.take_table(&table, archive, room)?;
        match archive.next()? {
            None => Ok(()),
            Some(_) => Err(TarError::Trailing.into()),
        }
    }
}

/// Where a file is that is being read.
enum Holding<'a> {
    /// In memory.
    Memory,
    /// In memory, of one layer at a time.
    LargeMemory,
    /// On a disk, since it is too large, from where it is read in this way.
    Disk(&'a Scratch, FromDisk),
    /// Nowhere: it is not read, for this reason.
    Refused(Box<str>),
}

impl<'a> Holding<'a> {
    fn of(kind: &Kind, size: u64, detector: Detector, room: Room<'a>) -> Self {
        let Room {
            limits, scratch, ..
        } = room;
        let disk = scratch.zip(detector.disk_parser());
        let held = limits.file.max(limits.large_file);
        let most = disk.map_or(held, |_| held.max(limits.scratch));
        match (kind, disk) {
            (Kind::Sparse, _) => {
                Self::Refused("it is a sparse file, of which the archive has only parts".into())
            }
            (Kind::File, _) if size > most => {
                Self::Refused(format!("it has more than the {most} bytes that are read").into())
            }
            (Kind::File, Some((scratch, parse)))
                if size > limits.file && size <= limits.scratch =>
            {
                Self::Disk(scratch, parse)
            }
            (Kind::File, _) if size > limits.file => Self::LargeMemory,
            (Kind::File, _) => Self::Memory,
            _ => Self::Refused("it is not a file".into()),
        }
    }
}
