//! A zip archive of records, as OSV exports them. Its directory is streamed: an archive of a million records takes no memory.

use std::fs::File;
use std::path::{Path, PathBuf};

use flate2::read::DeflateDecoder;
use rawzip::{
    CompressionMethod, ErrorKind, FileReader, MAX_CENTRAL_DIRECTORY_RECORD_SIZE, ZipArchive,
    ZipArchiveEntryWayfinder, ZipFileHeaderRecord,
};

use super::error::BuildError;
use super::records::{MAX_RECORDS, RecordError, Records, Wanted, read_bounded};

/// An open archive.
#[derive(Debug)]
pub(crate) struct Archive {
    path: PathBuf,
    bytes: u64,
    zip: ZipArchive<FileReader>,
}

/// A record in an archive.
#[derive(Debug)]
pub(crate) struct ArchiveEntry {
    name: Box<str>,
    method: CompressionMethod,
    place: ZipArchiveEntryWayfinder,
}

impl Archive {
    pub(crate) fn open(path: &Path) -> Result<Self, BuildError> {
        let failed = |source| BuildError::Source {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(failed)?;
        let bytes = file.metadata().map_err(failed)?.len();
        let zip = ZipArchive::from_file(file, &mut directory_buffer()).map_err(|source| {
            BuildError::Archive {
                path: path.to_owned(),
                source,
            }
        })?;
        Ok(Self {
            path: path.to_owned(),
            bytes,
            zip,
        })
    }

    fn damaged(&self, source: rawzip::Error) -> BuildError {
        BuildError::Archive {
            path: self.path.clone(),
            source,
        }
    }
}

fn directory_buffer() -> Vec<u8> {
    vec![0; MAX_CENTRAL_DIRECTORY_RECORD_SIZE]
}

/// The record that a header speaks of; nothing for a folder or another file.
fn entry(header: &ZipFileHeaderRecord<'_>) -> Option<ArchiveEntry> {
    let name = String::from_utf8_lossy(header.file_path().as_bytes());
    name.ends_with(".json").then(|| ArchiveEntry {
        name: name.into(),
        method: header.compression_method(),
        place: header.wayfinder(),
    })
}

impl Records for Archive {
    type Entry = ArchiveEntry;

    fn path(&self) -> &Path {
        &self.path
    }

    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn list(&self, each: &mut dyn FnMut(ArchiveEntry) -> Wanted) -> Result<(), BuildError> {
        let mut buffer = directory_buffer();
        let mut entries = self.zip.entries(&mut buffer);
        let mut count = 0;
        while let Some(header) = entries.next_entry().map_err(|error| self.damaged(error))? {
            count += 1;
            if count > MAX_RECORDS {
                return Err(BuildError::TooManyRecords {
                    path: self.path.clone(),
                    most: MAX_RECORDS,
                });
            }
            if entry(&header).is_some_and(|entry| each(entry) == Wanted::Enough) {
                break;
            }
        }
        Ok(())
    }

    fn name(entry: &ArchiveEntry) -> &str {
        &entry.name
    }

    fn weight(entry: &ArchiveEntry) -> u64 {
        entry.place.compressed_size_hint()
    }

    fn read(&self, entry: &ArchiveEntry, into: &mut Vec<u8>) -> Result<(), RecordError> {
        let found = self.zip.get_entry(entry.place).map_err(fault)?;
        let packed = found.reader();
        let within = match entry.method {
            CompressionMethod::STORE => read_bounded(found.verifying_reader(packed), into),
            CompressionMethod::DEFLATE => {
                read_bounded(found.verifying_reader(DeflateDecoder::new(packed)), into)
            }
            other => {
                let why = format!(
                    "it is compressed by method {}: expected deflate",
                    other.as_u16()
                );
                return Err(RecordError::Damaged(why.into()));
            }
        };
        match within {
            Ok(true) => Ok(()),
            Ok(false) => Err(RecordError::too_large()),
            Err(error) => Err(RecordError::Damaged(error.to_string().into())),
        }
    }
}

fn fault(error: rawzip::Error) -> RecordError {
    match error.into_kind() {
        ErrorKind::IO(error) => RecordError::Source(error),
        other => RecordError::Damaged(other.to_string().into()),
    }
}
