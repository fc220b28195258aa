use std::io;
use std::path::PathBuf;

use cise_reference::{Digest, Repository};
use cise_registry::RegistryError;

use super::succession::Setback;
use crate::database::{DatabaseError, DatabaseFault, SegmentName};

/// Why a database was not pushed or pulled. The one that was in place stays.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArtifactError {
    /// The registry does not do its part.
    #[error(transparent)]
    Registry(Box<RegistryError>),
    /// The database that is pushed, or that was pulled, cannot be read.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// A segment of the database that is pushed is not what was written.
    #[error("the advisory database `{}`: {segment} is damaged", path.display())]
    Damaged {
        /// The database.
        path: PathBuf,
        /// The segment.
        segment: SegmentName,
    },
    /// What the registry has is no database.
    #[error("{repository}@{digest} is no advisory database: {why}")]
    Unfit {
        /// The repository.
        repository: Repository,
        /// What was looked at.
        digest: Digest,
        /// Why it is none.
        why: Unfit,
    },
    /// Nobody vouches for it.
    #[error(
        "{repository}@{digest} is not signed by the given key: it has {signatures} other signatures"
    )]
    NotSigned {
        /// The repository.
        repository: Repository,
        /// What would have to be signed.
        digest: Digest,
        /// How many signatures there are, by others or of other content.
        signatures: usize,
    },
    /// It would be a step back from the database in place.
    #[error("the database in place is not replaced: {}", told(.0))]
    SetBack(Vec<Setback>),
    /// What is in place is something else.
    #[error("`{}` is no advisory database, and is not replaced", .0.display())]
    InPlace(PathBuf),
    /// What is in place cannot be compared with.
    #[error("the advisory database in place, `{}`, cannot be read: {fault}; it may be newer than this one, and is not replaced", path.display())]
    DamagedInPlace {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: DatabaseFault,
    },
    /// A file cannot be read or written.
    #[error("`{}`: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The signature cannot be made.
    #[error("the key cannot sign")]
    Signing,
}

/// Why something in a registry is no database.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// It is a list of images.
    #[error("it is a list of images")]
    Index,
    /// It is an image, or an artifact of another kind.
    #[error("it is of the kind `{0}`")]
    Kind(String),
    /// Its configuration is no manifest of a database.
    #[error("its manifest cannot be read: {0}")]
    Manifest(String),
    /// Its layers are not the segments that the manifest lists.
    #[error("its layers are not those that its manifest lists")]
    Layers,
    /// It is larger than any database should be.
    #[error("it has {bytes} bytes: expected at most {most}")]
    Size {
        /// How many it has.
        bytes: u64,
        /// How many it may have.
        most: u64,
    },
    /// It has more segments than a manifest of a registry may list.
    #[error("it has {segments} segments: expected at most {most}")]
    Segments {
        /// How many it has.
        segments: usize,
        /// How many it may have.
        most: usize,
    },
}

impl ArtifactError {
    /// What may help, where that is more than the message says.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Registry(error) => error.hint(),
            _ => None,
        }
    }
}

impl From<RegistryError> for ArtifactError {
    fn from(error: RegistryError) -> Self {
        Self::Registry(Box::new(error))
    }
}

fn told(setbacks: &[Setback]) -> String {
    let told: Vec<String> = setbacks.iter().map(ToString::to_string).collect();
    told.join("; ")
}
