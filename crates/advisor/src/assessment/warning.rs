use serde::{Deserialize, Serialize};

use super::{Assessment, Ended, NotCounted, Unsupported};
use crate::Ecosystem;

/// What whoever is told of a status should know too. A sentence each, without a full stop.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, thiserror::Error,
)]
#[serde(rename_all = "kebab-case", tag = "warning")]
#[non_exhaustive]
pub enum Warning {
    /// Some of its issues are exempted, or all of them.
    #[error("issues of the image are exempted: {issues}")]
    Exempted {
        /// How many there are.
        issues: usize,
    },
    /// Some of these are so by what is attached to the image.
    #[error("issues of the image are forgiven by a VEX that is attached to it: {issues}")]
    Vex {
        /// How many there are.
        issues: usize,
    },
    /// Nothing can be said of it, or of one of its platforms.
    #[error("the image is not supported by Vulnerability Advisor: {why}")]
    Unsupported {
        /// Why.
        why: Unsupported,
    },
    /// A feed has not been renewed for some time.
    #[error("the advisories of {ecosystem} are {hours} hours old")]
    Aging {
        /// The feed.
        ecosystem: Ecosystem,
        /// Its age.
        hours: u64,
    },
    /// The release gets no fixes any more.
    #[error("the release of the image has ended: {ended}")]
    EndOfLife {
        /// Which, and since when.
        ended: Ended,
    },
    /// There are packages that nobody's advisories speak of.
    #[error("packages of the image are not judged: {packages}")]
    Unjudged {
        /// How many.
        packages: usize,
    },
    /// Packages of programming languages have vulnerabilities with a fix, which do not count.
    #[error("vulnerabilities in language packages of the image do not count: {findings}")]
    Language {
        /// How many.
        findings: usize,
    },
}

/// The warnings that follow from what was found.
pub(super) fn of(assessment: &Assessment) -> impl Iterator<Item = Warning> + use<> {
    let issues = assessment.issues.iter().filter(|issue| issue.is_exempt());
    let issues = issues.count();
    let packages = assessment.unjudged.len();
    let uncounted = assessment.uncounted.iter();
    let findings = uncounted
        .filter(|one| one.why == NotCounted::Language)
        .count();
    let forgiven = assessment.issues.iter().filter(|issue| {
        let mut packages = issue.packages();
        packages.any(|one| !one.vex.is_empty())
    });
    let forgiven = forgiven.count();
    let counted = [
        (forgiven > 0).then_some(Warning::Vex { issues: forgiven }),
        (issues > 0).then_some(Warning::Exempted { issues }),
        (packages > 0).then_some(Warning::Unjudged { packages }),
        (findings > 0).then_some(Warning::Language { findings }),
    ];
    let ended = assessment.ended.clone().into_iter();
    let unsupported = assessment.unsupported.clone().into_iter();
    counted
        .into_iter()
        .flatten()
        .chain(ended.map(|ended| Warning::EndOfLife { ended }))
        .chain(unsupported.map(|why| Warning::Unsupported { why }))
}
