//! Advisories as OSV publishes them: one JSON record each, of the OSV schema up to 1.7.
//!
//! A record is read whole or refused by name; nothing of it is guessed. What its feeds mean by a package's name, and which of
//! them speak of an image, is in [`ecosystems`] and [`Family`].

mod bounded;
mod event;
mod family;
pub(crate) mod module;
mod notice;
mod record;
mod rejected;
mod releases;
mod severity;
mod specific;
mod vulnerabilities;

pub use family::{Family, Naming};
pub(crate) use notice::{fix_published, is_notice, lacks_revision};
pub use rejected::Rejected;
pub use releases::{Feeds, PackageDatabase, Support, ecosystems, has_numbered_releases};

use jiff::Timestamp;

use crate::{Advisory, Affected, Ecosystem, Range};
use event::RangeRecord;
use record::{AffectedRecord, Moment, PackageRecord, Record};

/// The longest record that is read, in bytes. The longest of real ones, kernels with every version there was, have a few
/// million.
pub const MAX_BYTES: usize = 32 * 1024 * 1024;

/// Reads a record; gives nothing for one that was withdrawn before `now`. One that is to be withdrawn later stands until then.
///
/// What is no range of versions (`GIT`) and what names no package is left out: no package manager's version can be held
/// against it.
pub fn parse(bytes: &[u8], now: Timestamp) -> Result<Option<Advisory>, Rejected> {
    let record = Record::parse(bytes)?;
    if record.withdrawn()?.is_some_and(|since| since <= now) {
        return Ok(None);
    }
    let vulnerabilities = vulnerabilities::of(&record);
    let affected = record
        .affected
        .iter()
        .filter_map(|affected| Some((affected.package.as_ref()?, affected)))
        .map(|(package, affected)| read_affected(&record, package, affected))
        .collect::<Result<_, _>>()?;
    Ok(Some(Advisory {
        vulnerabilities,
        published: record.published.as_ref().and_then(Moment::timestamp),
        modified: record.modified.as_ref().and_then(Moment::timestamp),
        severity: severity::of(&record.severity),
        summary: record.summary.clone().unwrap_or_default().into(),
        affected,
        id: record.id.into(),
    }))
}

fn read_affected(
    record: &Record,
    package: &PackageRecord,
    affected: &AffectedRecord,
) -> Result<Affected, Rejected> {
    let ecosystem = Ecosystem::new(&package.ecosystem);
    check_blanks(record, package)?;
    let ranges: Vec<Range> = affected
        .ranges
        .iter()
        .filter_map(RangeRecord::of_versions)
        .collect();
    let specific = specific::read(record, &ecosystem, affected.ecosystem_specific.as_deref())?;
    Ok(Affected {
        module: module::of(record, package, &ranges),
        package: package.name.clone().into(),
        ranges,
        versions: affected.versions.iter().cloned().map(Into::into).collect(),
        binaries: specific.binaries,
        severity: severity::of(&affected.severity).or(specific.severity),
        ecosystem,
    })
}

/// With a blank at an end, a name of a feed that images are judged by is that of another one, and nothing would match it.
fn check_blanks(record: &Record, package: &PackageRecord) -> Result<(), Rejected> {
    let trimmed = Ecosystem::new(package.ecosystem.trim());
    if Family::of(&trimmed).is_none() {
        return Ok(());
    }
    for (field, name) in [
        ("affected.package.ecosystem", &package.ecosystem),
        ("affected.package.name", &package.name),
    ] {
        if name.trim() != &**name {
            let why = format!("`{}` begins or ends with a blank", &**name);
            return Err(Rejected::shape(Some(&record.id), field, &why));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
