//! The Vulnerability Advisor that is part of this program.

use std::path::PathBuf;

/// Where the advisory database is, and how much the advisor does.
#[derive(Clone, Debug)]
pub(crate) struct AdvisorSettings {
    /// The advisory database; nothing, if there is none.
    pub(crate) database: Option<PathBuf>,
    /// What the advisor judges, and how much it does at once.
    pub(crate) work: cise_advisor::Settings,
}
