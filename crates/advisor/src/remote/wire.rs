use std::sync::Arc;

use cise_registry::{Amount, ByteLimit};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Urgency;
use crate::assessment::{Examination, Rules};
use crate::inventory::Platform;

/// Where questions are posted.
pub const PATH: &str = "/va/api/cise/v1/assess";

/// For whom the tokens have to be made that callers show.
pub const AUDIENCE: &str = "cise-advisor";

/// The most bytes of a question: a reference, and some credentials of its registry.
pub const MAX_QUESTION: u32 = 256 << 10;

/// The most bytes of an answer: some thousands of issues on several platforms.
pub(super) const MAX_ANSWER: ByteLimit = ByteLimit::mebibytes(16);

/// The most credentials that may do for one repository.
pub(super) const MAX_CREDENTIALS: usize = 32;

/// The most platforms that are asked about at once.
pub const MAX_PLATFORMS: usize = 16;

/// A question.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Asked {
    /// The image, as a reference.
    pub(super) reference: Box<str>,
    /// What would run.
    pub(super) digest: Box<str>,
    /// The platforms whose images are judged; by default, the advisor's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) platforms: Option<Vec<Platform>>,
    /// For whose pods it is: questions are taken in turns by it.
    pub(super) namespace: Box<str>,
    /// What counts.
    pub(super) rules: Rules,
    /// Whether somebody waits for the answer.
    #[serde(default)]
    pub(super) urgency: Urgency,
    /// The pull credentials of the repository, each a docker configuration.
    #[serde(default)]
    pub(super) credentials: Vec<Confidential>,
}

/// A text that is never shown, and is written only to whom it is for.
pub(super) struct Confidential(pub(super) SecretString);

/// An answer.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Answered {
    /// The hash that names the advisory database.
    pub(super) database: Arc<str>,
    /// What was found out.
    pub(super) examination: Examination,
}

/// Why there is no answer.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Declined {
    pub(super) code: Code,
    pub(super) message: Box<str>,
    /// How much of the image is indexed, where that is why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) progress: Option<Amount>,
}

/// What kind of reason it is, for those who treat them differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Code {
    /// There is no advisory database.
    NoDatabase,
    /// The image is being indexed.
    Indexing,
    /// Too much is under way.
    Busy,
    /// The image cannot be read.
    Image,
    /// The credentials may not see the image.
    Credentials,
    /// The question is none.
    Malformed,
    /// A fault of the advisor.
    Internal,
}

impl std::fmt::Debug for Confidential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Confidential(…)")
    }
}

impl Serialize for Confidential {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose_secret())
    }
}

impl<'de> Deserialize<'de> for Confidential {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(text.into()))
    }
}
