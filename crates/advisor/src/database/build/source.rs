//! Sources: what a path holds, and its hash.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::archive::Archive;
use super::error::BuildError;
use super::folder::Folder;
use super::life_spans;
use crate::database::hash::{Hashing, Sha256};

/// A source, and what is declared of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// An archive or a folder of OSV records (`*.json`), CISA's catalogue as JSON, dates of
    /// releases as endoflife.date's JSON, or EPSS as CSV, plain or compressed by gzip.
    pub path: PathBuf,
    /// The releases (`Debian:12`) or families (`Debian`) that it is complete for, besides the one that an archive of OSV is
    /// named after.
    pub covers: BTreeSet<Box<str>>,
    /// The state of the world that it shows. Where it is not given, the last change of a record tells.
    pub as_of: Option<Timestamp>,
}

impl Input {
    /// A source of which nothing is declared.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            covers: BTreeSet::new(),
            as_of: None,
        }
    }

    /// Whether it is a folder or an archive, and so has records. What cannot be opened has none.
    pub fn has_records(&self) -> bool {
        let is_archive = || {
            let mut start = [0; 2];
            let file = File::open(&self.path);
            file.is_ok_and(|mut file| file.read_exact(&mut start).is_ok()) && start == *b"PK"
        };
        self.path.is_dir() || is_archive()
    }
}

/// A source that was looked at.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    pub(crate) name: Box<str>,
    pub(crate) digest: Sha256,
    pub(crate) covers: BTreeSet<Box<str>>,
    pub(crate) as_of: Option<Timestamp>,
    pub(crate) kind: Kind,
}

/// What a source holds.
#[derive(Debug)]
pub(crate) enum Kind {
    Archive(Archive),
    Folder(Folder),
    KnownExploited,
    Scores,
    LifeSpans,
}

impl Source {
    /// Looks at what a path holds, and hashes it.
    pub(crate) fn open(input: &Input) -> Result<Self, BuildError> {
        let path = &input.path;
        let failed = |source| BuildError::Source {
            path: path.clone(),
            source,
        };
        let kind = kind(path)?;
        let digest = match &kind {
            Kind::Folder(folder) => folder.digest()?,
            _ => file_digest(path).map_err(failed)?,
        };
        let mut covers = input.covers.clone();
        if matches!(kind, Kind::Archive(_)) {
            covers.extend(named_after(path));
        }
        let name = path.file_name().unwrap_or(path.as_os_str());
        Ok(Self {
            path: path.clone(),
            name: name.to_string_lossy().into(),
            digest,
            covers,
            as_of: input.as_of,
            kind,
        })
    }
}

fn kind(path: &Path) -> Result<Kind, BuildError> {
    let failed = |source| BuildError::Source {
        path: path.to_owned(),
        source,
    };
    if fs::metadata(path).map_err(failed)?.is_dir() {
        return Folder::list(path).map(Kind::Folder);
    }
    let mut start = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(64).read_to_end(&mut start).map_err(failed)?;
    match start.trim_ascii_start() {
        [b'P', b'K', ..] => Archive::open(path).map(Kind::Archive),
        [b'{', ..] if life_spans::is_list(path) => Ok(Kind::LifeSpans),
        [b'{', ..] => Ok(Kind::KnownExploited),
        [0x1f, 0x8b, ..] | [b'#', ..] | [b'c', b'v', b'e', b',', ..] => Ok(Kind::Scores),
        _ => Err(BuildError::Kind {
            path: path.to_owned(),
        }),
    }
}

fn file_digest(path: &Path) -> io::Result<Sha256> {
    let mut hashing = Hashing::new(io::sink());
    io::copy(&mut File::open(path)?, &mut hashing)?;
    Ok(hashing.finish().0)
}

/// The family that an archive of OSV is complete for: it is published as `Debian/all.zip`, and is kept as `Debian.zip`.
fn named_after(path: &Path) -> Option<Box<str>> {
    let stem = path.file_stem()?;
    let name = if stem == "all" {
        path.parent()?.file_name()?
    } else {
        stem
    };
    name.to_str().map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_of_osv_is_complete_for_what_it_is_named_after() {
        for (path, family) in [
            ("osv/Debian/all.zip", Some("Debian")),
            ("osv/Debian.zip", Some("Debian")),
            ("Rocky Linux/all.zip", Some("Rocky Linux")),
            ("Debian-ELTS.zip", Some("Debian-ELTS")),
            ("all.zip", None),
        ] {
            assert_eq!(named_after(Path::new(path)).as_deref(), family, "{path}");
        }
    }
}
