//! What an archive says that a table has to say too.

use aws_lc_rs::digest::{SHA256, digest};
use cise_reference::Digest;

use super::super::inflate::{Origin, Start};
use super::Candidate;
use super::entry::{self, Type};
use crate::inventory::archive::{Device, Entry, Kind};
use crate::inventory::digest::first;

/// The entries of an archive in their order, and where in the blob the files are that were read.
#[derive(Debug, Default)]
pub(in crate::inventory::layer) struct Outline {
    records: Vec<Record>,
    files: Vec<Known>,
    /// How many starts they have in all.
    starts: usize,
    candidate: Option<Candidate>,
}

/// The hash of what an entry is: a million of them take 16 MB.
type Record = [u8; 16];

/// A file that was read.
#[derive(Debug)]
pub(super) struct Known {
    /// Which of the entries it is.
    entry: usize,
    pub(super) size: u64,
    /// The digest of what is in it.
    pub(super) digest: Box<str>,
    /// How many bytes of the archive come before what is in it.
    position: u64,
    /// Where decoding can begin; nothing where there are too many places.
    starts: Option<Box<[Start]>>,
}

/// The content of a file, which was read.
#[derive(Debug)]
pub(in crate::inventory::layer) struct WasRead {
    pub(in crate::inventory::layer) size: u64,
    /// Its SHA-256.
    pub(in crate::inventory::layer) digest: Digest,
}

/// The most starts that are kept of a layer.
const MAX_STARTS: usize = 65_536;

impl Outline {
    /// The most bytes of a table.
    pub(in crate::inventory::layer) const MAX_TABLE: u64 = 64 * 1024 * 1024;

    /// The next entry.
    pub(in crate::inventory::layer) fn push(&mut self, entry: &Entry) {
        let (letter, text, numbers) = match &entry.kind {
            Kind::File => (b'f', "", [entry.size, 0]),
            Kind::Directory => (b'd', "", [0, 0]),
            Kind::Symlink(target) => (b's', target.as_str(), [0, 0]),
            Kind::HardLink(target) => (b'h', target.as_str(), [0, 0]),
            Kind::Device(Device::Character { major, minor }) => (b'c', "", [*major, *minor]),
            Kind::Device(Device::Block { major, minor }) => (b'b', "", [*major, *minor]),
            Kind::Pipe => (b'p', "", [0, 0]),
            // No table has such entries.
            Kind::Sparse => (b'?', "", [0, 0]),
        };
        self.records
            .push(record(letter, &entry.path, text, numbers));
    }

    /// The content of the entry that was pushed last, which begins after so many bytes of the archive.
    pub(in crate::inventory::layer) fn push_content(
        &mut self,
        content: &WasRead,
        position: u64,
        origin: &impl Origin,
    ) {
        let starts = origin
            .starts()
            .filter(|starts| self.starts + starts.len() <= MAX_STARTS);
        self.starts += starts.map_or(0, <[Start]>::len);
        self.files.push(Known {
            entry: self.records.len().saturating_sub(1),
            size: content.size,
            digest: content.digest.to_string().into(),
            position,
            starts: starts.map(Into::into),
        });
    }

    /// A file that may be the table. Only one is: a second one is a file like others.
    pub(in crate::inventory::layer) fn set_candidate(&mut self, candidate: Candidate) {
        self.candidate = Some(candidate);
    }

    pub(in crate::inventory::layer) fn has_candidate(&self) -> bool {
        self.candidate.is_some()
    }

    pub(super) fn candidate(&self) -> Option<&Candidate> {
        self.candidate.as_ref()
    }

    /// How much memory the entries take.
    pub(in crate::inventory::layer) fn weight(&self) -> usize {
        self.records.len() * size_of::<Record>()
    }

    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether a table's entry is the one at that place.
    pub(super) fn is(&self, place: usize, entry: &entry::Entry) -> bool {
        let (letter, text, numbers) = match entry.kind {
            Type::Reg => (b'f', "", [entry.size, 0]),
            Type::Dir => (b'd', "", [0, 0]),
            Type::Symlink => (b's', entry.link_name.as_str(), [0, 0]),
            Type::Hardlink => (b'h', entry.link_name.as_str(), [0, 0]),
            Type::Char => (b'c', "", [entry.dev_major, entry.dev_minor]),
            Type::Block => (b'b', "", [entry.dev_major, entry.dev_minor]),
            Type::Fifo => (b'p', "", [0, 0]),
            Type::Chunk => return false,
        };
        // A NUL in the name of an entry stands for a byte, and in a table for itself.
        let has_nul = entry.name.contains('\0') || entry.link_name.contains('\0');
        !has_nul && self.records.get(place) == Some(&record(letter, &entry.name, text, numbers))
    }

    /// The file at that place, if it was read.
    pub(super) fn file(&self, place: usize) -> Option<&Known> {
        let found = self.files.binary_search_by_key(&place, |file| file.entry);
        self.files.get(found.ok()?)
    }
}

impl Known {
    /// Whether decoding from `offset` of the blob comes, after `inner` bytes, to what is at `within` of the file.
    pub(super) fn is_reached(&self, offset: u64, inner: u64, within: u64) -> bool {
        let mut starts = self.starts.iter().flatten();
        let wanted = self.position.checked_add(within);
        starts.any(|start| {
            start.blob == offset && wanted.is_some() && start.archive.checked_add(inner) == wanted
        })
    }
}

fn record(letter: u8, path: &str, text: &str, numbers: [u64; 2]) -> Record {
    let mut bytes = Vec::with_capacity(path.len() + text.len() + 40);
    bytes.push(letter);
    for part in [path, text] {
        bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    for number in numbers {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    first(digest(&SHA256, &bytes).as_ref())
}
