//! The files of a repository on the trust server, and what came of fetching them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use cise_registry::FetchError;

use super::tuf::RoleName;

/// A file below `/v2/<gun>/_trust/tuf/`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FileName {
    /// The current file of a role, `targets/alice.json`.
    Current(RoleName),
    /// The file of a role with that SHA-256, `targets/alice.<checksum>.json`.
    Checksummed(RoleName, String),
    /// An old root, `2.root.json`.
    Root(u64),
}

impl FileName {
    /// The role whose file it is.
    pub(crate) fn role(&self) -> RoleName {
        match self {
            Self::Current(role) | Self::Checksummed(role, _) => role.clone(),
            Self::Root(_) => RoleName::root(),
        }
    }

    /// The most bytes that are read of it.
    pub(crate) fn limit(&self) -> usize {
        const KIB: usize = 1 << 10;
        match self.role().as_str() {
            "timestamp" => 64 * KIB,
            "root" => 512 * KIB,
            "snapshot" => 1024 * KIB,
            _ => 4 * 1024 * KIB,
        }
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Current(role) => write!(f, "{role}.json"),
            Self::Checksummed(role, checksum) => write!(f, "{role}.{checksum}.json"),
            Self::Root(version) => write!(f, "{version}.root.json"),
        }
    }
}

/// What the server answered for one file.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// The file, as it was served.
    Bytes(Bytes),
    /// The server has no such file.
    NotFound,
    /// It is larger than such a file may be.
    TooLarge,
    /// It could not be fetched. That matters only if the file turns out to be needed.
    Failed(Arc<FetchError>),
}

/// The files at hand, by name.
#[derive(Debug, Default)]
pub(crate) struct Files(BTreeMap<FileName, Answer>);

impl Files {
    /// The answer for a file, if it was asked for.
    pub(crate) fn get(&self, name: &FileName) -> Option<&Answer> {
        self.0.get(name)
    }

    /// The bytes of a file, if they are at hand.
    pub(crate) fn bytes(&self, name: &FileName) -> Option<&Bytes> {
        match self.get(name) {
            Some(Answer::Bytes(bytes)) => Some(bytes),
            _ => None,
        }
    }

    /// How many bytes are at hand.
    pub(crate) fn size(&self) -> usize {
        let sizes = self.0.values().map(|answer| match answer {
            Answer::Bytes(bytes) => bytes.len(),
            _ => 0,
        });
        sizes.sum()
    }

    /// Adds what was fetched.
    pub(crate) fn extend(&mut self, fetched: impl IntoIterator<Item = (FileName, Answer)>) {
        self.0.extend(fetched);
    }
}
