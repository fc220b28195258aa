//! What shows that an image, or a part of one, was made of a distribution.
//!
//! An image without any such mark has no advisories that could concern it, and is let pass. The net is therefore wide: a file is
//! taken for what its name says, wherever it is.

use serde::{Deserialize, Serialize};

use super::Detector;

/// What a file shows to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Mark {
    /// A file that names a distribution: `os-release`, `alpine-release`, `debian_version`.
    Release,
    /// A part of a package manager's database.
    PackageDatabase,
    /// A package manager.
    PackageManager,
    /// The loader of dynamically linked programs, or its configuration: there are system libraries.
    DynamicLoader,
}

/// Where package managers keep their databases: the last two folders of the path to it.
const DATABASE_FOLDERS: [(&str, &str); 16] = [
    ("lib", "apk"),
    ("lib", "chisel"),
    ("lib", "dpkg"),
    ("lib", "opkg"),
    ("lib", "pacman"),
    ("lib", "rpm"),
    ("lib", "rpmmanifest"),
    ("apk", "db"),
    ("dpkg", "info"),
    ("dpkg", "status.d"),
    ("db", "pkg"),
    ("db", "xbps"),
    ("log", "packages"),
    ("nix", "db"),
    ("share", "rpm"),
    ("sysimage", "rpm"),
];

const PACKAGE_MANAGERS: [&str; 36] = [
    "apk",
    "apk.static",
    "apt",
    "apt-cache",
    "apt-get",
    "aptitude",
    "dnf",
    "dnf-3",
    "dnf4",
    "dnf5",
    "dpkg",
    "dpkg-deb",
    "dpkg-query",
    "emerge",
    "eopkg",
    "guix",
    "installpkg",
    "microdnf",
    "nix-env",
    "nix-store",
    "opkg",
    "opkg-cl",
    "pacman",
    "rpm",
    "rpm-ostree",
    "rpm2archive",
    "rpmdb",
    "rpmkeys",
    "rpmquery",
    "slackpkg",
    "swupd",
    "tdnf",
    "urpmi",
    "xbps-install",
    "yum",
    "zypper",
];

impl Mark {
    /// What the file at `path` shows, by its name and the folders that it is in. Folders themselves show nothing.
    pub fn of(path: &str) -> Option<Self> {
        let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
        if matches!(name, "os-release" | "debian_version") || name.ends_with("-release") {
            Some(Self::Release)
        } else if Detector::of(path).is_some() || is_in_database(folders) {
            Some(Self::PackageDatabase)
        } else if PACKAGE_MANAGERS.contains(&name) {
            Some(Self::PackageManager)
        } else if is_dynamic_loader(name) {
            Some(Self::DynamicLoader)
        } else {
            None
        }
    }
}

fn is_in_database(folders: &str) -> bool {
    let pairs = folders.split('/').zip(folders.split('/').skip(1));
    pairs
        .into_iter()
        .any(|pair| DATABASE_FOLDERS.contains(&pair))
}

/// glibc's `ld-linux-x86-64.so.2`, `ld64.so.2`, `ld-2.31.so`, musl's `ld-musl-x86_64.so.1`, uClibc's `ld-uClibc.so.0`, and
/// `ld.so.cache` beside them; Android's `linker64`.
fn is_dynamic_loader(name: &str) -> bool {
    let begins = ["ld-", "ld.", "ld64.", "ld32."]
        .iter()
        .any(|start| name.starts_with(start));
    (begins && name.contains(".so")) || matches!(name, "linker" | "linker64")
}

#[cfg(test)]
mod tests;
