//! A record as it is written, as far as anything of it is used. What the schema lets a feed add is passed over.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::bounded::{self, Line, Word};
use super::event::RangeRecord;
use super::{MAX_BYTES, Rejected};

/// The most ids in a list of them. Notices of kernels have a thousand.
const MAX_IDS: usize = 20_000;
/// The most packages of a record. Notices for products of many parts have several thousand.
const MAX_AFFECTED: usize = 100_000;
/// The most ranges of a package.
const MAX_RANGES: usize = 10_000;
/// The most versions of a package that are listed one by one.
const MAX_VERSIONS: usize = 100_000;
const MAX_SEVERITIES: usize = 100;

#[derive(Debug, Deserialize)]
pub(super) struct Record {
    pub(super) id: Word,
    #[serde(default)]
    pub(super) modified: Option<Moment>,
    #[serde(default)]
    pub(super) published: Option<Moment>,
    #[serde(default)]
    withdrawn: Option<Word>,
    #[serde(default, deserialize_with = "bounded::list::<_, _, MAX_IDS>")]
    pub(super) aliases: Vec<Word>,
    #[serde(default, deserialize_with = "bounded::list::<_, _, MAX_IDS>")]
    pub(super) upstream: Vec<Word>,
    #[serde(default, deserialize_with = "bounded::list::<_, _, MAX_IDS>")]
    pub(super) related: Vec<Word>,
    #[serde(default)]
    pub(super) summary: Option<Line>,
    #[serde(default, deserialize_with = "bounded::list::<_, _, MAX_SEVERITIES>")]
    pub(super) severity: Vec<SeverityRecord>,
    #[serde(default, deserialize_with = "bounded::list::<_, _, MAX_AFFECTED>")]
    pub(super) affected: Vec<AffectedRecord>,
}

/// A point in time, as it is written. No verdict depends on when a record was changed, so that one that cannot be read is
/// like one that is not stated.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Moment(Word);

impl Moment {
    /// The first day of 1999, when the list of vulnerabilities began. Some feeds write the year 1 where they do not know.
    const FIRST: Timestamp = Timestamp::constant(915_148_800, 0);

    /// The time, unless it cannot be read, or cannot be.
    pub(super) fn timestamp(&self) -> Option<Timestamp> {
        let time: Option<Timestamp> = self.0.parse().ok();
        time.filter(|time| *time >= Self::FIRST)
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct SeverityRecord {
    #[serde(rename = "type")]
    pub(super) kind: Word,
    pub(super) score: Word,
}

#[derive(Debug, Deserialize)]
pub(super) struct AffectedRecord {
    #[serde(default)]
    pub(super) package: Option<PackageRecord>,
    #[serde(default, deserialize_with = "bounded::list::<_, _, MAX_RANGES>")]
    pub(super) ranges: Vec<RangeRecord>,
    #[serde(default, deserialize_with = "bounded::list::<_, _, MAX_VERSIONS>")]
    pub(super) versions: Vec<Word>,
    #[serde(default, deserialize_with = "bounded::list::<_, _, MAX_SEVERITIES>")]
    pub(super) severity: Vec<SeverityRecord>,
    /// Read by the feeds that say what is in it.
    #[serde(default)]
    pub(super) ecosystem_specific: Option<Box<RawValue>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct PackageRecord {
    pub(super) ecosystem: Word,
    pub(super) name: Word,
    #[serde(default)]
    pub(super) purl: Option<Word>,
}

impl Record {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Rejected> {
        if bytes.len() > MAX_BYTES {
            return Err(Rejected::TooLong { bytes: bytes.len() });
        }
        let mut deserializer = serde_json::Deserializer::from_slice(bytes);
        let record: Self =
            serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
                let field = error.path().to_string();
                Rejected::shape(id(bytes).as_deref(), &field, &error.inner().to_string())
            })?;
        match deserializer.end() {
            Ok(()) => Ok(record),
            Err(error) => Err(Rejected::shape(Some(&record.id), ".", &error.to_string())),
        }
    }
}

impl Record {
    /// Since when it is withdrawn, if it is. What cannot be read takes no advisory away.
    pub(super) fn withdrawn(&self) -> Result<Option<Timestamp>, Rejected> {
        let read = |written: &Word| {
            written.parse().map_err(|_| {
                let why = format!(
                    "`{}` is no time: expected one as in `2026-01-31T12:00:00Z`",
                    &**written
                );
                Rejected::shape(Some(&self.id), "withdrawn", &why)
            })
        };
        self.withdrawn.as_ref().map(read).transpose()
    }
}

/// The id of a record that has one, whatever else is wrong with it.
fn id(bytes: &[u8]) -> Option<Word> {
    #[derive(Deserialize)]
    struct Named {
        id: Word,
    }
    let named: Option<Named> = serde_json::from_slice(bytes).ok();
    named.map(|named| named.id)
}
