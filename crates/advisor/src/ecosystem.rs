//! The name by which a feed of advisories goes.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// An ecosystem of OSV with its release, as in `Debian:12`, `Alpine:v3.20`, `AlmaLinux:9`, `Ubuntu:24.04:LTS`.
///
/// It is compared as a whole: `AlmaLinux:9.4` is another ecosystem, of which no feed speaks.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ecosystem(Arc<str>);

impl Ecosystem {
    /// An ecosystem by its full name.
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// The full name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name without its release: `Debian` of `Debian:12`.
    pub fn family(&self) -> &str {
        self.0
            .split_once(':')
            .map_or(&*self.0, |(family, _)| family)
    }
}

impl fmt::Display for Ecosystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
