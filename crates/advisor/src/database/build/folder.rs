//! A folder of records: its `*.json` files, without those in folders below it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::error::BuildError;
use super::records::{RecordError, Records, Wanted, read_bounded};
use crate::database::hash::{Hashing, Sha256};

/// The most records that a folder may have; more belong into an archive.
const MAX_FILES: usize = 1_000_000;

/// A folder that was listed.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// The names of its records, sorted.
    names: Vec<Box<str>>,
}

impl Folder {
    pub(crate) fn list(path: &Path) -> Result<Self, BuildError> {
        let names = names(path).map_err(|source| BuildError::Source {
            path: path.to_owned(),
            source,
        })?;
        if names.len() > MAX_FILES {
            return Err(BuildError::TooManyRecords {
                path: path.to_owned(),
                most: MAX_FILES as u64,
            });
        }
        Ok(Self {
            path: path.to_owned(),
            names,
        })
    }

    /// The hash of the names and the hashes of the records.
    pub(crate) fn digest(&self) -> Result<Sha256, BuildError> {
        self.hash().map_err(|source| BuildError::Source {
            path: self.path.clone(),
            source,
        })
    }

    fn hash(&self) -> io::Result<Sha256> {
        let mut all = Hashing::new(io::sink());
        for name in &self.names {
            let mut one = Hashing::new(io::sink());
            io::copy(&mut self.open(name)?, &mut one)?;
            all.write_all(name.as_bytes())?;
            all.write_all(&[0])?;
            all.write_all(one.finish().0.as_bytes())?;
        }
        Ok(all.finish().0)
    }

    fn open(&self, name: &str) -> io::Result<File> {
        File::open(self.path.join(name))
    }
}

/// One name more than there may be at most.
fn names(path: &Path) -> io::Result<Vec<Box<str>>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path)? {
        if let Ok(name) = entry?.file_name().into_string()
            && Path::new(&name)
                .extension()
                .is_some_and(|extension| extension == "json")
        {
            names.push(name.into());
        }
        if names.len() > MAX_FILES {
            break;
        }
    }
    names.sort_unstable();
    Ok(names)
}

impl Records for Folder {
    type Entry = Box<str>;

    fn path(&self) -> &Path {
        &self.path
    }

    fn bytes(&self) -> u64 {
        self.names.len() as u64
    }

    fn list(&self, each: &mut dyn FnMut(Box<str>) -> Wanted) -> Result<(), BuildError> {
        for name in &self.names {
            if each(name.clone()) == Wanted::Enough {
                break;
            }
        }
        Ok(())
    }

    fn name(entry: &Box<str>) -> &str {
        entry
    }

    fn weight(_: &Box<str>) -> u64 {
        1
    }

    fn read(&self, entry: &Box<str>, into: &mut Vec<u8>) -> Result<(), RecordError> {
        let file = self.open(entry).map_err(RecordError::Source)?;
        match read_bounded(file, into) {
            Ok(true) => Ok(()),
            Ok(false) => Err(RecordError::too_large()),
            Err(error) => Err(RecordError::Source(error)),
        }
    }
}
