//! Which findings are issues.

use serde::{Deserialize, Serialize};

use super::{PackageKind, Rules};
use crate::matching::{self, Channel};
use crate::{Advisory, Affected, Event, Package};

/// Why a finding is none of the issues that decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotCounted {
    /// No fix is published.
    NoFix,
    /// It is in a kernel's package, and no container runs that kernel.
    Kernel,
    /// The fix is for subscribers of a paid channel.
    Paid(Channel),
    /// It is in a package of a programming language, and those are not counted.
    Language,
}

/// Whether it is known that a vulnerability is exploited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exploited {
    Known,
    Unknown,
}

/// The published fix of a finding that counts, or why it does not. Whether it is exploited is asked where that decides.
pub(super) fn counted_fix<'f>(
    rules: &Rules,
    package: &Package,
    (advisory, affected): (&Advisory, &Affected),
    fix: Option<&'f str>,
    exploited: impl FnOnce() -> Exploited,
) -> Result<&'f str, NotCounted> {
    let fix = fix.ok_or(NotCounted::NoFix)?;
    if matching::is_kernel(&package.source.name) {
        return Err(NotCounted::Kernel);
    }
    let channel = Channel::of(&advisory.id, &affected.ecosystem);
    if !channel.provided(&package.version) && !rules.subscriptions.contains(&channel) {
        return Err(NotCounted::Paid(channel));
    }
    let kind = PackageKind::of(package.manager);
    if rules.packages.contains(&kind) || exploited() == Exploited::Known {
        Ok(fix)
    } else {
        Err(NotCounted::Language)
    }
}

/// Would the advisory count for some version of the package?
pub(super) fn may_count(
    rules: &Rules,
    package: &Package,
    (advisory, affected): (&Advisory, &Affected),
    exploited: Exploited,
) -> bool {
    let fixes = affected.ranges.iter().flat_map(|range| &range.events);
    fixes
        .filter_map(|event| match event {
            Event::Fixed(version) => Some(version),
            Event::Introduced(_) | Event::LastAffected(_) | Event::Limit(_) => None,
        })
        .any(|fix| {
            let exploited = || exploited;
            counted_fix(rules, package, (advisory, affected), Some(fix), exploited).is_ok()
        })
}
