//! Room on a disk for what is too large to be held in memory for a moment.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::Arc;

/// A folder for files that nobody sees: they have no name, and are gone with whoever opened them, however that ends. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Scratch(Arc<Path>);

/// A folder cannot be used for what is too large to be held in memory.
#[derive(Debug, thiserror::Error)]
#[error("the folder {} cannot be used for what is too large to be held in memory: {why}", folder.display())]
pub struct ScratchError {
    folder: Box<Path>,
    why: io::Error,
}

impl Scratch {
    /// That folder, which is made if it is missing, and in which a file can be made.
    pub fn new(folder: &Path) -> Result<Self, ScratchError> {
        let scratch = Self(folder.into());
        let usable = fs::create_dir_all(folder).and_then(|()| scratch.file());
        match usable {
            Ok(_) => Ok(scratch),
            Err(why) => Err(ScratchError {
                folder: folder.into(),
                why,
            }),
        }
    }

    /// An empty file without a name.
    pub(super) fn file(&self) -> io::Result<File> {
        tempfile::tempfile_in(&self.0)
    }
}
