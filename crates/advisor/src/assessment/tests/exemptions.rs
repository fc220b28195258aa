use super::super::*;
use super::fixture::*;
use crate::database::Vulnerability;

/// Two vulnerabilities: the first is fixed by two notices, the second by one of them.
fn source() -> Source {
    let spoken_of = Vulnerability {
        advisories: vec!["DSA-1-1".into(), "DSA-2-1".into(), "GHSA-aaaa".into()],
        ..Vulnerability::default()
    };
    Source::of([
        advisory(
            "DSA-1-1",
            &["CVE-2026-1", "CVE-2026-2"],
            "openssl",
            "3.0.10-1",
        ),
        advisory("DSA-2-1", &["CVE-2026-1"], "openssl", "3.0.11-1"),
    ])
    .knowing("CVE-2026-1", spoken_of)
}

#[test]
fn an_issue_is_exempt_by_its_vulnerability_or_by_every_notice() {
    use ExemptStatus::{Active, Exempt, Partial};
    for (exempted, first, second, status) in [
        (vec![], Active, Active, Status::Fail),
        (vec![("cve", "CVE-2026-1")], Exempt, Active, Status::Fail),
        (vec![("cve", "CVE-2026-2")], Active, Exempt, Status::Fail),
        (
            vec![("cve", "CVE-2026-1"), ("cve", "CVE-2026-2")],
            Exempt,
            Exempt,
            Status::Warn,
        ),
        (vec![("sn", "DSA-1-1")], Partial, Exempt, Status::Fail),
        (vec![("sn", "DSA-2-1")], Partial, Active, Status::Fail),
        (
            vec![("sn", "DSA-1-1"), ("sn", "DSA-2-1")],
            Exempt,
            Exempt,
            Status::Warn,
        ),
        (
            vec![("sn", "DSA-1-1"), ("cve", "CVE-2026-1")],
            Exempt,
            Exempt,
            Status::Warn,
        ),
        (vec![("cve", "GHSA-aaaa")], Exempt, Active, Status::Fail),
        (
            vec![("sn", "CVE-2026-1"), ("cve", "CVE-2026-20")],
            Active,
            Active,
            Status::Fail,
        ),
        (
            vec![("configuration", "CVE-2026-1")],
            Active,
            Active,
            Status::Fail,
        ),
    ] {
        let exemptions = exempted
            .iter()
            .map(|(issue_type, id)| exempt(issue_type, id));
        let image = with_openssl();
        let question = Question::exempting(exemptions);
        let assessment = question.ask(&only(&image), &source());
        let mut found: Vec<_> = assessment
            .issues
            .iter()
            .map(|issue| (&*issue.id, issue.exempt_status()))
            .collect();
        found.sort_unstable();
        let expected = [("CVE-2026-1", first), ("CVE-2026-2", second)];
        assert_eq!(
            (&*found, assessment.status),
            (&expected[..], status),
            "{exempted:?}"
        );
    }
}

#[test]
fn an_exemption_hides_no_gap() {
    let mut image = with_openssl();
    image.gaps.insert(Gap::NoPackageDatabase);
    let exemptions = ["CVE-2026-1", "CVE-2026-2"].map(|id| exempt("cve", id));
    let assessment = Question::exempting(exemptions).ask(&only(&image), &source());
    assert_eq!(assessment.status, Status::Incomplete);
}

#[test]
fn what_passes_by_exemptions_says_so() {
    let exemptions = ["CVE-2026-1", "CVE-2026-2"].map(|id| exempt("cve", id));
    let image = with_openssl();
    let assessment = Question::exempting(exemptions).ask(&only(&image), &source());
    assert_eq!(
        assessment.warnings,
        [Warning::Exempted { issues: 2 }].into()
    );
    let by = assessment.issues[0].exemption.as_ref().unwrap();
    assert_eq!(by.origin().to_string(), "ClusterImageExemption one");
}
