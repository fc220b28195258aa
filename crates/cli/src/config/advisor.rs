//! The Vulnerability Advisor that is part of this program.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cise_advisor::database::artifact::Trust;
use cise_reference::Repository;
use cise_registry::Tls;

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

/// How the advisor is reached where it is a program of its own.
#[derive(Clone, Debug)]
pub(crate) struct AdvisorService {
    pub(crate) url: Arc<str>,
    /// The host of the URL, without its port.
    pub(crate) host: String,
    /// Who vouches for it; nothing, if CISE's own authority does.
    pub(crate) tls: Option<Tls>,
    pub(crate) token_file: PathBuf,
}

impl AdvisorSettings {
    /// The host of the advisor, if it is a program of its own.
    pub(crate) fn host(&self) -> Option<&str> {
        self.service.as_ref().map(|service| &*service.host)
    }
}
