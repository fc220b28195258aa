use super::super::*;
use super::fixture::*;
use crate::database::{Coverage, Feed};
use crate::detector::Mark;
use crate::inventory::{Contents, Inventory, Reading};
use crate::{Event, Manager};

pub(super) fn gaps_of(inventory: &Inventory, source: &Source) -> (Status, Vec<String>) {
    let assessment = assessed(inventory, source);
    let gaps = assessment.gaps.iter().map(ToString::to_string).collect();
    (assessment.status, gaps)
}

pub(super) fn incomplete(gap: &str) -> (Status, Vec<String>) {
    (Status::Incomplete, vec![gap.to_owned()])
}

#[test]
fn an_image_without_any_mark_of_a_distribution_is_unsupported() {
    let bare = Inventory {
        release: None,
        packages: Vec::new(),
        contents: Contents::default(),
        ..with_openssl()
    };
    let assessment = assessed(&bare, &Source::of([]));
    assert_eq!(assessment.status, Status::Unsupported);
    assert_eq!(assessment.unsupported, [Unsupported::Bare].into());
    let marked = |mark: Mark| Inventory {
        contents: Contents {
            marks: [mark].into(),
            ..Contents::default()
        },
        ..bare.clone()
    };
    for image in [
        marked(Mark::Release),
        marked(Mark::PackageDatabase),
        marked(Mark::PackageManager),
        marked(Mark::DynamicLoader),
        Inventory {
            packages: with_openssl().packages,
            ..bare.clone()
        },
        Inventory {
            contents: Contents {
                databases: [Manager::Apk].into(),
                ..Contents::default()
            },
            ..bare.clone()
        },
        Inventory {
            contents: Contents {
                reading: Reading::Partial,
                ..Contents::default()
            },
            ..bare.clone()
        },
    ] {
        let (status, gaps) = gaps_of(&image, &Source::of([]));
        let why = "no `os-release` says which distribution it is".to_owned();
        assert_eq!(status, Status::Incomplete, "{image:?}");
        assert!(gaps.contains(&why), "{gaps:?}");
    }
    let unread = Inventory {
        gaps: [Gap::NoPackageDatabase].into(),
        ..bare
    };
    assert_eq!(
        assessed(&unread, &Source::of([])).status,
        Status::Incomplete
    );
}

#[test]
fn a_distribution_without_a_feed_is_unsupported_only_if_it_is_what_it_says() {
    use Manager::{Dpkg, Rpm};
    let broken = Gap::BrokenDatabase {
        path: "var/lib/rpm/Packages".into(),
        why: "it is a Berkeley DB".into(),
    };
    for (id, databases, gaps, reading, status) in [
        (
            "amzn",
            vec![Rpm],
            vec![],
            Reading::Whole,
            Status::Unsupported,
        ),
        (
            "amzn",
            vec![Rpm],
            vec![broken],
            Reading::Whole,
            Status::Unsupported,
        ),
        (
            "amzn",
            vec![Rpm],
            vec![Gap::NoRelease],
            Reading::Whole,
            Status::Incomplete,
        ),
        (
            "amzn",
            vec![Rpm],
            vec![],
            Reading::Partial,
            Status::Incomplete,
        ),
        ("amzn", vec![], vec![], Reading::Whole, Status::Incomplete),
        (
            "amzn",
            vec![Dpkg],
            vec![],
            Reading::Whole,
            Status::Incomplete,
        ),
        (
            "amzn",
            vec![Rpm, Dpkg],
            vec![],
            Reading::Whole,
            Status::Incomplete,
        ),
        ("arch", vec![], vec![], Reading::Whole, Status::Unsupported),
        (
            "arch",
            vec![Rpm],
            vec![],
            Reading::Whole,
            Status::Incomplete,
        ),
        (
            "derived",
            vec![Rpm],
            vec![],
            Reading::Whole,
            Status::Incomplete,
        ),
    ] {
        let image = Inventory {
            release: Some(release(id, "2023")),
            packages: Vec::new(),
            gaps: gaps.into_iter().collect(),
            contents: Contents {
                marks: [Mark::Release, Mark::PackageDatabase].into(),
                databases: databases.into_iter().collect(),
                reading,
            },
            ..with_openssl()
        };
        let assessment = assessed(&image, &Source::of([]));
        assert_eq!(assessment.status, status, "{image:?}");
    }
    let nothing_but_a_name = Inventory {
        release: Some(release("arch", "")),
        packages: Vec::new(),
        contents: Contents {
            marks: [Mark::Release].into(),
            ..Contents::default()
        },
        ..with_openssl()
    };
    assert_eq!(
        assessed(&nothing_but_a_name, &Source::of([])).status,
        Status::Incomplete
    );
}

#[test]
fn what_says_it_is_a_distribution_has_its_package_database_and_no_other() {
    let no_database = Inventory {
        packages: Vec::new(),
        contents: Contents {
            marks: [Mark::Release].into(),
            ..Contents::default()
        },
        ..with_openssl()
    };
    let expected = incomplete("the image has no database of the packages that are in it");
    assert_eq!(gaps_of(&no_database, &Source::of([])), expected);
    let mut foreign = with_openssl();
    foreign.packages[0].manager = Manager::Apk;
    let expected = incomplete("packages of apk are in a distribution whose packages are others");
    assert_eq!(gaps_of(&foreign, &Source::of([])), expected);
}

#[test]
fn a_feed_that_is_missing_partial_or_too_old_says_nothing_by_its_silence() {
    let partial = Feed {
        coverage: Coverage::Partial,
        ..feed(debian(), Some(NOW))
    };
    for (feeds, gap) in [
        (vec![], "the advisory database does not cover Debian:12"),
        (
            vec![feed(Ecosystem::new("Debian:11"), Some(NOW))],
            "the advisory database does not cover Debian:12",
        ),
        (
            vec![partial],
            "the advisory database does not cover Debian:12",
        ),
        (
            vec![feed(debian(), Some("2026-11-11T09:00:00Z"))],
            "the advisories of Debian:12 are 15 days old",
        ),
        (
            vec![feed(debian(), None)],
            "nothing says how old the advisories of Debian:12 are",
        ),
        (
            vec![feed(debian(), Some("2027-01-01T00:00:00Z"))],
            "nothing says how old the advisories of Debian:12 are",
        ),
    ] {
        let source = Source {
            feeds,
            ..Source::of([])
        };
        assert_eq!(gaps_of(&with_openssl(), &source), incomplete(gap));
    }
}

#[test]
fn a_feed_past_two_days_is_used_with_a_warning() {
    let source = Source {
        feeds: vec![feed(debian(), Some("2026-11-24T08:00:00Z"))],
        ..Source::of([])
    };
    let assessment = assessed(&with_openssl(), &source);
    assert_eq!(assessment.status, Status::Ok);
    let warning = Warning::Aging {
        ecosystem: debian(),
        hours: 49,
    };
    assert_eq!(assessment.warnings, [warning].into());
}

#[test]
fn a_database_that_does_not_answer_is_a_gap() {
    let advisories = [advisory("DSA-1-1", &["CVE-2026-1"], "openssl", "3.0.10-1")];
    let silent = Source {
        advisories_fault: Some(Unreadable),
        ..Source::of(advisories.clone())
    };
    let expected = incomplete("block 7 does not have its hash");
    assert_eq!(gaps_of(&with_openssl(), &silent), expected);
    let half_silent = Source {
        vulnerabilities_fault: Some(Unreadable),
        ..Source::of([unfixed("DSA-1-1", &["CVE-2026-1"], "openssl")])
    };
    assert_eq!(gaps_of(&with_openssl(), &half_silent), expected);
    let failing = Source {
        vulnerabilities_fault: Some(Unreadable),
        ..Source::of(advisories)
    };
    assert_eq!(assessed(&with_openssl(), &failing).status, Status::Fail);
}

#[test]
fn a_version_without_a_place_in_the_order_is_a_gap_where_an_advisory_would_count() {
    let image = image([package("libssl3", "openssl", "3_0")]);
    let fixed = Source::of([advisory("DSA-1-1", &["CVE-2026-1"], "openssl", "3.0.10-1")]);
    let (status, gaps) = gaps_of(&image, &fixed);
    assert_eq!(status, Status::Incomplete);
    assert!(
        gaps[0].starts_with("libssl3 may be affected by an advisory with a fix: `3_0`"),
        "{gaps:?}"
    );

    let mut open = unfixed("DSA-1-1", &["CVE-2026-1"], "openssl");
    open.affected[0].ranges[0].events[0] = Event::Introduced("3".into());
    let assessment = assessed(&image, &Source::of([open]));
    assert_eq!(assessment.status, Status::Ok);
    let unjudged: Vec<_> = assessment.unjudged.iter().map(|one| &one.why).collect();
    assert_eq!(unjudged, [&WhyUnjudged::UnorderableVersion]);

    assert_eq!(assessed(&image, &Source::of([])).status, Status::Ok);
}

#[test]
fn a_fix_without_a_place_in_the_order_is_a_gap_where_it_would_count() {
    let gap = incomplete(
        "libssl3 may be affected by an advisory with a fix: `3.0.50_1` is no version that dpkg can order: \
         it has a character that is not allowed there",
    );
    let nothing = |status| (status, Vec::new());
    let fix = |source, fixed| advisory("DSA-1-1", &["CVE-2026-1"], source, fixed);
    let beside = |other: &str| {
        let mut both = fix("openssl", "3.0.50_1");
        both.affected[0].ranges[0]
            .events
            .push(Event::Fixed(other.into()));
        both
    };
    for (advisory, source, expected) in [
        (fix("openssl", "3.0.50_1"), "openssl", gap.clone()),
        (fix("openssl", "3.0.50_1"), "curl", nothing(Status::Ok)),
        (fix("linux", "3.0.50_1"), "linux", nothing(Status::Ok)),
        (beside("3.0.10-1"), "openssl", nothing(Status::Fail)),
        (beside("3.0.8-1"), "openssl", nothing(Status::Ok)),
    ] {
        let image = image([package("libssl3", source, "3.0.9-1")]);
        let asked = Source::of([advisory.clone()]);
        assert_eq!(gaps_of(&image, &asked), expected, "{advisory:?}");
    }
}

#[test]
fn a_fix_without_a_place_in_the_order_is_published_where_it_does_not_count() {
    let image = image([package("linux-libc-dev", "linux", "6.1-1")]);
    let source = Source::of([advisory("DSA-1-1", &["CVE-2026-1"], "linux", "6.1_2")]);
    let uncounted = assessed(&image, &source).uncounted;
    let told: Vec<_> = uncounted
        .iter()
        .map(|one| (one.fix.as_deref(), one.why))
        .collect();
    assert_eq!(told, [(Some("6.1_2"), NotCounted::Kernel)]);
}

#[test]
fn packages_of_others_are_listed_and_warned_of() {
    let mut other = package("nginx", "nginx", "1.0-1");
    other.vendor = "NGINX Packaging <nginx-packaging@f5.com>".into();
    let source = Source::of([advisory("DSA-1-1", &["CVE-2026-1"], "nginx", "2.0-1")]);
    let assessment = assessed(&image([other]), &source);
    assert_eq!(assessment.status, Status::Ok);
    assert_eq!(
        assessment.warnings,
        [Warning::Unjudged { packages: 1 }].into()
    );
    let said: Vec<_> = assessment
        .unjudged
        .iter()
        .map(|one| one.why.to_string())
        .collect();
    assert_eq!(
        said,
        ["it is not the distribution's, but of NGINX Packaging <nginx-packaging@f5.com>"]
    );
}

#[test]
fn an_issue_is_worse_than_a_gap() {
    let mut image = with_openssl();
    image.gaps.insert(Gap::NoPackageDatabase);
    let source = Source::of([advisory("DSA-1-1", &["CVE-2026-1"], "openssl", "3.0.10-1")]);
    let assessment = assessed(&image, &source);
    assert_eq!(
        (assessment.status, assessment.gaps.len()),
        (Status::Fail, 1)
    );
}

#[test]
fn an_image_of_which_a_layer_was_not_read_is_not_judged() {
    let mut image = with_openssl();
    image.contents.reading = Reading::Partial;
    let expected = incomplete("not every layer of it was read");
    assert_eq!(gaps_of(&image, &Source::of([])), expected);
}

#[test]
fn an_image_that_says_it_is_another_distribution_is_not_judged_and_not_let_through() {
    let by = |manager, vendor: &str| crate::Package {
        manager,
        vendor: vendor.into(),
        ..package("bash", "bash", "5.1-1")
    };
    let debians = by(Manager::Dpkg, "Bash <bash@packages.debian.org>");
    let red_hats = by(Manager::Rpm, "Red Hat, Inc.");
    for (id, version, package) in [
        // One with advisories by which nothing would be found, and one without any.
        ("ubuntu", "24.04", debians),
        ("fedora", "40", red_hats),
    ] {
        let manager = package.manager;
        let inventory = Inventory {
            release: Some(release(id, version)),
            contents: Contents {
                marks: [Mark::PackageDatabase].into(),
                databases: [manager].into(),
                reading: Reading::Whole,
            },
            ..image([package])
        };
        let source = Source {
            feeds: vec![feed(Ecosystem::new("Ubuntu:24.04:LTS"), Some(NOW))],
            ..Source::of([])
        };
        let found = assessed(&inventory, &source);
        assert_eq!(found.status, Status::Incomplete, "{id}");
        let is_told = |gap: &Gap| matches!(gap, Gap::OtherDistribution { .. });
        assert!(found.gaps.iter().any(is_told), "{id}: {:?}", found.gaps);
    }
}
