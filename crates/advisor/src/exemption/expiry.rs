use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// When an exemption ends: a date (`2026-12-31`), through its last second in UTC, or a point in time
/// (`2026-12-31T18:00:00Z`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiry {
    written: Box<str>,
    at: Timestamp,
}

/// Why a text is no end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no end: expected a date, as in 2026-12-31, or a time in RFC 3339, as in 2026-12-31T18:00:00Z"
)]
pub struct ExpiryError(Box<str>);

impl Expiry {
    /// The longest text, in bytes: a time with nanoseconds and an offset.
    pub const MAX_BYTES: usize = 40;

    /// Parses a date or a time.
    pub fn parse(text: &str) -> Result<Self, ExpiryError> {
        let at = if text.len() == DATE.len() {
            end_of_day(text)
        } else if text.len() <= Self::MAX_BYTES {
            Timestamp::from_str(text).ok()
        } else {
            None
        };
        let written = text.into();
        at.map(|at| Self { written, at })
            .ok_or_else(|| ExpiryError(excerpt(text)))
    }

    /// The first moment in which it holds no more.
    pub fn at(&self) -> Timestamp {
        self.at
    }
}

const DATE: &str = "2026-12-31";

fn end_of_day(text: &str) -> Option<Timestamp> {
    let day: Date = text.parse().ok()?;
    let next = day.tomorrow().ok()?.to_zoned(TimeZone::UTC).ok()?;
    Some(next.timestamp())
}

fn excerpt(text: &str) -> Box<str> {
    let start: String = text.chars().take(Expiry::MAX_BYTES).collect();
    start.escape_default().to_string().into()
}

/// As it was written.
impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl Serialize for Expiry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.written)
    }
}

impl<'de> Deserialize<'de> for Expiry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

impl JsonSchema for Expiry {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Expiry".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "minLength": DATE.len(),
            "maxLength": Self::MAX_BYTES,
            "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt][0-9:.]+([Zz]|[+-][0-9]{2}:[0-9]{2}))?$",
        })
    }
}
