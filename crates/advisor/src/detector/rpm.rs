//! rpm's database: one header for each package.

use std::sync::Arc;

use super::MAX_PACKAGES;
use super::header::{Header, HeaderError, HeaderFault, Tag};
use super::sqlite::{Content, Row, Sqlite, SqliteError};
use super::word;
use crate::{Manager, Package, SourcePackage};

/// The table of rpm's headers (`lib/backend/sqlite.c` of rpm).
pub(super) const TABLE: &str = "Packages";

/// rpm keeps the keys that it trusts beside the packages, under this name.
const KEY: &str = "gpg-pubkey";

/// Why rpm's database cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RpmError {
    /// It is not a sound database of sqlite.
    #[error("as a database of sqlite, {0}")]
    Sqlite(#[from] SqliteError),
    /// A row has other columns than rpm's.
    #[error("row {row} of its table `{TABLE}` is not a number and a header")]
    BadRow {
        /// The row's id.
        row: i64,
    },
    /// A header is broken.
    #[error("the header in row {row} is broken: {fault}")]
    BadHeader {
        /// The row's id.
        row: i64,
        /// What is wrong with it.
        fault: HeaderError,
    },
    /// More packages than are read.
    #[error("more than {MAX_PACKAGES} packages")]
    TooManyPackages,
    /// A log of sqlite beside the database is not empty.
    #[error(
        "changes are in a log beside it and not yet in the database; `rpm --rebuilddb` merges them"
    )]
    UnmergedLog,
    /// Up to version 4.15, rpm used Berkeley DB.
    #[error(
        "it is in the form of Berkeley DB, which is not read; `rpm --rebuilddb` of rpm 4.16 or later converts it"
    )]
    BerkeleyDb,
    /// SUSE's rpm uses a database of its own.
    #[error(
        "it is in the form of ndb, which is not read; `rpm --rebuilddb` with `_db_backend` sqlite converts it"
    )]
    Ndb,
    /// A file with the name of a database is none.
    #[error("it is of no kind that rpm is known to use")]
    UnknownKind,
    /// The image has a list of its packages instead of a database.
    #[error("it is a list in the place of rpm's database, which is not read")]
    Manifest,
}

/// The packages of `rpmdb.sqlite`.
pub(super) fn sqlite(path: &Arc<str>, content: Content<'_>) -> Result<Vec<Package>, RpmError> {
    let mut packages = Vec::new();
    Sqlite::open(content)?.rows(TABLE, &mut |row: &Row<'_>| {
        // The first column is the row's id, which sqlite stores in its place.
        let header = row.blob(1).filter(|_| row.columns() == 2);
        let header = header.ok_or(RpmError::BadRow { row: row.id })?;
        let package =
            package(path, header).map_err(|fault| RpmError::BadHeader { row: row.id, fault })?;
        packages.extend(package);
        if packages.len() > MAX_PACKAGES {
            return Err(RpmError::TooManyPackages);
        }
        Ok(())
    })?;
    Ok(packages)
}

/// The package of a header, unless it is a key.
pub(super) fn package(path: &Arc<str>, header: &[u8]) -> Result<Option<Package>, HeaderError> {
    let header = Header::parse(header)?;
    let name = required(&header, Tag::Name)?;
    if name == KEY {
        return Ok(None);
    }
    let evr = version(&header)?;
    let source = header.string(Tag::SourceRpm)?.and_then(source);
    Ok(Some(Package {
        manager: Manager::Rpm,
        name: name.into(),
        architecture: required(&header, Tag::Arch)?.into(),
        source: source.unwrap_or_else(|| SourcePackage {
            name: name.into(),
            version: evr.clone(),
        }),
        version: evr,
        vendor: header
            .string(Tag::Vendor)?
            .map(word::text)
            .unwrap_or_default(),
        module: optional(&header, Tag::ModularityLabel)?.map(Into::into),
        recorded_in: Arc::clone(path),
    }))
}

/// `[epoch:]version[-release]`. No epoch is the epoch 0 (rpm-version(7)); an empty release is what packers other than
/// rpmbuild write where they were told none.
fn version(header: &Header<'_>) -> Result<Box<str>, HeaderError> {
    let epoch = match header.number(Tag::Epoch)? {
        None | Some(0) => String::new(),
        Some(epoch) => format!("{epoch}:"),
    };
    let version = required(header, Tag::Version)?;
    let release = match header.string(Tag::Release)? {
        Some([]) => String::new(),
        _ => format!("-{}", required(header, Tag::Release)?),
    };
    Ok(format!("{epoch}{version}{release}").into())
}

/// Name and version of `name-version-release.src.rpm`. Packers other than rpmbuild write other things there; of those
/// packages the binary is all that is known.
fn source(file: &[u8]) -> Option<SourcePackage> {
    let file = word::word(file)?;
    let stem = file
        .strip_suffix(".src.rpm")
        .or_else(|| file.strip_suffix(".nosrc.rpm"))?;
    let (before_release, _) = stem.rsplit_once('-')?;
    let (name, _) = before_release
        .rsplit_once('-')
        .filter(|(name, version)| !name.is_empty() && !version.is_empty())?;
    let version = stem
        .get(name.len() + 1..)
        .filter(|version| !version.ends_with('-'))?;
    Some(SourcePackage {
        name: name.into(),
        version: version.into(),
    })
}

fn required<'a>(header: &Header<'a>, tag: Tag) -> Result<&'a str, HeaderError> {
    optional(header, tag)?.ok_or_else(|| HeaderFault::Missing.of(tag))
}

fn optional<'a>(header: &Header<'a>, tag: Tag) -> Result<Option<&'a str>, HeaderError> {
    let word = |value| word::word(value).ok_or_else(|| HeaderFault::BadValue.of(tag));
    header.string(tag)?.map(word).transpose()
}

/// What a file `Packages` is: a hash or a tree of Berkeley DB, by the magic number in its first page, in either byte order.
pub(super) fn kind_of_packages(content: &[u8]) -> RpmError {
    const MAGICS: [u32; 2] = [0x0006_1561, 0x0005_3162];
    let magic = content.get(12..).and_then(|rest| rest.first_chunk());
    let is_magic = |bytes: &[u8; 4]| {
        MAGICS.contains(&u32::from_le_bytes(*bytes)) || MAGICS.contains(&u32::from_be_bytes(*bytes))
    };
    magic
        .filter(|bytes| is_magic(bytes))
        .map_or(RpmError::UnknownKind, |_| RpmError::BerkeleyDb)
}

/// What a file `Packages.db` is: ndb, by the magic number at its start (`lib/backend/ndb/rpmpkg.c` of rpm).
pub(super) fn kind_of_packages_db(content: &[u8]) -> RpmError {
    if content.starts_with(b"RpmP") {
        RpmError::Ndb
    } else {
        RpmError::UnknownKind
    }
}

#[cfg(test)]
mod tests;
