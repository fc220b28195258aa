//! The verdict about an image: which of what its packages are affected by counts, what is exempted, and the status.
//!
//! Pure: what is asked of the advisory database goes through [`AdvisorySource`], and the time comes in.

mod counting;
mod finding;
mod fix;
mod gate;
mod group;
mod issue;
mod known;
mod platform;
mod rules;
mod source;
mod status;
mod support;
#[cfg(test)]
pub(crate) mod tests;
mod vendor;
mod warning;

pub use counting::NotCounted;
pub use finding::{Uncounted, Unjudged, WhyUnjudged};
pub use fix::{Fix, fixes};
pub use gate::{Gate, Headline, Line, Remedy};
pub use issue::{ExemptStatus, Issue, Notice, VulnerablePackage};
pub use rules::{PackageKind, Rules, RulesError, Tolerance};
pub use source::AdvisorySource;
pub use status::Status;
pub use support::Unsupported;
pub use warning::Warning;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::exemption::Applicable;
use crate::inventory::{Inventories, Platform};
use crate::{Ecosystem, Gap, Release};
use issue::OnPlatform;
use known::Known;
use platform::Found;

/// What the advisor says of an image, with the evidence.
#[derive(Clone, Debug)]
pub struct Assessment {
    /// The status, which is the worst of the platforms'.
    pub status: Status,
    /// When it was made.
    pub assessed_at: Timestamp,
    /// The status of each platform.
    pub platforms: BTreeMap<Platform, Status>,
    /// The distribution, where it is known.
    pub release: Option<Release>,
    /// The vulnerabilities that count, sorted by what matters: exempted ones come last.
    pub issues: Vec<Issue>,
    /// What was found and does not count.
    pub uncounted: BTreeSet<Uncounted>,
    /// What kept the image from being judged.
    pub gaps: BTreeSet<Gap>,
    /// Packages that nobody's advisories speak of.
    pub unjudged: BTreeSet<Unjudged>,
    /// Why nothing can be said of the platforms whose status is [`Status::Unsupported`].
    pub unsupported: BTreeSet<Unsupported>,
    /// What whoever is told of the status should know too.
    pub warnings: BTreeSet<Warning>,
    /// The feeds that were asked, with the state of the world that they show.
    pub feeds: BTreeMap<Ecosystem, Option<Timestamp>>,
}

/// Assesses an image, on every platform that it was indexed for. If there are none, nothing was looked at.
pub fn assess<S: AdvisorySource>(
    inventories: &Inventories,
    source: &S,
    exemptions: Applicable<'_>,
    rules: &Rules,
    now: Timestamp,
) -> Assessment {
    let mut known = Known::new(source);
    let mut judged = Judged {
        release: inventories
            .images
            .iter()
            .find_map(|image| image.release.clone()),
        found: Vec::new(),
        gaps: inventories.gaps.clone(),
    };
    for inventory in &inventories.images {
        let found = platform::examine(inventory, source, &mut known, rules, now);
        judged.found.push((inventory.platform.clone(), found));
    }
    let findings = judged.found.iter_mut();
    let findings: Vec<_> = findings
        .flat_map(|(_, found)| std::mem::take(&mut found.findings))
        .collect();
    let issues = group::issues(&findings, exemptions, &mut known);
    judged.gaps.extend(known.fault().cloned());
    judged.conclude(issues, now)
}

/// What was found out, before the status is drawn from it.
struct Judged {
    release: Option<Release>,
    found: Vec<(Platform, Found)>,
    /// Gaps that are of no platform.
    gaps: BTreeSet<Gap>,
}

impl Judged {
    fn conclude(self, issues: Vec<Issue>, now: Timestamp) -> Assessment {
        let statuses = self.statuses(&issues);
        let of_image = (!self.gaps.is_empty()).then_some(Status::Incomplete);
        let worst = statuses.values().copied().chain(of_image).max();
        let mut assessment = Assessment {
            status: worst.unwrap_or(Status::Unscanned),
            assessed_at: now,
            platforms: statuses,
            release: self.release,
            issues,
            uncounted: BTreeSet::new(),
            gaps: self.gaps,
            unjudged: BTreeSet::new(),
            unsupported: BTreeSet::new(),
            warnings: BTreeSet::new(),
            feeds: BTreeMap::new(),
        };
        for (_, found) in self.found {
            assessment.take(found);
        }
        let warnings = warning::of(&assessment);
        assessment.warnings.extend(warnings);
        assessment
    }

    /// Several images may be of one platform: the worst of them counts.
    fn statuses(&self, issues: &[Issue]) -> BTreeMap<Platform, Status> {
        let mut statuses = BTreeMap::new();
        for (platform, found) in &self.found {
            let status = status(platform, found, issues);
            let worst = statuses.entry(platform.clone()).or_insert(status);
            *worst = status.max(*worst);
        }
        statuses
    }
}

fn status(platform: &Platform, found: &Found, issues: &[Issue]) -> Status {
    let mut here = issues
        .iter()
        .filter_map(|issue| issue.exemption_on(platform))
        .peekable();
    let has_issues = here.peek().is_some();
    if here.any(|on_platform| on_platform == OnPlatform::Active) {
        Status::Fail
    } else if !found.gaps.is_empty() {
        Status::Incomplete
    } else if found.unsupported.is_some() {
        Status::Unsupported
    } else if has_issues {
        Status::Warn
    } else {
        Status::Ok
    }
}

impl Assessment {
    /// That of an image which was not looked at yet.
    pub fn unscanned(now: Timestamp) -> Self {
        let nothing = Judged {
            release: None,
            found: Vec::new(),
            gaps: BTreeSet::new(),
        };
        nothing.conclude(Vec::new(), now)
    }

    fn take(&mut self, found: Found) {
        self.uncounted.extend(found.uncounted);
        self.gaps.extend(found.gaps);
        self.unjudged.extend(found.unjudged);
        self.unsupported.extend(found.unsupported);
        self.warnings.extend(found.warnings);
        self.feeds.extend(found.feeds);
    }

    /// The issues that are not exempted, the worst first.
    pub fn active(&self) -> impl Iterator<Item = &Issue> {
        self.issues.iter().filter(|issue| !issue.is_exempt())
    }
}
