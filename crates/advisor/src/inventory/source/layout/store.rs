//! The files of a layout, in a folder or in an archive.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, SeekFrom};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use cise_registry::ManifestError;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, Take};

use super::{CHUNK, LayoutError};
use crate::inventory::archive::{Archive, Input, Kind, TarError, clean};

/// The most files of an archive: three for each of many layers.
const MAX_MEMBERS: usize = 100_000;

/// Where the files are.
#[derive(Debug)]
pub(super) struct Store {
    path: PathBuf,
    members: Members,
}

#[derive(Debug)]
enum Members {
    Folder,
    /// Where in the archive each file is: its first byte, and how many it has.
    Archive(BTreeMap<String, (u64, u64)>),
}

/// One file, open.
pub(super) struct Member {
    /// What is read, for errors.
    path: PathBuf,
    bytes: Take<tokio::fs::File>,
}

impl Member {
    /// The next bytes; none at the end.
    pub(super) async fn chunk(&mut self) -> Result<Bytes, LayoutError> {
        let mut chunk = Vec::with_capacity(CHUNK);
        let mut next = (&mut self.bytes).take(CHUNK as u64);
        match next.read_to_end(&mut chunk).await {
            Ok(_) => Ok(chunk.into()),
            Err(error) => Err(LayoutError::read(&self.path, &error)),
        }
    }
}

impl Store {
    pub(super) fn folder(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            members: Members::Folder,
        }
    }

    /// The files of an archive. Links in it are not followed, and of two files with one name the last counts.
    pub(super) fn archive(path: &Path) -> Result<Self, LayoutError> {
        let file = File::open(path).map_err(|error| LayoutError::read(path, &error))?;
        let members = members(file).map_err(|error| LayoutError::Archive {
            path: path.to_owned(),
            why: error.to_string(),
        })?;
        Ok(Self {
            path: path.to_owned(),
            members: Members::Archive(members),
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) async fn open(&self, name: &str) -> Result<Member, LayoutError> {
        let (path, start, length) = match &self.members {
            Members::Folder => (self.path.join(name), 0, u64::MAX),
            Members::Archive(members) => {
                let place = members.get(name).copied();
                let (start, length) = place.ok_or_else(|| self.missing(name))?;
                (self.path.clone(), start, length)
            }
        };
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => self.missing(name),
            _ => LayoutError::read(&path, &error),
        };
        let mut file = tokio::fs::File::open(&path).await.map_err(failed)?;
        file.seek(SeekFrom::Start(start)).await.map_err(failed)?;
        let bytes = file.take(length);
        Ok(Member { path, bytes })
    }

    /// The whole of a small file.
    pub(super) async fn read(&self, name: &str, limit: u64) -> Result<Vec<u8>, LayoutError> {
        let member = self.open(name).await?;
        let mut bytes = Vec::new();
        let read = member.bytes.take(limit + 1).read_to_end(&mut bytes).await;
        read.map_err(|error| LayoutError::read(&member.path, &error))?;
        if bytes.len() as u64 > limit {
            return Err(LayoutError::Large {
                path: self.path.clone(),
                file: name.to_owned(),
                limit,
            });
        }
        Ok(bytes)
    }

    pub(super) fn unusable(&self, file: &str, why: ManifestError) -> LayoutError {
        LayoutError::Manifest {
            path: self.path.clone(),
            file: file.to_owned(),
            why,
        }
    }

    fn missing(&self, file: &str) -> LayoutError {
        LayoutError::Missing {
            path: self.path.clone(),
            file: file.to_owned(),
        }
    }
}

/// Why the files of an archive are not known.
#[derive(Debug, thiserror::Error)]
enum Unlisted {
    #[error(transparent)]
    Read(#[from] io::Error),
    #[error(transparent)]
    Tar(#[from] TarError),
    #[error("it has more than the {MAX_MEMBERS} files that are read of a layout")]
    Members,
}

fn members(file: File) -> Result<BTreeMap<String, (u64, u64)>, Unlisted> {
    let mut archive = Archive::new(Positioned::new(file));
    let mut members = BTreeMap::new();
    while let Some(entry) = archive.next()? {
        if entry.kind == Kind::File {
            let place = (archive.input().position, entry.size);
            members.insert(clean(&entry.path), place);
        }
        if members.len() > MAX_MEMBERS {
            return Err(Unlisted::Members);
        }
    }
    Ok(members)
}

/// A file that knows how far it has been read.
struct Positioned {
    file: BufReader<File>,
    position: u64,
}

impl Positioned {
    fn new(file: File) -> Self {
        Self {
            file: BufReader::with_capacity(CHUNK, file),
            position: 0,
        }
    }
}

impl Input for Positioned {
    type Error = Unlisted;

    fn fill(&mut self) -> Result<&[u8], Unlisted> {
        Ok(self.file.fill_buf()?)
    }

    fn consume(&mut self, amount: usize) {
        self.position += amount as u64;
        self.file.consume(amount);
    }
}
