//! One installed package.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A package as the package manager's own database records it.
///
/// Versions are kept as written; they are parsed where they are compared, so that one that cannot be ordered is told by its
/// own text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Package {
    /// The manager that installed it, which decides how its versions are ordered.
    pub manager: Manager,
    /// Its name.
    pub name: Box<str>,
    /// Its version: `[epoch:]upstream[-revision]` of dpkg, `[epoch:]version-release` of rpm, `version-rN` of apk.
    pub version: Box<str>,
    /// Its architecture, as its manager names it.
    pub architecture: Box<str>,
    /// The source package that it was built from: apk's origin, rpm's source RPM. The package itself where it names none.
    pub source: SourcePackage,
    /// Who made it: dpkg's `Maintainer`, rpm's vendor. Empty where the database does not say.
    pub vendor: Box<str>,
    /// The module stream of a modular rpm, `name:stream:version:context:arch`.
    pub module: Option<Box<str>>,
    /// The database that records it, a path in the image without a leading `/`.
    pub recorded_in: Arc<str>,
}

impl Package {
    /// How much memory it takes, about, in bytes: each text has what an allocator adds. The path of the database is shared by all.
    pub(crate) fn weight(&self) -> usize {
        let texts = [
            &self.name,
            &self.version,
            &self.architecture,
            &self.source.name,
            &self.source.version,
            &self.vendor,
        ];
        let texts = texts.into_iter().chain(&self.module);
        size_of::<Self>() + texts.map(|text| text.len() + 16).sum::<usize>()
    }

    /// The source whose versions tell a fix, where the package has other versions than its source: dpkg's advisories speak of
    /// sources, and a binary may have an epoch of its own.
    pub fn source_of_fixes(&self) -> Option<&SourcePackage> {
        let differs = self.manager == Manager::Dpkg && self.source.version != self.version;
        differs.then_some(&self.source)
    }
}

/// What a package was built from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SourcePackage {
    /// The name.
    pub name: Box<str>,
    /// The version, which differs from the binary's where a rebuild or an epoch is the binary's alone.
    pub version: Box<str>,
}

/// A package manager whose databases are read. Language packages are to join as managers of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Manager {
    /// Debian, Ubuntu and the distroless images made of their packages.
    Dpkg,
    /// Alpine, Wolfi, Chainguard.
    Apk,
    /// Red Hat, `AlmaLinux`, Rocky Linux, SUSE and others.
    Rpm,
}

impl fmt::Display for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dpkg => "dpkg",
            Self::Apk => "apk",
            Self::Rpm => "rpm",
        })
    }
}
