use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::examination::Charge;
use super::finding::{Finding, Noticed};
use super::known::Known;
use super::{AdvisorySource, Issue, Notice, VulnerablePackage};
use crate::database::Vulnerability;
use crate::inventory::Platform;

/// Makes charges of findings: one of each vulnerability, so that an advisory of several makes several, each to be exempted.
pub(super) fn charges<S: AdvisorySource>(
    findings: &[Finding],
    known: &mut Known<'_, S>,
) -> Vec<Charge> {
    let mut by_vulnerability: BTreeMap<&str, Notices<'_>> = BTreeMap::new();
    for finding in findings {
        let notices = by_vulnerability.entry(&finding.vulnerability).or_default();
        let (_, packages) = notices
            .entry(&finding.notice.id)
            .or_insert_with(|| (&finding.notice, Packages::new()));
        let package = &finding.package;
        let (_, platforms) = packages
            .entry((&package.name, &package.version, &finding.fix))
            .or_insert_with(|| (finding, BTreeSet::new()));
        platforms.insert(&finding.platform);
    }
    by_vulnerability
        .into_iter()
        .map(|(id, notices)| {
            let known = known.about(id);
            Charge {
                issue: issue(id, notices, known),
                aliases: known.advisories.clone(),
            }
        })
        .collect()
}

type Notices<'f> = BTreeMap<&'f str, (&'f Noticed, Packages<'f>)>;
/// Packages by name, installed version and fix: those that differ in their architecture alone are one.
type Packages<'f> = BTreeMap<(&'f str, &'f str, &'f str), (&'f Finding, BTreeSet<&'f Platform>)>;

fn issue(id: &str, notices: Notices<'_>, known: &Vulnerability) -> Issue {
    let severities = notices.values().map(|(noticed, _)| noticed.severity);
    let own = severities.reduce(crate::Severity::or_worse);
    let severity = own
        .filter(|severity| severity.is_known())
        .or_else(|| known.severity.as_deref().map(crate::Severity::parse));
    Issue {
        id: id.into(),
        severity: severity.unwrap_or_default(),
        known_exploited: known.known_exploited,
        exemption: None,
        notices: notices
            .into_values()
            .map(|(noticed, packages)| notice(noticed, packages))
            .collect(),
    }
}

fn notice(noticed: &Noticed, packages: Packages<'_>) -> Notice {
    let packages = packages.into_iter();
    Notice {
        id: noticed.id.clone(),
        summary: noticed.summary.clone(),
        published: noticed.published,
        exemption: None,
        packages: packages
            .map(|((_, _, fix), (finding, platforms))| VulnerablePackage {
                package: Arc::clone(&finding.package),
                fix: fix.into(),
                fix_date: finding.fix_date,
                platforms: platforms.into_iter().cloned().collect(),
            })
            .collect(),
    }
}
