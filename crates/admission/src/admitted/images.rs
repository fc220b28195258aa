//! What was admitted in a namespace, as it is recorded.

use std::collections::BTreeSet;

use cise_advisor::assessment::{Assessment, Rules, Status};
use cise_policy::Namespace;
use cise_reference::Digest;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How many images of a namespace are remembered: those that were admitted last.
const MAX_IMAGES: usize = 256;
/// How many bytes a record may have: half of what the API server stores of a `ConfigMap`.
const MAX_BYTES: usize = 512 * 1024;
/// How many exempted issues an image may have that is remembered.
const MAX_EXEMPTED: usize = 64;

/// An image that passed the Vulnerability Advisor, and by what.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Admitted {
    digest: Box<str>,
    /// Names the rules and the platforms that it was judged by: what passed by others is not what is refused now.
    basis: Box<str>,
    /// The issues that were exempted. They were known, so that no advisory about them is new.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    exempted: BTreeSet<Box<str>>,
}

/// What was admitted in a namespace, a bounded number of images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdmittedImages {
    namespace: Namespace,
    /// By the time of their admission, the last one last.
    images: Vec<At>,
}

/// Why a record cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordFault {
    /// It has more bytes than any that is written.
    #[error("it has {bytes} bytes: expected at most {MAX_BYTES}")]
    Size {
        /// How many it has.
        bytes: usize,
    },
    /// It is no record.
    #[error("it is no record: {0}")]
    Shape(String),
    /// It is of another version of this program.
    #[error("it is of format {found}: expected {FORMAT}")]
    Format {
        /// The format.
        found: u32,
    },
    /// It is that of another namespace.
    #[error("it is the record of namespace `{found}`")]
    OtherNamespace {
        /// Which.
        found: String,
    },
}

const FORMAT: u32 = 1;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct At {
    at: Timestamp,
    #[serde(flatten)]
    image: Admitted,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Document<'a> {
    format: u32,
    namespace: &'a str,
    images: Vec<At>,
}

impl Admitted {
    /// What is to be remembered of an image that passes. Nothing of one that passes because nothing can be said of it, or by
    /// very many exemptions.
    pub(crate) fn of(digest: &Digest, assessment: &Assessment, rules: &Rules) -> Option<Self> {
        let passes = matches!(assessment.status, Status::Ok | Status::Warn);
        let exempted: BTreeSet<Box<str>> = assessment
            .issues
            .iter()
            .map(|issue| (*issue.id).into())
            .collect();
        (passes && exempted.len() <= MAX_EXEMPTED).then(|| Self {
            digest: digest.as_str().into(),
            basis: assessment.basis(rules),
            exempted,
        })
    }

    pub(super) fn is_of(&self, digest: &Digest, basis: &str) -> bool {
        *self.digest == *digest.as_str() && *self.basis == *basis
    }

    pub(super) fn had_exempted(&self, issue: &str) -> bool {
        self.exempted.contains(issue)
    }
}

impl AdmittedImages {
    /// The record of a namespace in which nothing was admitted yet.
    pub fn of(namespace: Namespace) -> Self {
        Self {
            namespace,
            images: Vec::new(),
        }
    }

    /// The namespace.
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Reads the record of a namespace.
    pub fn from_json(bytes: &[u8], namespace: &Namespace) -> Result<Self, RecordFault> {
        if bytes.len() > MAX_BYTES {
            return Err(RecordFault::Size { bytes: bytes.len() });
        }
        let document: Document<'_> =
            serde_json::from_slice(bytes).map_err(|error| RecordFault::Shape(error.to_string()))?;
        if document.format != FORMAT {
            let found = document.format;
            return Err(RecordFault::Format { found });
        }
        if document.namespace != namespace.as_str() {
            let found = crate::text::shown(document.namespace, 80).to_string();
            return Err(RecordFault::OtherNamespace { found });
        }
        Ok(Self {
            namespace: namespace.clone(),
            images: document.images,
        })
    }

    /// The record as it is written.
    pub fn to_json(&self) -> String {
        let document = Document {
            format: FORMAT,
            namespace: self.namespace.as_str(),
            images: self.images.clone(),
        };
        // Writing texts, numbers and times to memory cannot fail; an empty record is read as damaged, and forgives nothing.
        serde_json::to_string(&document).unwrap_or_default()
    }

    /// When that image was admitted last, on that basis and with these exemptions.
    pub(super) fn admitted_at(&self, image: &Admitted) -> Option<Timestamp> {
        let same = self.images.iter().filter(|known| known.image == *image);
        same.map(|known| known.at).max()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Timestamp, &Admitted)> {
        self.images.iter().map(|known| (known.at, &known.image))
    }

    /// Notes an admission. Past the bounds those are forgotten that were admitted first.
    pub(super) fn insert(&mut self, image: Admitted, at: Timestamp) {
        let is_other =
            |known: &At| known.image.digest != image.digest || known.image.basis != image.basis;
        self.images.retain(is_other);
        self.images.push(At { at, image });
        self.images.sort_by_key(|known| known.at);
        let surplus = self.images.len().saturating_sub(MAX_IMAGES);
        self.images.drain(..surplus);
        while self.images.len() > 1 && self.to_json().len() > MAX_BYTES {
            self.images.remove(0);
        }
    }

    /// Forgets what was admitted before a time.
    pub(super) fn drop_before(&mut self, time: Timestamp) {
        self.images.retain(|known| known.at >= time);
    }
}
