use std::collections::BTreeSet;

use proptest::prelude::*;

use super::text::{Detail, Sections, render};
use super::*;
use crate::assessment::tests::fixture::*;
use crate::inventory::{Contents, Inventory};

const IMAGE: &str = "us.icr.io/ns/app:1";
const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// Three vulnerabilities that count, one of them exempted, and one that does not count; a package of somebody else's.
fn vulnerable() -> Assessment {
    let mut other = package("nginx", "nginx", "1.27-1");
    other.vendor = "NGINX Packaging <nginx-packaging@f5.com>".into();
    let image = image([
        package("libssl3", "openssl", "3.0.9-1"),
        package("openssl", "openssl", "3.0.9-1"),
        package("zlib1g", "zlib", "1:1.2.13-1"),
        other,
    ]);
    let mut told = rated(
        advisory(
            "DSA-1-1",
            &["CVE-2026-1", "CVE-2026-2"],
            "openssl",
            "3.0.10-1",
        ),
        "medium",
    );
    told.summary = "openssl security update".into();
    let source = Source::of([
        told,
        rated(
            advisory("DEBIAN-CVE-2026-3", &["CVE-2026-3"], "zlib", "1:1.3-1"),
            "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
        ),
        unfixed("DEBIAN-CVE-2026-4", &["CVE-2026-4"], "zlib"),
    ])
    .knowing("CVE-2026-2", exploited());
    let question = Question::exempting([exempt("cve", "CVE-2026-1")]);
    question.ask(&only(&image), &source)
}

fn active() -> Assessment {
    let image = with_openssl();
    let advisories = ["1", "2", "3"].map(|number| {
        let severity = ["high", "", "low"][number.parse::<usize>().unwrap() - 1];
        let (id, cve) = (format!("DSA-{number}-1"), format!("CVE-2026-{number}"));
        rated(
            advisory(&id, &[&cve], "openssl", &format!("3.0.1{number}-1")),
            severity,
        )
    });
    let source = Source::of(advisories).knowing("CVE-2026-3", exploited());
    assessed(&image, &source)
}

fn bare() -> Assessment {
    let image = Inventory {
        release: None,
        packages: Vec::new(),
        contents: Contents::default(),
        ..with_openssl()
    };
    assessed(&image, &Source::of([]))
}

fn incomplete() -> Assessment {
    let source = Source {
        feeds: Vec::new(),
        ..Source::of([])
    };
    assessed(&with_openssl(), &source)
}

fn clean() -> Assessment {
    assessed(&with_openssl(), &Source::of([]))
}

fn unscanned() -> Assessment {
    Assessment::unscanned(time(NOW))
}

fn report(assessment: &Assessment) -> ImageReport {
    ImageReport::new(IMAGE, Some(DIGEST), assessment)
}

fn json(assessment: &Assessment) -> serde_json::Value {
    serde_json::to_value(report(assessment)).unwrap()
}

#[test]
fn a_report_of_issues_has_ibms_fields_and_ours_beside_them() {
    insta::assert_json_snapshot!(report(&vulnerable()));
}

#[test]
fn a_score_is_told_where_there_is_one() {
    let advisories = [
        advisory("DSA-1-1", &["CVE-2026-1"], "openssl", "3.0.10-1"),
        advisory("DSA-2-1", &["CVE-2026-2"], "openssl", "3.0.10-1"),
    ];
    let source = Source::of(advisories).knowing("CVE-2026-1", scored(94_358));
    let assessment = assessed(&with_openssl(), &source);
    let json = json(&assessment);
    let scores = ["0", "1"].map(|index| json.pointer(&format!("/vulnerabilities/{index}/epss")));
    let score = serde_json::json!({ "probability": 0.94358, "percentile": 0.99 });
    assert_eq!(scores, [Some(&score), None]);
    for detail in [Detail::Brief, Detail::Extended] {
        let text = render(&report(&assessment), Sections::Vulnerabilities, detail);
        let told: Vec<_> = text.lines().filter(|line| line.contains("EPSS")).collect();
        assert_eq!(told.len(), 1, "{text}");
        assert!(
            told[0].contains("CVE-2026-1") && told[0].contains("unknown, EPSS 94.36 %"),
            "{text}"
        );
    }
}

#[test]
fn a_report_of_what_was_not_judged_says_why() {
    insta::assert_json_snapshot!(report(&incomplete()));
}

#[test]
fn ibms_fields_are_there_for_every_outcome() {
    let ibms: BTreeSet<&str> = [
        "image",
        "id",
        "scan_time",
        "status",
        "vulnerabilities",
        "configuration_issues",
        "os_distribution",
    ]
    .into();
    for (assessment, status) in [
        (active(), "FAIL"),
        (vulnerable(), "FAIL"),
        (clean(), "OK"),
        (bare(), "UNSUPPORTED"),
        (incomplete(), "INCOMPLETE"),
        (unscanned(), "UNSCANNED"),
    ] {
        let json = json(&assessment);
        let keys: BTreeSet<&str> = json.as_object().unwrap().keys().map(|key| &**key).collect();
        assert!(keys.is_superset(&ibms), "{status}: {keys:?}");
        assert_eq!(json["status"], status);
        let os = json["os_distribution"].as_object().unwrap();
        let fields: Vec<_> = os.keys().collect();
        assert_eq!(
            fields,
            ["distribution_id", "version_code_name", "version_id"]
        );
    }
}

#[test]
fn a_report_can_be_read_again_and_so_can_one_with_ibms_fields_only() {
    let report = report(&vulnerable());
    let written = serde_json::to_string(&[&report]).unwrap();
    let read: Vec<ImageReport> = serde_json::from_str(&written).unwrap();
    assert_eq!(read, [report]);
    let ibms = serde_json::json!({
        "id": "1",
        "scan_time": 1_764_147_600,
        "status": "FAIL",
        "vulnerabilities": [{
            "cve_id": "CVE-2026-1",
            "summary": "",
            "cve_exempt": false,
            "exempt_status": "active",
            "total_security_notice_count": 1,
            "security_notice_count": 1,
            "exempt_security_notice_count": 0,
            "security_notices": [{
                "notice_id": "DSA-1-1",
                "notice": "",
                "summary": "",
                "notice_exempt": false,
                "vulnerable_packages": [{
                    "package_name": "libssl3",
                    "installed_version": "3.0.9-1",
                    "fix_version": "3.0.10-1",
                    "description": "",
                    "corrective_action": "Upgrade libssl3 to >= 3.0.10-1",
                }],
            }],
        }],
        "configuration_issues": [{
            "type": "application_configuration:mysql.ssl-ca",
            "description": "ssl-ca is set",
            "corrective_action": "set ssl-ca",
            "exempt": true,
            "meta": {"file": "/etc/my.cnf"},
        }],
        "os_distribution": {"distribution_id": "debian", "version_id": "12", "version_code_name": "bookworm"},
    });
    let read: ScanReport = serde_json::from_value(ibms).unwrap();
    let text = render(
        &ImageReport {
            image: IMAGE.into(),
            report: read,
        },
        Sections::All,
        Detail::Brief,
    );
    insta::assert_snapshot!(text);
}

#[test]
fn the_time_of_a_scan_is_that_of_its_data() {
    assert_eq!(
        json(&clean())["scan_time"],
        time("2026-11-26T08:00:00Z").as_second()
    );
    assert_eq!(json(&unscanned())["scan_time"], time(NOW).as_second());
}

#[test]
fn what_is_printed_has_the_layout_of_the_command_line() {
    let texts = [
        ("brief", Sections::All, Detail::Brief, vulnerable()),
        (
            "brief, none exempted",
            Sections::Vulnerabilities,
            Detail::Brief,
            active(),
        ),
        ("extended", Sections::All, Detail::Extended, vulnerable()),
        (
            "configuration only",
            Sections::Configuration,
            Detail::Brief,
            vulnerable(),
        ),
        ("no issues", Sections::All, Detail::Brief, clean()),
        ("unsupported", Sections::All, Detail::Brief, bare()),
        ("incomplete", Sections::All, Detail::Brief, incomplete()),
        ("unscanned", Sections::All, Detail::Brief, unscanned()),
    ]
    .map(|(title, sections, detail, assessment)| {
        let text = render(&report(&assessment), sections, detail);
        format!("--- {title}\n{}\n\n{text}", text::checking(IMAGE))
    });
    insta::assert_snapshot!(texts.join("\n"));
}

#[test]
fn nothing_is_called_free_of_issues_that_was_not_judged() {
    for assessment in [bare(), incomplete(), unscanned()] {
        for sections in [
            Sections::All,
            Sections::Vulnerabilities,
            Sections::Configuration,
        ] {
            let text = render(&report(&assessment), sections, Detail::Extended);
            assert!(!text.contains("NO ISSUES"), "{text}");
        }
    }
}

#[test]
fn foreign_text_moves_no_cursor() {
    let mut report = report(&active());
    report.image.push_str("\u{1b}[2J\nImage 'x' is fine");
    report.report.vulnerabilities[0].cve_id = "CVE\u{1b}]0;x\u{7}".into();
    let text = render(&report, Sections::All, Detail::Extended);
    assert!(!text.contains(['\u{1b}', '\u{7}']), "{text}");
    assert!(!text.contains("\nImage 'x' is fine"), "{text}");
}

proptest! {
    #[test]
    fn whatever_a_report_holds_each_row_stays_on_its_line(
        texts in prop::array::uniform6("[a-z\\x00-\\x1f\u{80}-\u{9f}\u{202a}-\u{202e}\u{2028}é]{0,12}"),
    ) {
        let mut report = report(&active());
        let expected = render(&report, Sections::All, Detail::Extended).lines().count();
        let [image, cve, summary, package, version, fix] = texts;
        report.image = image;
        let vulnerability = &mut report.report.vulnerabilities[0];
        vulnerability.cve_id = cve;
        vulnerability.summary = summary;
        let affected = &mut vulnerability.security_notices[0].vulnerable_packages[0];
        affected.package_name = package;
        affected.installed_version = version;
        affected.fix_version = fix;
        let text = render(&report, Sections::All, Detail::Extended);
        prop_assert_eq!(text.lines().count(), expected);
        prop_assert!(!text.chars().any(|character| character.is_control() && character != '\n'));
    }
}
