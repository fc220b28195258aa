use super::super::*;
use super::fixture::*;
use crate::database::Vulnerability;
use crate::matching::Channel;
use crate::{Event, Manager, Severity};

#[test]
fn an_advisory_of_the_distribution_with_a_published_fix_is_an_issue() {
    for (advisories, installed, status) in [
        (vec![], "3.0.9-1", Status::Ok),
        (
            vec![advisory("DSA-1-1", &["CVE-2026-1"], "openssl", "3.0.10-1")],
            "3.0.9-1",
            Status::Fail,
        ),
        (
            vec![advisory("DSA-1-1", &["CVE-2026-1"], "openssl", "3.0.10-1")],
            "3.0.10-1",
            Status::Ok,
        ),
        (
            vec![advisory("DSA-1-1", &["CVE-2026-1"], "openssl", "3.0.10-1")],
            "3.0.10~rc1-1",
            Status::Fail,
        ),
        (
            vec![advisory("DSA-1-1", &["CVE-2026-1"], "libssl3", "3.0.10-1")],
            "3.0.9-1",
            Status::Ok,
        ),
        (
            vec![unfixed("DEBIAN-CVE-2026-1", &["CVE-2026-1"], "openssl")],
            "3.0.9-1",
            Status::Ok,
        ),
    ] {
        let image = image([package("libssl3", "openssl", installed)]);
        let assessment = assessed(&image, &Source::of(advisories.clone()));
        assert_eq!(assessment.status, status, "{installed} {advisories:?}");
        assert_eq!(assessment.issues.is_empty(), status == Status::Ok);
    }
}

#[test]
fn an_issue_says_what_is_installed_and_what_fixes_it() {
    let source = Source::of([advisory("DSA-1-1", &["CVE-2026-1"], "openssl", "3.0.10-1")]);
    let assessment = assessed(&with_openssl(), &source);
    let [issue] = &*assessment.issues else {
        panic!("{:?}", assessment.issues);
    };
    assert_eq!(
        (&*issue.id, &*issue.notices[0].id),
        ("CVE-2026-1", "DSA-1-1")
    );
    let found = &issue.notices[0].packages[0];
    assert_eq!(
        (&*found.package.name, &*found.package.version),
        ("libssl3", "3.0.9-1")
    );
    assert_eq!(found.corrective_action(), "Upgrade libssl3 to >= 3.0.10-1");
    assert_eq!(found.platforms, [platform("amd64")].into());
}

#[test]
fn a_fix_in_versions_of_the_source_is_told_with_the_source() {
    let source = Source::of([advisory("DSA-1-1", &["CVE-2026-1"], "openssl", "3.0.10-1")]);
    for (manager, binary, action) in [
        (Manager::Dpkg, "3.0.9-1", "Upgrade libssl3 to >= 3.0.10-1"),
        (
            Manager::Dpkg,
            "1:3.0.9-1+b1",
            "Upgrade libssl3 to >= 3.0.10-1 (source openssl)",
        ),
        (Manager::Rpm, "1:3.0.9-1", "Upgrade libssl3 to >= 3.0.10-1"),
    ] {
        let assessment = assessed(&with_openssl(), &source);
        let mut found = assessment.issues[0].notices[0].packages[0].clone();
        let mut package = (*found.package).clone();
        package.manager = manager;
        package.version = binary.into();
        found.package = package.into();
        assert_eq!(found.corrective_action(), action, "{binary}");
    }
}

#[test]
fn what_does_not_count_is_kept_with_the_reason() {
    let last_affected = {
        let mut advisory = unfixed("DSA-2-1", &["CVE-2026-2"], "openssl");
        let events = &mut advisory.affected[0].ranges[0].events;
        events.push(Event::LastAffected("4".into()));
        advisory
    };
    for (advisory, source, why) in [
        (
            unfixed("DSA-1-1", &["CVE-2026-1"], "openssl"),
            "openssl",
            NotCounted::NoFix,
        ),
        (last_affected, "openssl", NotCounted::NoFix),
        (
            advisory("DSA-3-1", &["CVE-2026-3"], "linux", "9"),
            "linux",
            NotCounted::Kernel,
        ),
        (
            advisory("ELA-1-1", &["CVE-2026-4"], "openssl", "3.0.10-1"),
            "openssl",
            NotCounted::Paid(Channel::DebianElts),
        ),
    ] {
        let image = image([package("some", source, "3.0.9-1")]);
        let assessment = assessed(&image, &Source::of([advisory]));
        assert_eq!(assessment.status, Status::Ok, "{why:?}");
        let found: Vec<_> = assessment.uncounted.iter().map(|one| one.why).collect();
        assert_eq!(found, [why]);
    }
}

#[test]
fn a_known_exploit_does_not_make_a_fix_of_what_is_none() {
    for (advisory, source) in [
        (unfixed("DSA-1-1", &["CVE-2026-1"], "openssl"), "openssl"),
        (advisory("DSA-1-1", &["CVE-2026-1"], "linux", "9"), "linux"),
    ] {
        let source_of = Source::of([advisory]).knowing("CVE-2026-1", exploited());
        let image = image([package("some", source, "3.0.9-1")]);
        assert_eq!(assessed(&image, &source_of).status, Status::Ok);
    }
}

#[test]
fn packages_of_a_kind_that_is_not_counted_count_where_an_exploit_is_known() {
    let advisories = [advisory(
        "DSA-1-1",
        &["CVE-2026-1", "CVE-2026-2"],
        "openssl",
        "3.0.10-1",
    )];
    let source = Source::of(advisories).knowing("CVE-2026-2", exploited());
    let rules = Rules {
        packages: [PackageKind::Language].into(),
        ..Rules::default()
    };
    let question = Question {
        rules,
        ..Question::default()
    };
    let image = with_openssl();
    let assessment = question.ask(&only(&image), &source);
    let issues: Vec<_> = assessment.issues.iter().map(|issue| &*issue.id).collect();
    assert_eq!(
        (assessment.status, issues),
        (Status::Fail, vec!["CVE-2026-2"])
    );
}

#[test]
fn a_subscription_makes_the_fixes_of_a_paid_channel_count() {
    let source = Source::of([advisory("ELA-1-1", &["CVE-2026-4"], "openssl", "3.0.10-1")]);
    let rules = Rules {
        subscriptions: [Channel::DebianElts].into(),
        ..Rules::default()
    };
    let question = Question {
        rules,
        ..Question::default()
    };
    let assessment = question.ask(&only(&with_openssl()), &source);
    assert_eq!(assessment.status, Status::Fail);
}

#[test]
fn who_has_a_package_of_a_paid_channel_can_have_its_next_fix() {
    let ecosystem = Ecosystem::new("Ubuntu:Pro:24.04:LTS");
    let mut paid = advisory("USN-1-1", &["CVE-2026-4"], "openssl", "3.0.9-1+esm2");
    paid.affected[0].ecosystem = ecosystem.clone();
    let source = Source {
        feeds: vec![
            feed(Ecosystem::new("Ubuntu:24.04:LTS"), Some(NOW)),
            feed(ecosystem, Some(NOW)),
        ],
        ..Source::of([paid])
    };
    for (installed, status) in [("3.0.9-1", Status::Ok), ("3.0.9-1+esm1", Status::Fail)] {
        let mut image = image([package("libssl3", "openssl", installed)]);
        image.release = Some(release("ubuntu", "24.04"));
        assert_eq!(assessed(&image, &source).status, status, "{installed}");
    }
}

#[test]
fn an_advisory_of_several_vulnerabilities_makes_an_issue_of_each() {
    let source = Source::of([
        advisory(
            "DSA-1-1",
            &["CVE-2026-1", "CVE-2026-2"],
            "openssl",
            "3.0.10-1",
        ),
        advisory("DEBIAN-CVE-2026-2", &["CVE-2026-2"], "openssl", "3.0.10-1"),
    ]);
    let assessment = assessed(&with_openssl(), &source);
    let issues = assessment.issues.iter().map(|issue| {
        let notices = issue.notices.iter().map(|notice| &*notice.id);
        (&*issue.id, notices.collect::<Vec<_>>())
    });
    assert_eq!(
        issues.collect::<Vec<_>>(),
        [
            ("CVE-2026-1", vec!["DSA-1-1"]),
            ("CVE-2026-2", vec!["DEBIAN-CVE-2026-2", "DSA-1-1"]),
        ]
    );
}

#[test]
fn a_severity_is_the_packages_else_the_advisorys_else_another_feeds() {
    let other = Vulnerability {
        severity: Some("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H".into()),
        ..Vulnerability::default()
    };
    for (of_package, of_advisory, expected) in [
        (Some("low"), Some("high"), Severity::Low),
        (None, Some("high"), Severity::High),
        (None, None, Severity::Critical),
        (None, Some("not yet assigned"), Severity::Critical),
    ] {
        let mut advisory = advisory("DSA-1-1", &["CVE-2026-1"], "openssl", "3.0.10-1");
        advisory.severity = of_advisory.map(Into::into);
        advisory.affected[0].severity = of_package.map(Into::into);
        let source = Source::of([advisory]).knowing("CVE-2026-1", other.clone());
        let assessment = assessed(&with_openssl(), &source);
        assert_eq!(
            assessment.issues[0].severity, expected,
            "{of_package:?} {of_advisory:?}"
        );
    }
    let unrated = Source::of([advisory("DSA-1-1", &["CVE-2026-1"], "openssl", "3.0.10-1")]);
    let assessment = assessed(&with_openssl(), &unrated);
    assert_eq!(assessment.issues[0].severity, Severity::Unknown);
}

#[test]
fn an_advisory_of_all_releases_is_one_of_each() {
    for (ecosystem, status) in [
        ("Debian", Status::Fail),
        ("Debian:12", Status::Fail),
        ("Debian:11", Status::Ok),
        ("Debian:", Status::Ok),
    ] {
        let mut one = advisory("DSA-1-1", &["CVE-2026-1"], "openssl", "3.0.10-1");
        one.affected[0].ecosystem = Ecosystem::new(ecosystem);
        let assessment = assessed(&with_openssl(), &Source::of([one]));
        assert_eq!(assessment.status, status, "{ecosystem}");
    }
}

#[test]
fn of_issues_of_one_severity_the_one_that_is_probably_exploited_comes_first() {
    let advisories = ["1", "2", "3", "4"].map(|number| {
        let severity = if number == "4" { "critical" } else { "high" };
        let (id, cve) = (format!("DSA-{number}-1"), format!("CVE-2026-{number}"));
        rated(advisory(&id, &[&cve], "openssl", "3.0.10-1"), severity)
    });
    let source = Source::of(advisories)
        .knowing("CVE-2026-2", scored(120))
        .knowing("CVE-2026-3", scored(94_358));
    let assessment = assessed(&with_openssl(), &source);
    let order = assessment.issues.iter().map(|issue| &issue.id[9..]);
    assert_eq!(order.collect::<Vec<_>>(), ["4", "3", "2", "1"]);
}

#[test]
fn issues_are_sorted_by_what_matters() {
    let fixed = |id: &str, vulnerability: &str, severity: &str| {
        rated(
            advisory(id, &[vulnerability], "openssl", "3.0.10-1"),
            severity,
        )
    };
    let source = Source::of([
        fixed("DSA-1-1", "CVE-2026-1", "critical"),
        fixed("DSA-2-1", "CVE-2026-2", "medium"),
        fixed("DSA-3-1", "CVE-2026-3", ""),
        fixed("DSA-4-1", "CVE-2026-4", "high"),
        fixed("DSA-5-1", "CVE-2026-5", "low"),
        fixed("DSA-6-1", "CVE-2026-6", "high"),
    ])
    .knowing("CVE-2026-5", exploited());
    let image = with_openssl();
    let question = Question::exempting([exempt("cve", "CVE-2026-1")]);
    let assessment = question.ask(&only(&image), &source);
    let order = assessment.issues.iter().map(|issue| &issue.id[9..]);
    assert_eq!(order.collect::<Vec<_>>(), ["5", "4", "6", "3", "2", "1"]);
}

#[test]
fn a_fix_is_the_version_that_leaves_no_issue_of_the_package() {
    let image = image([
        package("libssl3", "openssl", "3.0.9-1"),
        package("openssl", "openssl", "3.0.9-1"),
        package("zlib1g", "zlib", "1:1.2-1"),
    ]);
    let source = Source::of([
        advisory("DSA-1-1", &["CVE-2026-1"], "openssl", "3.0.10-1"),
        advisory("DSA-2-1", &["CVE-2026-2"], "openssl", "3.0.9-1+deb12u1"),
        advisory("DSA-3-1", &["CVE-2026-3"], "zlib", "1:1.3-1"),
    ]);
    let assessment = assessed(&image, &source);
    let fixes = fixes(&assessment.issues);
    let told = fixes.iter().map(|fix| {
        let versions: Vec<_> = fix.versions.iter().map(|version| &**version).collect();
        (&*fix.package.name, versions, fix.issues)
    });
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            ("libssl3", vec!["3.0.10-1"], 2),
            ("openssl", vec!["3.0.10-1"], 2),
            ("zlib1g", vec!["1:1.3-1"], 1),
        ]
    );
}

#[test]
fn fixes_that_cannot_be_ordered_are_all_told() {
    let source = Source::of([
        advisory("DSA-1-1", &["CVE-2026-1"], "openssl", "3.0.10-1"),
        advisory("DSA-2-1", &["CVE-2026-2"], "openssl", "3.0.11-1"),
    ]);
    let mut assessment = assessed(&with_openssl(), &source);
    assessment.issues[0].notices[0].packages[0].fix = "3_0".into();
    let fixes = fixes(&assessment.issues);
    let versions: Vec<_> = fixes[0].versions.iter().map(|version| &**version).collect();
    assert_eq!(versions, ["3_0", "3.0.11-1"]);
}
