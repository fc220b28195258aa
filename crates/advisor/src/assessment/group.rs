use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::finding::{Finding, Noticed};
use super::known::Known;
use super::{AdvisorySource, Issue, Notice, VulnerablePackage};
use crate::Package;
use crate::database::Vulnerability;
use crate::exemption::{Applicable, Exemption, IssueType};
use crate::inventory::Platform;

/// Makes issues of findings: one of each vulnerability, so that an advisory of several makes several, each to be exempted.
///
/// They are sorted by what matters.
pub(super) fn issues<S: AdvisorySource>(
    findings: &[Finding],
    exemptions: Applicable<'_>,
    known: &mut Known<'_, S>,
) -> Vec<Issue> {
    let mut by_vulnerability: BTreeMap<&str, Notices<'_>> = BTreeMap::new();
    for finding in findings {
        let notices = by_vulnerability.entry(&finding.vulnerability).or_default();
        let (_, packages) = notices
            .entry(&finding.notice.id)
            .or_insert_with(|| (&finding.notice, Packages::new()));
        let package = &finding.package;
        let (_, platforms) = packages
            .entry((&package.name, &package.version, &finding.fix))
            .or_insert_with(|| (package, BTreeSet::new()));
        platforms.insert(&finding.platform);
    }
    let mut issues: Vec<Issue> = by_vulnerability
        .into_iter()
        .map(|(id, notices)| issue(id, notices, exemptions, known.about(id)))
        .collect();
    issues.sort_by_cached_key(Issue::urgency);
    issues
}

type Notices<'f> = BTreeMap<&'f str, (&'f Noticed, Packages<'f>)>;
/// Packages by name, installed version and fix: those that differ in their architecture alone are one.
type Packages<'f> =
    BTreeMap<(&'f str, &'f str, &'f str), (&'f Arc<Package>, BTreeSet<&'f Platform>)>;

fn issue(
    id: &str,
    notices: Notices<'_>,
    exemptions: Applicable<'_>,
    known: &Vulnerability,
) -> Issue {
    let severities = notices.values().map(|(noticed, _)| noticed.severity);
    let own = severities.reduce(crate::Severity::or_worse);
    let severity = own
        .filter(|severity| severity.is_known())
        .or_else(|| known.severity.as_deref().map(crate::Severity::parse));
    Issue {
        id: id.into(),
        severity: severity.unwrap_or_default(),
        known_exploited: known.known_exploited,
        exemption: exemption_of(id, known, exemptions),
        notices: notices
            .into_values()
            .map(|(noticed, packages)| notice(noticed, packages, exemptions))
            .collect(),
    }
}

/// A vulnerability is exempted by its name or by that of an advisory that speaks of it. The other way round does not hold: an
/// advisory of several vulnerabilities is not exempted by the name of one.
fn exemption_of(
    id: &str,
    known: &Vulnerability,
    exemptions: Applicable<'_>,
) -> Option<Arc<Exemption>> {
    let aliases = known.advisories.iter().map(AsRef::as_ref);
    [id].into_iter()
        .chain(aliases)
        .find_map(|name| exemptions.find(IssueType::Cve, name))
        .map(Arc::clone)
}

fn notice(noticed: &Noticed, packages: Packages<'_>, exemptions: Applicable<'_>) -> Notice {
    let packages = packages.into_iter();
    Notice {
        id: noticed.id.clone(),
        summary: noticed.summary.clone(),
        published: noticed.published,
        exemption: exemptions.find(IssueType::Sn, &noticed.id).map(Arc::clone),
        packages: packages
            .map(|((_, _, fix), (package, platforms))| VulnerablePackage {
                package: Arc::clone(package),
                fix: fix.into(),
                platforms: platforms.into_iter().cloned().collect(),
            })
            .collect(),
    }
}
