//! What the advisor is asked.

use std::sync::Arc;

use cise_policy::Namespace;
use cise_reference::{Digest, Reference, Repository};
use cise_registry::{Caller, Freshness};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::assessment::Rules;
use crate::exemption::{Exemptions, TagBinding};
use crate::inventory::Platform;

/// What is asked about one image.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The image, as it was asked for.
    pub image: &'a Reference,
    /// What would run.
    pub digest: &'a Digest,
    /// Whether the image's tag is known to stand for that digest.
    pub tag: TagBinding,
    /// The namespace whose pods it is for; none where it is asked about outside of any.
    pub namespace: Option<&'a Namespace>,
    /// On whose behalf, with which credentials, and until when.
    pub caller: Caller<'a>,
    /// What is exempted.
    pub exemptions: &'a Arc<Exemptions>,
    /// What counts.
    pub rules: &'a Rules,
    /// Whether somebody waits for the answer.
    pub urgency: Urgency,
    /// Whether an answer that was kept for others will do, where nobody is refused by it. In this process none is.
    pub freshness: Freshness,
    /// The time of the assessment.
    pub now: Timestamp,
}

/// An image that is to be examined, whatever is exempted.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// Where it is.
    pub repository: &'a Repository,
    /// What would run.
    pub digest: &'a Digest,
    /// The platforms whose images are judged.
    pub platforms: &'a Arc<[Platform]>,
    /// On whose behalf, with which credentials, and until when.
    pub caller: Caller<'a>,
    /// What counts.
    pub rules: &'a Rules,
    /// Whether somebody waits for the answer.
    pub urgency: Urgency,
    /// The time of the examination.
    pub now: Timestamp,
}

/// Whether somebody waits for an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Urgency {
    /// Something does not happen before there is one.
    #[default]
    Waited,
    /// It is found out ahead of time: indexing gives way to that which somebody waits for.
    Ahead,
}

impl<'a> Question<'a> {
    /// What has to be examined before it can be answered.
    pub fn sample(&self, platforms: &'a Arc<[Platform]>) -> Sample<'a> {
        Sample {
            repository: self.image.repository(),
            digest: self.digest,
            platforms,
            caller: self.caller,
            rules: self.rules,
            urgency: self.urgency,
            now: self.now,
        }
    }
}
