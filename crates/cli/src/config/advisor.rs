//! The Vulnerability Advisor that is part of this program.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cise_advisor::database::artifact::Trust;
use cise_reference::Repository;
use cise_registry::Tls;
use jiff::SignedDuration;

/// Where the advisory database is, and how much the advisor does.
#[derive(Clone, Debug)]
pub(crate) struct AdvisorSettings {
    /// The advisory database; nothing, if there is none.
    pub(crate) database: Option<PathBuf>,
    /// Where the database is pulled from; nothing, if somebody else puts it there.
    pub(crate) pull: Option<DatabasePull>,
    /// The advisor as a program of its own; nothing, if this one judges images.
    pub(crate) service: Option<AdvisorService>,
    /// Who says for which platforms images are judged.
    pub(crate) platforms: PlatformChoice,
    /// Where is kept what layers say; nothing, if only in memory.
    pub(crate) cache: Option<FolderSettings>,
    /// Where there is room for what is too large to be held in memory; nothing, if nowhere.
    pub(crate) scratch: Option<FolderSettings>,
    /// For how long what was admitted is admitted again, if it is.
    pub(crate) already_admitted: Option<SignedDuration>,
    /// What the advisor judges, and how much it does at once.
    pub(crate) work: cise_advisor::Settings,
}

/// Who says for which platforms images are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PlatformChoice {
    /// The configuration.
    Named,
    /// The nodes of the cluster, where there is one.
    OfNodes,
}

/// Where the advisory database is pulled from, why it is trusted, and how often it is looked for.
#[derive(Clone, Debug)]
pub(crate) struct DatabasePull {
    pub(crate) repository: Repository,
    pub(crate) trust: Trust,
    pub(crate) every: Duration,
}

/// A folder that the advisor may fill.
#[derive(Clone, Debug)]
pub(crate) struct FolderSettings {
    pub(crate) folder: PathBuf,
    /// The most bytes that it takes.
    pub(crate) bytes: u64,
}

/// How the advisor is reached where it is a program of its own.
#[derive(Clone, Debug)]
pub(crate) struct AdvisorService {
    pub(crate) url: Arc<str>,
    /// The host of the URL, without its port.
    pub(crate) host: String,
    /// Who vouches for it; nothing, if CISE's own authority does.
    pub(crate) vouched: Option<Vouched>,
    pub(crate) token_file: PathBuf,
}

/// An authority that somebody else keeps.
#[derive(Clone, Debug)]
pub(crate) struct Vouched {
    /// Its file.
    pub(crate) file: PathBuf,
    /// What it vouches for is trusted so, as the file was read first.
    pub(crate) tls: Tls,
}

/// The most MiB that such a folder takes, unless the configuration says: what some ten thousand layers say, or a very large database.
pub(crate) const FOLDER_MIB: u32 = 1024;
const FOLDER_BYTES: u64 = (FOLDER_MIB as u64) << 20;

impl FolderSettings {
    /// That folder, whatever the configuration names, with the bound that it has.
    fn named(folder: &Path, configured: Option<&Self>) -> Self {
        let bounded = configured.map(|configured| configured.bytes);
        Self {
            folder: folder.to_owned(),
            bytes: bounded.unwrap_or(FOLDER_BYTES),
        }
    }
}

impl AdvisorSettings {
    /// Has what layers say kept in this folder.
    pub(crate) fn keep_layers_in(&mut self, folder: &Path) {
        self.cache = Some(FolderSettings::named(folder, self.cache.as_ref()));
    }

    /// Has what is too large to be held in memory put into this folder.
    pub(crate) fn put_large_files_into(&mut self, folder: &Path) {
        self.scratch = Some(FolderSettings::named(folder, self.scratch.as_ref()));
    }

    /// The host of the advisor, if it is a program of its own.
    pub(crate) fn host(&self) -> Option<&str> {
        self.service.as_ref().map(|service| &*service.host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_names_another_folder_and_leaves_the_bound() {
        let configured = FolderSettings {
            folder: "configured".into(),
            bytes: 7,
        };
        let named = FolderSettings::named(Path::new("named"), Some(&configured));
        assert_eq!((named.folder, named.bytes), ("named".into(), 7));
        let alone = FolderSettings::named(Path::new("named"), None);
        assert_eq!(alone.bytes, 1 << 30);
    }
}
