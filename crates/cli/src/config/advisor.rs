//! The Vulnerability Advisor that is part of this program.

use std::path::PathBuf;
use std::sync::Arc;

use cise_registry::Channel;

/// Where the advisory database is, and how much the advisor does.
#[derive(Clone, Debug)]
pub(crate) struct AdvisorSettings {
    /// The advisory database; nothing, if there is none.
    pub(crate) database: Option<PathBuf>,
    /// The advisor as a program of its own; nothing, if this one judges images.
    pub(crate) service: Option<AdvisorService>,
    /// What the advisor judges, and how much it does at once.
    pub(crate) work: cise_advisor::Settings,
}

/// How the advisor is reached where it is a program of its own.
#[derive(Clone, Debug)]
pub(crate) struct AdvisorService {
    pub(crate) url: Arc<str>,
    /// The host of the URL, without its port.
    pub(crate) host: String,
    /// The way to it; nothing, if CISE's own authority vouches for it.
    pub(crate) channel: Option<Channel>,
    pub(crate) token_file: PathBuf,
}

impl AdvisorSettings {
    /// The host of the advisor, if it is a program of its own.
    pub(crate) fn host(&self) -> Option<&str> {
        self.service.as_ref().map(|service| &*service.host)
    }
}
