//! The verdict about an image: which of what its packages are affected by counts, what is exempted, and the status.
//!
//! Pure: what is asked of the advisory database goes through [`AdvisorySource`], and the time comes in.

mod charge;
mod counting;
mod end_of_life;
mod examination;
mod finding;
mod fix;
mod fix_date;
mod gate;
mod group;
mod heeding;
mod issue;
mod known;
mod maker;
mod platform;
mod rules;
mod source;
mod status;
mod support;
#[cfg(test)]
pub(crate) mod tests;
mod vendor;
mod warning;
mod weight;

pub use counting::NotCounted;
pub use end_of_life::Ended;
pub use examination::{Examination, examine};
pub use finding::{Uncounted, Unjudged, WhyUnjudged};
pub use fix::{Fix, fixes};
pub use gate::{Gate, Headline, Line, Remedy};
pub use issue::{ExemptStatus, Issue, Notice, VulnerablePackage};
pub use rules::{PackageKind, Rules, RulesError, Tolerance, Unread};
pub use source::AdvisorySource;
pub use status::Status;
pub use support::Unsupported;
pub use warning::Warning;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::exemption::Applicable;
use crate::inventory::{Inventories, Platform};
use crate::vex::Unheeded;
use crate::{Ecosystem, Gap, Release};
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
    /// The release, where it gets no fixes any more.
    pub ended: BTreeSet<Ended>,
    /// What whoever is told of the status should know too.
    pub warnings: BTreeSet<Warning>,
    /// Why something that is attached to the image, and might have been a VEX, forgives nothing.
    pub vex: BTreeSet<Unheeded>,
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
    examine(inventories, source, rules, now).under(exemptions)
}

impl Assessment {
    /// That of an image which was not looked at yet.
    pub fn unscanned(now: Timestamp) -> Self {
        Examination::of_nothing(now).conclude(Vec::new())
    }

    fn take(&mut self, found: Found) {
        self.uncounted.extend(found.uncounted);
        self.gaps.extend(found.gaps);
        self.unjudged.extend(found.unjudged);
        self.unsupported.extend(found.unsupported);
        self.ended.extend(found.ended);
        self.warnings.extend(found.warnings);
        self.feeds.extend(found.feeds);
    }

    /// The issues that are not exempted, the worst first.
    pub fn active(&self) -> impl Iterator<Item = &Issue> {
        self.issues.iter().filter(|issue| !issue.is_exempt())
    }
}
