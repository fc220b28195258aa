use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::osv::{is_notice, lacks_revision};

/// What an exemption's issue is. The names are those of IBM's interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IssueType {
    /// A vulnerability, by the name that feeds share: mostly its CVE id.
    Cve,
    /// A security notice: one advisory of one feed, such as `DSA-5532-1`.
    Sn,
    /// A finding about the image's configuration.
    Configuration,
}

impl IssueType {
    /// All of them, in the order of IBM's interface.
    pub const ALL: [Self; 3] = [Self::Cve, Self::Sn, Self::Configuration];

    /// Its name for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cve => "cve",
            Self::Sn => "sn",
            Self::Configuration => "configuration",
        }
    }

    /// Its name for people.
    pub fn display_name(self) -> &'static str {
        match self {
            Self::Cve => "CVE",
            Self::Sn => "Security Notice",
            Self::Configuration => "Configuration Issue",
        }
    }

    /// What ids of this type are compared by. No two vulnerabilities and no two notices have ids that differ in the case of their
    /// letters alone, and people write them either way; a setting is named as it is.
    pub fn key(self, id: &str) -> Box<str> {
        match self {
            Self::Cve | Self::Sn => id.to_ascii_uppercase().into(),
            Self::Configuration => id.into(),
        }
    }

    pub(super) fn check(self, id: &IssueId) -> Result<(), IssueIdError> {
        if self == Self::Sn && lacks_revision(id.as_str()) {
            return Err(IssueIdError::NoRevision(id.clone()));
        }
        let is_known = match self {
            Self::Cve => is_vulnerability(id.as_str()),
            Self::Sn => id.as_str().contains('-'),
            Self::Configuration => true,
        };
        if is_known {
            Ok(())
        } else {
            Err(IssueIdError::OtherType {
                id: id.clone(),
                issue_type: self,
            })
        }
    }
}

/// A notice may fix many vulnerabilities, and is exempted as what it is.
fn is_vulnerability(id: &str) -> bool {
    let (prefix, number) = id.split_once('-').unwrap_or_default();
    let is_name = !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_alphabetic());
    is_name && !number.is_empty() && !is_notice(id)
}

impl fmt::Display for IssueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The id of an issue: 1 to 128 letters, digits and `- . _ : + /`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IssueId(Box<str>);

/// Why a text is no id of an issue.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssueIdError {
    /// No issue of any type has such an id.
    #[error("`{0}` is no id of an issue: expected 1 to 128 letters, digits and `- . _ : + /`")]
    Malformed(Box<str>),
    /// It is the number of a notice, of which there may be several.
    #[error("`{0}` names no notice: expected its revision behind the number, as in `{0}-1`")]
    NoRevision(IssueId),
    /// Issues of this type have other ids.
    #[error("`{id}` is no id of type {issue_type}: expected {}", expected(*issue_type))]
    OtherType {
        /// The id.
        id: IssueId,
        /// The type.
        issue_type: IssueType,
    },
}

fn expected(issue_type: IssueType) -> &'static str {
    match issue_type {
        IssueType::Cve => "one such as CVE-2024-5535 or GHSA-4374-p667-p6c8",
        IssueType::Sn => "one such as DSA-5532-1 or RHSA-2024:1234",
        IssueType::Configuration => "one such as application_configuration:mysql.ssl-ca",
    }
}

impl IssueId {
    /// The longest id, in bytes.
    pub const MAX_BYTES: usize = 128;

    /// Parses an id.
    pub fn parse(text: &str) -> Result<Self, IssueIdError> {
        let is_allowed = |byte: u8| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b':' | b'+' | b'/')
        };
        let fits = (1..=Self::MAX_BYTES).contains(&text.len());
        if fits && text.bytes().all(is_allowed) {
            Ok(Self(text.into()))
        } else {
            let start: String = text.chars().take(64).collect();
            Err(IssueIdError::Malformed(
                start.escape_default().to_string().into(),
            ))
        }
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IssueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for IssueId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for IssueId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

impl JsonSchema for IssueId {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "IssueId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "minLength": 1,
            "maxLength": Self::MAX_BYTES,
            "pattern": "^[A-Za-z0-9._:+/-]+$",
        })
    }
}

/// A derived schema would be a choice of schemas, which is not structural.
impl JsonSchema for IssueType {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "IssueType".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "enum": Self::ALL.map(Self::as_str)})
    }
}
