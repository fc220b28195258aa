use std::collections::BTreeMap;
use std::sync::Arc;

use super::charge::Charge;
use super::finding::Finding;
use super::known::Known;
use super::{AdvisorySource, Issue, Notice, VulnerablePackage};
use crate::Severity;

#[cfg(test)]
mod tests;

/// Makes charges of findings: one of each vulnerability, so that an advisory of several makes several, each to be exempted.
///
/// The database is asked in the order of their names, which is its own, so that it reads once what several of them need.
pub(super) fn charges<S: AdvisorySource>(
    mut findings: Vec<Finding>,
    known: &mut Known<'_, S>,
) -> Vec<Charge> {
    // Of what is equal the first that was found counts: no sort here may change their order.
    findings.sort_by(|one, other| {
        let by_vulnerability = one.vulnerability.cmp(&other.vulnerability);
        by_vulnerability.then_with(|| one.notice.id.cmp(&other.notice.id))
    });
    findings
        .chunk_by_mut(|one, other| one.vulnerability == other.vulnerability)
        .filter_map(|of_vulnerability| charge(of_vulnerability, known))
        .collect()
}

/// The charge of findings of one vulnerability, sorted by their notices; nothing of none.
fn charge<S: AdvisorySource>(findings: &mut [Finding], known: &mut Known<'_, S>) -> Option<Charge> {
    let id = Arc::clone(&findings.first()?.vulnerability);
    let known = known.take(&id);
    let severity = severity(findings)
        .filter(|severity| severity.is_known())
        .or_else(|| known.severity.as_deref().map(Severity::parse));
    let notices = findings.chunk_by_mut(are_of_one_notice);
    Some(Charge {
        issue: Issue {
            id,
            severity: severity.unwrap_or_default(),
            known_exploited: known.known_exploited,
            exploitation: known.exploitation,
            exemption: None,
            notices: notices.filter_map(notice).collect(),
        },
        aliases: known.advisories,
    })
}

/// The worst that the notices say.
fn severity(findings: &[Finding]) -> Option<Severity> {
    findings
        .chunk_by(are_of_one_notice)
        .filter_map(|of_notice| of_notice.first())
        .map(|finding| finding.notice.severity)
        .reduce(Severity::or_worse)
}

fn are_of_one_notice(one: &Finding, other: &Finding) -> bool {
    one.notice.id == other.notice.id
}

/// The notice of findings of one vulnerability and one notice; nothing of none.
fn notice(findings: &mut [Finding]) -> Option<Notice> {
    let noticed = Arc::clone(&findings.first()?.notice);
    findings.sort_by(|one, other| one.upgrade().cmp(&other.upgrade()));
    let packages = findings.chunk_by(|one, other| one.upgrade() == other.upgrade());
    Some(Notice {
        id: Arc::clone(&noticed.id),
        summary: Arc::clone(&noticed.summary),
        published: noticed.published,
        exemption: None,
        packages: packages.filter_map(package).collect(),
    })
}

/// The package of findings of one upgrade; nothing of none.
fn package(findings: &[Finding]) -> Option<VulnerablePackage> {
    let first = findings.first()?;
    Some(VulnerablePackage {
        package: Arc::clone(&first.package),
        fix: Arc::clone(&first.fix),
        fix_date: first.fix_date,
        platforms: findings.iter().map(|one| one.platform.clone()).collect(),
        vex: BTreeMap::new(),
    })
}

impl Finding {
    /// The package by its name and its installed version, and the fix: packages that differ in their architecture alone are one.
    fn upgrade(&self) -> (&str, &str, &str) {
        (&self.package.name, &self.package.version, &self.fix)
    }
}
