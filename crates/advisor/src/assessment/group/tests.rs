//! Grouping, held against maps of maps that say the same in plain words.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::Package;
use crate::assessment::finding::Noticed;
use crate::assessment::tests::fixture::{Source, exploited, package as any_package, platform};
use crate::database::Vulnerability;
use crate::inventory::Platform;

const SEVERITIES: [&str; 4] = ["low", "high", "critical", "who knows"];

/// A finding of one of few vulnerabilities, notices, packages and platforms, so that many have something in common.
fn finding() -> impl Strategy<Value = Finding> {
    let names = (0..4_u8, 0..3_u8, 0..3_u8);
    let package = (0..3_u8, 0..2_u8, prop::bool::ANY);
    let place = (0..2_u8, prop::sample::select(SEVERITIES.to_vec()));
    (names, package, place).prop_map(
        |((vulnerability, notice, fix), package, (place, severity))| {
            Finding {
                vulnerability: format!("CVE-2026-{vulnerability}").into(),
                notice: Arc::new(Noticed {
                    id: format!("DSA-{notice}-1").into(),
                    // Feeds say one thing of a notice; were it not so, the first would count.
                    summary: severity.into(),
                    published: None,
                    severity: Severity::parse(severity),
                }),
                package: Arc::new(installed(package)),
                platform: platform(["amd64", "arm64"][usize::from(place)]),
                fix: format!("3.0.{fix}-1").into(),
                fix_date: None,
            }
        },
    )
}

fn installed((name, version, is_foreign): (u8, u8, bool)) -> Package {
    let mut package = any_package(&format!("lib{name}"), "source", &format!("1.{version}"));
    if is_foreign {
        package.architecture = "i386".into();
    }
    package
}

fn source() -> Source {
    let rated = Vulnerability {
        severity: Some("medium".into()),
        advisories: vec!["DSA-1-1".into(), "GHSA-1".into()],
        ..Vulnerability::default()
    };
    Source::of([])
        .knowing("CVE-2026-1", exploited())
        .knowing("CVE-2026-2", rated)
}

type Packages<'f> =
    BTreeMap<(&'f str, &'f str, &'f str), (&'f Arc<Package>, BTreeSet<&'f Platform>)>;

fn expected(findings: &[Finding]) -> Vec<Charge> {
    let mut all: BTreeMap<&str, BTreeMap<&str, (&Noticed, Packages<'_>)>> = BTreeMap::new();
    for finding in findings {
        let notices = all.entry(&finding.vulnerability).or_default();
        let (_, packages) = notices
            .entry(&finding.notice.id)
            .or_insert_with(|| (&finding.notice, Packages::new()));
        let package = &finding.package;
        let (_, platforms) = packages
            .entry((&package.name, &package.version, &finding.fix))
            .or_insert_with(|| (package, BTreeSet::new()));
        platforms.insert(&finding.platform);
    }
    all.into_iter()
        .map(|(id, notices)| expected_charge(id, notices))
        .collect()
}

fn expected_charge(id: &str, notices: BTreeMap<&str, (&Noticed, Packages<'_>)>) -> Charge {
    let known = source().vulnerability(id).unwrap().unwrap_or_default();
    let own = notices.values().map(|(noticed, _)| noticed.severity);
    let own = own.reduce(Severity::or_worse).unwrap_or_default();
    let of_others = known.severity.as_deref().map(Severity::parse);
    let notice = |(noticed, packages): (&Noticed, Packages<'_>)| Notice {
        id: Arc::clone(&noticed.id),
        summary: Arc::clone(&noticed.summary),
        published: noticed.published,
        exemption: None,
        packages: packages
            .into_iter()
            .map(|((_, _, fix), (package, platforms))| VulnerablePackage {
                package: Arc::clone(package),
                fix: fix.into(),
                fix_date: None,
                platforms: platforms.into_iter().cloned().collect(),
                vex: BTreeMap::new(),
            })
            .collect(),
    };
    Charge {
        issue: Issue {
            id: id.into(),
            severity: if own.is_known() {
                own
            } else {
                of_others.unwrap_or_default()
            },
            known_exploited: known.known_exploited,
            exploitation: known.exploitation,
            exemption: None,
            notices: notices.into_values().map(notice).collect(),
        },
        aliases: known.advisories,
    }
}

proptest! {
    #[test]
    fn findings_are_grouped_by_vulnerability_notice_and_upgrade_and_the_first_of_equals_counts(
        findings in prop::collection::vec(finding(), 0..40),
    ) {
        let expected = expected(&findings);
        let source = source();
        let charges = charges(findings, &mut Known::new(&source));
        prop_assert_eq!(&charges, &expected);
        prop_assert_eq!(
            serde_json::to_string(&charges).unwrap(),
            serde_json::to_string(&expected).unwrap()
        );
    }
}
