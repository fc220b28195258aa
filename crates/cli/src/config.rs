//! The configuration: read once, checked in full, and split into what each floor needs.

mod advisor;
mod check;
mod cluster;
#[cfg(test)]
mod docs;
mod file;

use std::path::Path;

use cise_admission::Settings;
use cise_manifests::{Manifest, ManifestError, Place};
use cise_registry::{FlightBounds, ProxyError, Registries, RegistryLimits};
use cise_signature::notary::{NotarySettings, Presets, TrustServers};

pub(crate) use advisor::{
    AdvisorService, AdvisorSettings, DatabasePull, FOLDER_MIB, FolderSettings, PlatformChoice,
    Vouched,
};
pub(crate) use cluster::{Certificate, ClusterSettings, Defaults};

/// The configuration, in the terms of those who act by it.
pub(crate) struct Configuration {
    pub(crate) admission: Settings,
    pub(crate) advisor: AdvisorSettings,
    pub(crate) registries: Registries,
    pub(crate) registry: RegistryLimits,
    pub(crate) trust_servers: TrustServers,
    pub(crate) presets: Presets,
    pub(crate) notary: NotarySettings,
    /// How much of anything is under way.
    pub(crate) flights: FlightBounds,
    /// How many reviews are answered at the same time.
    pub(crate) reviews: usize,
    /// How many roots of trust are pinned at most.
    pub(crate) trusted_repositories: usize,
    /// How the server is a citizen of its cluster; nothing, if it is none.
    pub(crate) cluster: Option<ClusterSettings>,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigurationError {
    /// The file cannot be read, or is not what a configuration looks like.
    #[error(transparent)]
    File(#[from] ManifestError),
    /// A field has the right type and a value that cannot be used.
    #[error("{place}: {field}: {why}")]
    Field {
        /// Where it is.
        place: Place,
        /// The field, as in `registries[0].caFile`.
        field: String,
        /// What is wrong, and what was expected.
        why: String,
    },
    /// The environment names a proxy that cannot be used.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
}

impl Configuration {
    /// Reads the file; without one, everything has its default.
    pub(crate) fn read(path: Option<&Path>) -> Result<Self, ConfigurationError> {
        let Some(path) = path else {
            return check::configuration(
                &Manifest::read_from("the default configuration", &b""[..])?,
                Path::new("."),
            );
        };
        let manifest = Manifest::read_file(path)?;
        check::configuration(&manifest, path.parent().unwrap_or_else(|| Path::new(".")))
    }
}

#[cfg(test)]
mod tests;
