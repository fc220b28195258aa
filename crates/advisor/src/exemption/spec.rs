use cise_policy::{Fault, Pattern, for_kubernetes};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Expiry, IssueId, IssueType};

/// How many patterns of images an exemption may have.
pub const MAX_IMAGES: usize = 256;
/// The longest reason, in characters.
pub const MAX_REASON: usize = 1024;
/// The longest owner, in characters.
pub const MAX_OWNER: usize = 256;

/// An issue that does not count, of which images, and until when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = for_kubernetes)]
pub struct ExemptionSpec {
    /// What the issue is: `cve` (a vulnerability), `sn` (a security notice, which is one advisory of one feed), or
    /// `configuration`.
    pub issue_type: IssueType,
    /// The id of the issue, as the report has it, such as CVE-2024-5535. A vulnerability is exempted by its own id, or by each
    /// notice that fixes it.
    #[serde(rename = "issueID")]
    pub issue_id: IssueId,
    /// Which images: `[host/]path[:tag][@digest]`, where `*` stands for any characters, as in the repositories of a policy.
    /// `*` alone is every image.
    #[schemars(length(min = 1, max = MAX_IMAGES))]
    pub images: Vec<Pattern>,
    /// Why it is exempted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_REASON))]
    pub reason: Option<Box<str>>,
    /// Who answers for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_OWNER))]
    pub owner: Option<Box<str>>,
    /// When it ends: a date, through its last second in UTC, or a time in RFC 3339. Without one it does not end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<Expiry>,
}

impl ExemptionSpec {
    /// Is this the issue that it is about?
    pub fn is_about(&self, issue_type: IssueType, id: &str) -> bool {
        self.issue_type == issue_type
            && issue_type.key(self.issue_id.as_str()) == issue_type.key(id)
    }

    /// Checks what one field alone cannot tell.
    pub(super) fn check(&self) -> Result<(), Fault> {
        if let Err(error) = self.issue_type.check(&self.issue_id) {
            return Err(fault("spec.issueID", error.to_string()));
        }
        if self.images.is_empty() {
            let message =
                "no image is named: expected at least one pattern, or `*` for every image";
            return Err(fault("spec.images", message.to_owned()));
        }
        at_most("spec.images", "patterns", self.images.len(), MAX_IMAGES)?;
        let reason = self.reason.as_deref().unwrap_or_default();
        at_most(
            "spec.reason",
            "characters",
            reason.chars().count(),
            MAX_REASON,
        )?;
        let owner = self.owner.as_deref().unwrap_or_default();
        at_most("spec.owner", "characters", owner.chars().count(), MAX_OWNER)
    }
}

fn at_most(path: &str, what: &str, count: usize, limit: usize) -> Result<(), Fault> {
    if count <= limit {
        Ok(())
    } else {
        Err(fault(
            path,
            format!("{count} {what}: expected at most {limit}"),
        ))
    }
}

fn fault(path: &str, message: String) -> Fault {
    Fault {
        path: path.into(),
        position: None,
        message: message.into(),
    }
}
