use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What forgives a vulnerability of a package: a statement, who answers for it, and how that is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Grant {
    /// The document, by its `@id`.
    pub document: Box<str>,
    /// Who wrote it, as the document says.
    pub author: Box<str>,
    /// What it says.
    pub status: Forgiveness,
    /// Why, where that has to be said: a justification, a sentence, or both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub justification: Option<Box<str>>,
    /// Since when.
    pub stated_at: Timestamp,
    /// The configured key that has signed it, with its fingerprint.
    pub key: Box<str>,
    /// The digest of the manifest that it came with.
    pub attached_as: Box<str>,
}

/// The statuses that forgive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Forgiveness {
    /// The product does not have the vulnerability, or it cannot be used.
    NotAffected,
    /// The product has a remedy.
    Fixed,
}

impl Forgiveness {
    /// Its name in the format.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotAffected => "not_affected",
            Self::Fixed => "fixed",
        }
    }
}
