//! The rule: what is forgiven, and for how long.

use cise_advisor::assessment::{Assessment, Gate, Issue, Rules};
use cise_reference::Digest;
use jiff::{SignedDuration, Timestamp};

use super::images::AdmittedImages;

/// Clocks of replicas differ: an admission may be of a time that is so far ahead.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(5);

/// An image that nothing refuses but its issues.
#[derive(Debug)]
pub(super) struct Plea<'a> {
    digest: &'a Digest,
    basis: Box<str>,
    issues: Vec<&'a Issue>,
}

impl<'a> Plea<'a> {
    /// Nothing if something else refuses the image too, or if one of its issues is known to be exploited: an attack is no
    /// smaller for having been let in before.
    pub(super) fn of(
        digest: &'a Digest,
        assessment: &'a Assessment,
        rules: &Rules,
    ) -> Option<Self> {
        let issues: Vec<&Issue> = assessment.active().collect();
        let is_exploited = issues.iter().any(|issue| issue.known_exploited.is_some());
        let is_refused_for_them =
            !issues.is_empty() && assessment.gate_without_issues(rules) == Gate::Admit;
        (is_refused_for_them && !is_exploited).then(|| Self {
            digest,
            basis: assessment.basis(rules),
            issues,
        })
    }

    /// Until when it is admitted, by what was admitted before: the same digest, judged by the same rules, so that the advisories
    /// alone are new. What was exempted then was known then, and an exemption that has ended is not made to last.
    pub(super) fn granted(
        &self,
        admitted: &AdmittedImages,
        now: Timestamp,
        lasts: SignedDuration,
    ) -> Option<Timestamp> {
        let before = admitted.iter().filter(|(at, image)| {
            image.is_of(self.digest, &self.basis)
                && at.duration_since(now) <= CLOCKS_DIFFER
                && !self
                    .issues
                    .iter()
                    .any(|issue| image.had_exempted(&issue.id))
        });
        let until = before
            .filter_map(|(at, _)| at.checked_add(lasts).ok())
            .max()?;
        (now < until).then_some(until)
    }
}
