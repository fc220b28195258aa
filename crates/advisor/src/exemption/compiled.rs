use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::{Exemption, IssueType, Subject};

/// All exemptions that are in force, by the issue that they are about.
#[derive(Clone, Debug, Default)]
pub struct Exemptions {
    vulnerabilities: ById,
    notices: ById,
    configuration: ById,
}

/// By [`IssueType::key`].
type ById = HashMap<Box<str>, Vec<Arc<Exemption>>>;

/// What of the exemptions applies to one image in one place at one time.
#[derive(Clone, Copy, Debug)]
pub struct Applicable<'a> {
    exemptions: &'a Exemptions,
    subject: &'a Subject,
    now: Timestamp,
}

impl Exemptions {
    /// Arranges exemptions for look-ups.
    pub fn compile(exemptions: impl IntoIterator<Item = Exemption>) -> Self {
        let mut compiled = Self::default();
        for exemption in exemptions {
            let spec = exemption.spec();
            let key = spec.issue_type.key(spec.issue_id.as_str());
            let of_type = compiled.of_type_mut(spec.issue_type);
            of_type.entry(key).or_default().push(Arc::new(exemption));
        }
        for issue_type in IssueType::ALL {
            for same_issue in compiled.of_type_mut(issue_type).values_mut() {
                same_issue.sort_by(|one, other| longest_first(one, other));
            }
        }
        compiled
    }

    /// What applies to `subject` at `now`.
    pub fn applying_to<'a>(&'a self, subject: &'a Subject, now: Timestamp) -> Applicable<'a> {
        Applicable {
            exemptions: self,
            subject,
            now,
        }
    }

    /// Is nothing exempted at all?
    pub fn is_empty(&self) -> bool {
        let mut of_types = IssueType::ALL.into_iter().map(|one| self.of_type(one));
        of_types.all(HashMap::is_empty)
    }

    /// Does any of them end after `from` and no later than `to`?
    pub fn any_ends_between(&self, from: Timestamp, to: Timestamp) -> bool {
        let of_types = IssueType::ALL.into_iter().map(|one| self.of_type(one));
        let all = of_types.flat_map(|of_type| of_type.values().flatten());
        all.filter_map(|exemption| exemption.spec().expires.as_ref())
            .any(|end| from < end.at() && end.at() <= to)
    }

    fn of_type(&self, issue_type: IssueType) -> &ById {
        match issue_type {
            IssueType::Cve => &self.vulnerabilities,
            IssueType::Sn => &self.notices,
            IssueType::Configuration => &self.configuration,
        }
    }

    fn of_type_mut(&mut self, issue_type: IssueType) -> &mut ById {
        match issue_type {
            IssueType::Cve => &mut self.vulnerabilities,
            IssueType::Sn => &mut self.notices,
            IssueType::Configuration => &mut self.configuration,
        }
    }
}

impl<'a> Applicable<'a> {
    /// The exemption of an issue: of several, the one that lasts longest.
    pub fn find(&self, issue_type: IssueType, id: &str) -> Option<&'a Arc<Exemption>> {
        let of_type = self.exemptions.of_type(issue_type);
        if of_type.is_empty() {
            return None;
        }
        let same_issue = of_type.get(&issue_type.key(id))?;
        same_issue
            .iter()
            .find(|exemption| !exemption.is_over(self.now) && exemption.covers(self.subject))
    }
}

/// One without an end lasts longest; of two that last as long, the name decides, so that reports do not waver.
fn longest_first(one: &Exemption, other: &Exemption) -> Ordering {
    let end = |exemption: &Exemption| exemption.spec().expires.as_ref().map(super::Expiry::at);
    let by_end = match (end(one), end(other)) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Less,
        (Some(_), None) => Ordering::Greater,
        (Some(one), Some(other)) => other.cmp(&one),
    };
    by_end.then_with(|| one.origin().cmp(other.origin()))
}
