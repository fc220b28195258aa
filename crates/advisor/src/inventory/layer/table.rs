//! Tables of contents: eStargz and zstd:chunked. Lazy runtimes do not unpack the archive of a layer that has one; they build
//! files from the table, and fetch what is in them when it is asked for. A table that says anything else than the archive
//! would show them another image than the one that was read.
//!
//! Where a table is, the end of the blob says, or an annotation of the manifest. Whatever could be taken for one counts:
//! each has to say the same as the archive, entry by entry.

mod ambiguity;
mod comparison;
mod entry;
mod footer;
mod outline;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::{self, Read};

use cise_reference::Algorithm;
use serde::{Deserialize, Serialize};

use super::blob::Tail;
use super::inflate::{Frame, unwrapped};
use super::listing::Listing;
use crate::inventory::digest::{Hash, sha};
use ambiguity::ambiguity;
use comparison::{Difference, compare};
use footer::Footer;

pub(in crate::inventory::layer) use outline::{Outline, WasRead};

/// What lazy runtimes find in a blob.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::inventory::layer) struct Tables {
    /// Whatever could be taken for a table.
    found: Vec<Table>,
    /// Why what the blob's end names cannot be trusted.
    fault: Option<Box<str>>,
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Table {
    format: Format,
    /// How many bytes of the blob come before it.
    position: u64,
    /// How many bytes of the blob it takes; nothing for one that goes on to the footer.
    length: Option<u64>,
    /// The digest of those bytes.
    compressed: Box<str>,
    /// The digest of the table itself.
    content: Box<str>,
    /// What it says otherwise than the archive.
    difference: Option<Box<str>>,
}

/// How a table is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Format {
    /// A file of the archive, in a gzip member of its own.
    Estargz,
    /// A frame that Zstandard's decoders pass over, itself compressed.
    ZstdChunked,
}

/// The file of an eStargz layer that is the table.
pub(in crate::inventory::layer) const FILE: &str = "stargz.index.json";

/// A file of that name, at the start of a gzip member.
#[derive(Debug)]
pub(in crate::inventory::layer) struct Candidate {
    /// How many bytes of the blob come before the member.
    pub(in crate::inventory::layer) position: u64,
    /// The file; nothing of one that is too large.
    pub(in crate::inventory::layer) content: Option<Vec<u8>>,
}

/// The annotation with the digest of an eStargz layer's table.
const ESTARGZ: &str = "containerd.io/snapshot/stargz/toc.digest";

/// The annotations of zstd:chunked, each with the digest of the compressed table and with the place of it: the names that
/// podman writes, and those of containerd's stargz snapshotter.
const ZSTD_CHUNKED: [(&str, &str); 2] = [
    (
        "io.github.containers.zstd-chunked.manifest-checksum",
        "io.github.containers.zstd-chunked.manifest-position",
    ),
    (
        "io.containers.zstd-chunked.manifest-checksum",
        "io.containers.zstd-chunked.manifest-position",
    ),
];

/// Annotations of layers that other lazy runtimes build from what is not read here: nydus and overlaybd.
const UNREAD: [&str; 2] = [
    "containerd.io/snapshot/nydus-",
    "containerd.io/snapshot/overlaybd/",
];

impl Tables {
    /// The tables of a blob that was read to its end, held against the archive.
    pub(super) fn of(outline: &Outline, listing: &Listing, aside: &[Frame], tail: &Tail) -> Self {
        let of_archive = outline
            .candidate()
            .into_iter()
            .map(|found| estargz(found, outline));
        let beside = aside.iter().map(|frame| zstd_chunked(frame, outline));
        let mut found: Vec<Table> = of_archive.chain(beside).collect();
        if found.iter().any(|table| table.difference.is_none())
            && let Some(why) = ambiguity(listing)
        {
            for table in &mut found {
                table.difference = Some(why.to_string().into());
            }
        }
        let fault = footer::all(tail)
            .iter()
            .find_map(|footer| fault(footer, &found));
        Self { found, fault }
    }

    /// Whether every table that a lazy runtime may use says the same as the archive, for a manifest with these annotations; an
    /// error is a phrase that says what a table has otherwise.
    pub(in crate::inventory::layer) fn judge(
        &self,
        annotations: &BTreeMap<String, String>,
    ) -> Result<(), Box<str>> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        if annotations
            .keys()
            .any(|name| UNREAD.iter().any(|start| name.starts_with(start)))
        {
            return Err("it is of a kind that is not read".into());
        }
        if let Some(digest) = annotations.get(ESTARGZ) {
            self.named(|table| *table.content == **digest)?;
        }
        for (checksum, position) in ZSTD_CHUNKED {
            match (annotations.get(checksum), annotations.get(position)) {
                (None, None) => {}
                (Some(checksum), Some(position)) => {
                    let place = Place::parse(position);
                    self.named(|table| {
                        *table.compressed == **checksum
                            && place.is_some_and(|place| table.is_at(place))
                    })?;
                }
                _ => return Err(UNNAMED.into()),
            }
        }
        Ok(())
    }

    /// Whether there is a table that is meant, and it says the same.
    fn named(&self, is_meant: impl Fn(&Table) -> bool) -> Result<(), Box<str>> {
        let table = self.found.iter().find(|table| is_meant(table));
        match table.map(|table| &table.difference) {
            None => Err(UNNAMED.into()),
            Some(None) => Ok(()),
            Some(Some(why)) => Err(why.clone()),
        }
    }
}

const UNNAMED: &str = "the manifest names it where the layer has none";

impl Table {
    fn is_at(&self, place: Place) -> bool {
        self.format == Format::ZstdChunked
            && self.position == place.position
            && self.length == Some(place.length)
    }
}

/// The annotation `position:length:inflated length:type`.
#[derive(Clone, Copy)]
struct Place {
    position: u64,
    length: u64,
}

impl Place {
    fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split(':').map(|number| {
            let is_plain = number.bytes().all(|byte| byte.is_ascii_digit());
            is_plain.then(|| number.parse::<u64>().ok())?
        });
        let mut next = || numbers.next().flatten();
        let (position, length, _inflated, kind) = (next()?, next()?, next()?, next()?);
        (kind == 1 && numbers.next().is_none()).then_some(Self { position, length })
    }
}

/// What is wrong with the table that a footer names.
fn fault(footer: &Footer, found: &[Table]) -> Option<Box<str>> {
    let named = match footer {
        Footer::Broken => return Some("the end of the layer names it as no tool writes it".into()),
        Footer::Elsewhere => return Some("it is not in the layer".into()),
        Footer::Estargz { position } => found
            .iter()
            .find(|table| table.format == Format::Estargz && table.position == *position),
        Footer::ZstdChunked { position, length } => {
            let place = Place {
                position: *position,
                length: *length,
            };
            found.iter().find(|table| table.is_at(place))
        }
    };
    match named {
        None => Some("the end of the layer names it where there is none".into()),
        Some(table) => table.difference.clone(),
    }
}

fn estargz(found: &Candidate, outline: &Outline) -> Table {
    let (content, compared) = match &found.content {
        Some(content) => (
            sha(Algorithm::Sha256, content).to_string(),
            compare(content.as_slice(), outline),
        ),
        None => (String::new(), Err(Difference::Large)),
    };
    Table {
        format: Format::Estargz,
        position: found.position,
        length: None,
        compressed: Box::default(),
        content: content.into(),
        difference: told(compared),
    }
}

fn zstd_chunked(frame: &Frame, outline: &Outline) -> Table {
    let mut content = Hashed {
        bytes: unwrapped(&frame.content).take(Outline::MAX_TABLE + 1),
        hash: Hash::new(Algorithm::Sha256),
    };
    let compared = compare(&mut content, outline);
    let compared = match content.bytes.limit() {
        0 => Err(Difference::Large),
        _ => compared,
    };
    Table {
        format: Format::ZstdChunked,
        position: frame.position,
        length: Some(frame.content.len() as u64),
        compressed: sha(Algorithm::Sha256, &frame.content).to_string().into(),
        content: content.hash.finish().to_string().into(),
        difference: told(compared),
    }
}

fn told(compared: Result<(), Difference>) -> Option<Box<str>> {
    compared
        .err()
        .map(|difference| difference.to_string().into())
}

/// Bytes that are hashed as they are read.
struct Hashed<R> {
    bytes: R,
    hash: Hash,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read(room)?;
        self.hash.update(room.get(..read).unwrap_or_default());
        Ok(read)
    }
}
