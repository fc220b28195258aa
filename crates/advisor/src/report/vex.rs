use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::inventory::Platform;
use crate::vex::{Forgiveness, Grant};

/// A statement that forgives a vulnerability of a package, and who answers for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedVex {
    /// The document, by its `@id`.
    pub document: String,
    /// Who wrote it, as it says.
    pub author: String,
    /// What it says of the package.
    pub status: Forgiveness,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub justification: Option<String>,
    /// Since when.
    pub stated_at: Timestamp,
    /// The configured key that has signed it, with its fingerprint.
    pub key: String,
    /// The digest of the manifest that it is attached by.
    pub attached_as: String,
    /// The platforms that it is about.
    pub platforms: Vec<String>,
}

/// Each statement once, with all platforms that it is about.
pub(super) fn applied(grants: &BTreeMap<Platform, Arc<Grant>>) -> Vec<AppliedVex> {
    let mut by_grant: BTreeMap<&Grant, Vec<String>> = BTreeMap::new();
    for (platform, grant) in grants {
        by_grant
            .entry(grant)
            .or_default()
            .push(platform.to_string());
    }
    let applied = by_grant.into_iter().map(|(grant, platforms)| AppliedVex {
        document: grant.document.to_string(),
        author: grant.author.to_string(),
        status: grant.status,
        justification: grant.justification.as_deref().map(Into::into),
        stated_at: grant.stated_at,
        key: grant.key.to_string(),
        attached_as: grant.attached_as.to_string(),
        platforms,
    });
    applied.collect()
}
