//! What is wrong with an image, before anybody says what of it does not count.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::charge::Charge;
use super::issue::OnPlatform;
use super::known::Known;
use super::platform::{self, Found};
use super::{AdvisorySource, Assessment, Issue, Rules, Status, group, warning};
use crate::exemption::Applicable;
use crate::inventory::{Inventories, Platform};
use crate::vex::Unheeded;
use crate::{Gap, Release};

/// What was found out about an image. It rests on the advisory database and on the rules of what counts, and on no exemption, so
/// that whoever asked may keep it while exemptions come and go.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Examination {
    /// When it was made.
    pub examined_at: Timestamp,
    release: Option<Release>,
    pub(super) images: Vec<Examined>,
    pub(super) charges: Vec<Charge>,
    /// Gaps that are of no platform.
    pub(super) gaps: BTreeSet<Gap>,
    /// Why something that is attached to the image forgives nothing.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) vex: BTreeSet<Unheeded>,
}

/// What was found out about the image of one platform.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Examined {
    platform: Platform,
    pub(super) found: Found,
}

/// Examines an image, on every platform that it was indexed for. If there are none, nothing was looked at.
pub fn examine<S: AdvisorySource>(
    inventories: &Inventories,
    source: &S,
    rules: &Rules,
    now: Timestamp,
) -> Examination {
    let mut known = Known::new(source);
    let mut releases = inventories.images.iter();
    let mut examination = Examination {
        release: releases.find_map(|image| image.release.clone()),
        gaps: inventories.gaps.clone(),
        ..Examination::of_nothing(now)
    };
    let mut findings = Vec::new();
    for inventory in &inventories.images {
        let (found, here) = platform::examine(inventory, source, &mut known, rules, now);
        examination.images.push(Examined {
            platform: inventory.platform.clone(),
            found,
        });
        findings.extend(here);
    }
    examination.charges = group::charges(findings, &mut known);
    examination.gaps.extend(known.fault().cloned());
    examination
}

impl Examination {
    /// That of an image which was not looked at.
    pub(super) fn of_nothing(now: Timestamp) -> Self {
        Self {
            examined_at: now,
            release: None,
            images: Vec::new(),
            charges: Vec::new(),
            gaps: BTreeSet::new(),
            vex: BTreeSet::new(),
        }
    }

    /// The verdict, with what applies of the exemptions.
    pub fn under(&self, exemptions: Applicable<'_>) -> Assessment {
        let charges = self.charges.iter();
        let mut issues: Vec<Issue> = charges.map(|charge| charge.under(exemptions)).collect();
        issues.sort_by_cached_key(Issue::urgency);
        self.conclude(issues)
    }

    pub(super) fn conclude(&self, issues: Vec<Issue>) -> Assessment {
        let statuses = self.statuses(&issues);
        let of_image = (!self.gaps.is_empty()).then_some(Status::Incomplete);
        let worst = statuses.values().copied().chain(of_image).max();
        let mut assessment = Assessment {
            status: worst.unwrap_or(Status::Unscanned),
            assessed_at: self.examined_at,
            platforms: statuses,
            release: self.release.clone(),
            issues,
            uncounted: BTreeSet::new(),
            gaps: self.gaps.clone(),
            unjudged: BTreeSet::new(),
            unsupported: BTreeSet::new(),
            ended: BTreeSet::new(),
            warnings: BTreeSet::new(),
            vex: self.vex.clone(),
            feeds: BTreeMap::new(),
        };
        for image in &self.images {
            assessment.take(image.found.clone());
        }
        let warnings = warning::of(&assessment);
        assessment.warnings.extend(warnings);
        assessment
    }

    /// Several images may be of one platform: the worst of them counts.
    fn statuses(&self, issues: &[Issue]) -> BTreeMap<Platform, Status> {
        let mut statuses = BTreeMap::new();
        for image in &self.images {
            let status = status(&image.platform, &image.found, issues);
            let worst = statuses.entry(image.platform.clone()).or_insert(status);
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
