//! An issue, before anybody says that it does not count.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Issue;
use crate::exemption::{Applicable, Exemption, IssueType};

/// An issue that nobody has exempted yet, and by which names that can be done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Charge {
    pub(super) issue: Issue,
    /// The advisories of any feed that speak of the vulnerability.
    pub(super) aliases: Vec<Box<str>>,
}

impl Charge {
    /// The issue, with what exempts it.
    pub(super) fn under(&self, exemptions: Applicable<'_>) -> Issue {
        let mut issue = self.issue.clone();
        issue.exemption = self.exemption(exemptions);
        for notice in &mut issue.notices {
            notice.exemption = exemptions.find(IssueType::Sn, &notice.id).map(Arc::clone);
        }
        issue
    }

    /// A vulnerability is exempted by its name or by that of an advisory that speaks of it. The other way round does not hold:
    /// an advisory of several vulnerabilities is not exempted by the name of one.
    fn exemption(&self, exemptions: Applicable<'_>) -> Option<Arc<Exemption>> {
        let aliases = self.aliases.iter().map(AsRef::as_ref);
        [&*self.issue.id]
            .into_iter()
            .chain(aliases)
            .find_map(|name| exemptions.find(IssueType::Cve, name))
            .map(Arc::clone)
    }
}
