//! What the files of an image say about its packages and its release.
//!
//! Pure parsers of foreign bytes. None panics, recurses deeper than a constant, or takes memory beyond a small multiple of
//! the bytes that it is given; how many bytes that are is the caller's bound. A file that cannot be read to its end is an
//! error, never a shorter list.

mod apk;
mod dpkg;
pub mod fuzzing;
mod header;
mod marks;
mod os_release;
mod record;
mod rpm;
mod sqlite;
mod word;

use std::fs::File;
use std::sync::Arc;

pub use header::{HeaderError, HeaderFault, Tag};
pub use marks::Mark;
pub use os_release::ReleaseError;
pub use record::{RecordError, RecordFault};
pub use rpm::RpmError;
pub use sqlite::SqliteError;

use crate::{Manager, Package, Release};
use sqlite::Content;

/// How many packages are read from one database. Debian, the largest distribution, has about 65,000.
pub const MAX_PACKAGES: usize = 100_000;

/// The folders in which package managers keep their databases, as paths in the image.
///
/// A path below one of them may lead elsewhere through symbolic links; [`Detector::of`] is asked about where it leads.
pub const DATABASE_FOLDERS: [&str; 7] = [
    "var/lib/dpkg",
    "lib/apk/db",
    "usr/lib/apk/db",
    "var/lib/rpm",
    "usr/lib/sysimage/rpm",
    "usr/share/rpm",
    "var/lib/rpmmanifest",
];

/// The files that say which release an image is made of; the first that exists counts (os-release(5)).
pub const RELEASE_FILES: [&str; 2] = ["etc/os-release", "usr/lib/os-release"];

/// A parser for one kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Detector {
    /// dpkg's `status`: all its packages.
    DpkgStatus,
    /// A file of `status.d`: one package of an image that was put together without dpkg, as the distroless images are.
    DpkgControl,
    /// A file of dpkg's `updates`: what an interrupted dpkg had not yet merged into `status`.
    DpkgUpdate,
    /// apk's `installed`.
    ApkInstalled,
    /// rpm's database in sqlite, `rpmdb.sqlite`.
    RpmSqlite,
    /// The log or the journal beside it, which may hold rows that the database itself lacks.
    RpmSqliteLog,
    /// rpm's database up to version 4.15, `Packages`.
    RpmPackages,
    /// rpm's database in SUSE's own form, `Packages.db`.
    RpmNdb,
    /// The list that takes the place of rpm's database in the distroless images of Azure Linux.
    RpmManifest,
    /// `os-release`.
    OsRelease,
}

/// What a file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detected {
    /// Packages; at least one.
    Packages(Vec<Package>),
    /// A package database that is in order and says of no package that it is installed: never filled, or emptied. Beside
    /// another database that has packages it means nothing; alone it hides what the image is made of.
    EmptyDatabase,
    /// The release.
    Release(Release),
    /// Nothing, as the empty log of a database.
    Nothing,
}

/// Why a file could not be read. A phrase that says what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DetectorError {
    /// A text database is broken.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// rpm's database is broken, or of a kind that is not read.
    #[error(transparent)]
    Rpm(#[from] RpmError),
    /// `os-release` is broken.
    #[error(transparent)]
    Release(#[from] ReleaseError),
    /// dpkg was interrupted, and `status` is not all that it knows.
    #[error(
        "dpkg was interrupted and left changes beside its status; `dpkg --configure -a` merges them"
    )]
    UnmergedUpdate,
}

impl Detector {
    /// The parser for the file at `path`, by its name and the names of the folders that it is in: where else they are is a
    /// matter of symbolic links.
    pub fn of(path: &str) -> Option<Self> {
        let mut parts = path.rsplit('/');
        let mut part = || parts.next().unwrap_or_default();
        let (name, parent, above, top) = (part(), part(), part(), part());
        match (name, parent, above, top) {
            ("status", "dpkg", ..) => Some(Self::DpkgStatus),
            ("control", _, "status.d", "dpkg") => Some(Self::DpkgControl),
            (_, "status.d", "dpkg", _) if !name.ends_with(".md5sums") => Some(Self::DpkgControl),
            (_, "updates", "dpkg", _) if is_number(name) => Some(Self::DpkgUpdate),
            ("installed", "db", "apk", _) => Some(Self::ApkInstalled),
            ("rpmdb.sqlite", "rpm", ..) => Some(Self::RpmSqlite),
            ("rpmdb.sqlite-wal" | "rpmdb.sqlite-journal", "rpm", ..) => Some(Self::RpmSqliteLog),
            ("Packages", "rpm", ..) => Some(Self::RpmPackages),
            ("Packages.db", "rpm", ..) => Some(Self::RpmNdb),
            (_, "rpmmanifest", ..) if name.starts_with("container-manifest-") => {
                Some(Self::RpmManifest)
            }
            ("os-release", "etc" | "lib", ..) => Some(Self::OsRelease),
            _ => None,
        }
    }

    /// The package manager whose database it reads.
    pub fn manager(self) -> Option<Manager> {
        match self {
            Self::DpkgStatus | Self::DpkgControl | Self::DpkgUpdate => Some(Manager::Dpkg),
            Self::ApkInstalled => Some(Manager::Apk),
            Self::RpmSqlite
            | Self::RpmSqliteLog
            | Self::RpmPackages
            | Self::RpmNdb
            | Self::RpmManifest => Some(Manager::Rpm),
            Self::OsRelease => None,
        }
    }

    /// Reads the whole content of the file at `path`, a path in the image without a leading `/`.
    pub fn parse(self, path: &str, content: &[u8]) -> Result<Detected, DetectorError> {
        let recorded_in = || Arc::<str>::from(path);
        let packages = match self {
            Self::DpkgStatus => dpkg::status(&recorded_in(), content)?,
            Self::DpkgControl => dpkg::control(&recorded_in(), content)?,
            Self::ApkInstalled => apk::installed(&recorded_in(), content)?,
            Self::RpmSqlite => rpm::sqlite(&recorded_in(), Content::Held(content))?,
            Self::DpkgUpdate | Self::RpmSqliteLog if content.is_empty() => {
                return Ok(Detected::Nothing);
            }
            Self::DpkgUpdate => return Err(DetectorError::UnmergedUpdate),
            Self::RpmSqliteLog => return Err(RpmError::UnmergedLog.into()),
            Self::RpmPackages => return Err(rpm::kind_of_packages(content).into()),
            Self::RpmNdb => return Err(rpm::kind_of_packages_db(content).into()),
            Self::RpmManifest => return Err(RpmError::Manifest.into()),
            Self::OsRelease => return Ok(Detected::Release(os_release::parse(content)?)),
        };
        Ok(Detected::of(packages))
    }

    /// How a file is read that is too large to be held, and is on a disk for the time being. There is no way for kinds that are read
    /// from their beginning to their end.
    pub(crate) fn disk_parser(self) -> Option<FromDisk> {
        (self == Self::RpmSqlite).then_some(rpm_from_disk as FromDisk)
    }
}

/// Reads the whole content of a file of that path in the image, which has so many bytes on a disk.
pub(crate) type FromDisk = fn(&str, &File, u64) -> Result<Detected, DetectorError>;

fn rpm_from_disk(path: &str, file: &File, size: u64) -> Result<Detected, DetectorError> {
    let packages = rpm::sqlite(&Arc::from(path), Content::OnDisk(file, size))?;
    Ok(Detected::of(packages))
}

impl Detected {
    fn of(packages: Vec<Package>) -> Self {
        if packages.is_empty() {
            Self::EmptyDatabase
        } else {
            Self::Packages(packages)
        }
    }
}

impl DetectorError {
    /// What the disk said on which the file was, if that is why it was not read.
    pub(crate) fn of_disk(&self) -> Option<&str> {
        match self {
            Self::Rpm(RpmError::Sqlite(SqliteError::Disk(why))) => Some(why),
            _ => None,
        }
    }
}

fn is_number(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod tests;
