use proptest::prelude::*;

use super::*;

fn debian(installed: &str, ranges: &[&str]) -> String {
    let affected = affected("Debian:12", "curl", ranges);
    match judge(&package(Manager::Dpkg, "curl", installed), &affected).unwrap() {
        Judgement::Unaffected => "no".into(),
        Judgement::Affected { fix: None } => "yes".into(),
        Judgement::Affected { fix: Some(fix) } => format!("yes, until {fix}"),
        Judgement::Undecided { bound } => format!("undecided by {bound:?}"),
    }
}

#[test]
fn a_version_is_affected_from_an_introduction_until_a_fix() {
    for (range, installed, answer) in [
        ("introduced 0 fixed 2", "1", "yes, until 2"),
        ("introduced 0 fixed 2", "2", "no"),
        ("introduced 0 fixed 2", "2~rc1", "yes, until 2"),
        ("introduced 1 fixed 2", "0.9", "no"),
        ("introduced 1 fixed 2", "1", "yes, until 2"),
        ("introduced 0", "1", "yes"),
        ("introduced 0", "~", "yes"),
        ("introduced 1 fixed 2 introduced 3 fixed 4", "2.5", "no"),
        (
            "introduced 1 fixed 2 introduced 3 fixed 4",
            "3.5",
            "yes, until 4",
        ),
        ("introduced 1 fixed 2 introduced 3", "3.5", "yes"),
    ] {
        assert_eq!(
            debian(installed, &[range]),
            answer,
            "{installed} in {range}"
        );
    }
}

#[test]
fn events_are_taken_in_the_order_of_versions_whatever_order_they_are_listed_in() {
    for (installed, answer) in [
        ("0.5", "no"),
        ("1.5", "yes, until 2"),
        ("2.5", "no"),
        ("9", "yes, until 10"),
        ("10", "no"),
    ] {
        let listed = "fixed 10 introduced 3 fixed 2 introduced 1";
        assert_eq!(debian(installed, &[listed]), answer, "{installed}");
    }
}

#[test]
fn of_several_fixes_the_next_above_the_installed_version_is_told() {
    let range = "introduced 0 fixed 1.2.5 introduced 1.3 fixed 1.3.1";
    assert_eq!(debian("1.2.4", &[range]), "yes, until 1.2.5");
    assert_eq!(debian("1.3.0", &[range]), "yes, until 1.3.1");
    assert_eq!(
        debian("1.2.4", &["introduced 0 fixed 1.3.1 fixed 1.2.5"]),
        "yes, until 1.2.5"
    );
}

#[test]
fn of_several_ranges_that_have_the_version_the_fix_is_the_one_that_ends_them_all() {
    assert_eq!(
        debian("1", &["introduced 0 fixed 2", "introduced 0 fixed 3"]),
        "yes, until 3"
    );
    assert_eq!(
        debian("1", &["introduced 0 fixed 3", "introduced 0 fixed 2"]),
        "yes, until 3"
    );
    assert_eq!(
        debian("1", &["introduced 0 fixed 2", "introduced 2 fixed 3"]),
        "yes, until 2"
    );
    assert_eq!(
        debian("1", &["introduced 0", "introduced 0 fixed 3"]),
        "yes, until 3"
    );
}

#[test]
fn the_last_affected_version_is_affected_and_publishes_no_fix() {
    let range = "introduced 0 last_affected 2";
    assert_eq!(debian("2", &[range]), "yes");
    assert_eq!(debian("2.0.1", &[range]), "no");
    assert_eq!(debian("2", &["introduced 2 last_affected 2"]), "yes");
}

#[test]
fn what_was_never_affected_says_so_by_a_fix_before_every_version() {
    assert_eq!(debian("1", &["introduced 0 fixed 0"]), "no");
    assert_eq!(debian("2", &["introduced 0 fixed 2 introduced 2"]), "yes");
}

#[test]
fn a_version_at_or_above_every_limit_is_out_of_sight() {
    for (range, installed, answer) in [
        ("introduced 0 limit 2", "1", "yes"),
        ("introduced 0 limit 2", "2", "no"),
        ("introduced 0 limit 2 limit 4", "3", "yes"),
        ("introduced 0 limit *", "3", "yes"),
        ("introduced 0 limit a_b", "3", "yes"),
    ] {
        assert_eq!(
            debian(installed, &[range]),
            answer,
            "{installed} in {range}"
        );
    }
}

#[test]
fn a_bound_without_a_place_in_the_order_leaves_its_range_open() {
    for (range, answer) in [
        ("introduced 0 fixed a_b", "undecided by Fixed(\"a_b\")"),
        ("introduced 0 fixed *", "yes"),
        ("introduced 0 fixed a_b fixed 0.5", "no"),
        ("introduced 0 last_affected a_b limit c_d", "yes"),
        (
            "introduced 0 fixed a_b introduced 5 fixed 6",
            "yes, until 6",
        ),
        (
            "introduced 0 fixed 0.5 introduced a_b fixed 6",
            "undecided by Introduced(\"a_b\")",
        ),
        ("introduced a_b fixed 0.5", "no"),
        ("introduced 0 last_affected a_b", "yes"),
        ("introduced a_b fixed 2", "yes, until 2"),
        ("introduced 5 fixed a_b", "no"),
        ("introduced 0 fixed a_b fixed 3", "yes, until 3"),
    ] {
        assert_eq!(debian("1", &[range]), answer, "{range}");
    }
}

#[test]
fn bounds_without_a_place_in_the_order_are_found_by_feed() {
    let found = |ecosystem, range| -> Vec<String> {
        let affected = affected(ecosystem, "SLOF", &[range]);
        unorderable_bounds(&affected)
            .map(|bound| bound.version.to_string())
            .collect()
    };
    let red_hat = "Red Hat:enterprise_linux:8::crb";
    assert_eq!(
        found(red_hat, "introduced 0 fixed virt-devel:rhel"),
        ["virt-devel:rhel"]
    );
    assert_eq!(
        found("Alpine:v3.20", "introduced x last_affected 1.0-1 limit *"),
        ["x", "1.0-1"]
    );
    assert!(found("Debian:12", "introduced 0 fixed 1.0-1").is_empty());
    assert!(found("PyPI", "introduced 0 fixed a_b").is_empty());
}

#[test]
fn a_list_of_versions_counts_alone_and_publishes_no_fix() {
    let mut listed = affected("Debian:12", "curl", &[]);
    listed.versions = vec!["7.88.1-10".into()];
    let judge = |affected: &Affected, version| {
        judge(&package(Manager::Dpkg, "curl", version), affected).unwrap() != Judgement::Unaffected
    };
    assert!(judge(&listed, "7.88.1-10"));
    assert!(!judge(&listed, "7.88.1-11"));
    assert!(judge(&listed, "0:7.88.1-10"));
    listed.ranges = vec![range("introduced 8 fixed 9")];
    assert!(judge(&listed, "7.88.1-10"));
    listed.versions = vec!["0:7.88.1-10".into()];
    assert!(judge(&listed, "7.88.1-10"));
}

/// What OSV's schema states as an algorithm: sorted, then walked.
fn by_the_schema(installed: u8, events: &[(Kind, u8)]) -> bool {
    let mut sorted = events.to_vec();
    sorted.sort_by_key(|(kind, at)| (*at, *kind == Kind::LastAffected));
    sorted
        .iter()
        .fold(false, |affected, (kind, at)| match kind {
            Kind::Introduced if installed >= *at => true,
            Kind::Fixed if installed >= *at => false,
            Kind::LastAffected if installed > *at => false,
            _ => affected,
        })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Introduced,
    Fixed,
    LastAffected,
}

proptest! {
    #[test]
    fn ranges_are_evaluated_as_the_schema_does(
        installed in 1_u8..12,
        events in prop::collection::vec(
            (prop::sample::select(vec![Kind::Introduced, Kind::Fixed, Kind::LastAffected]), 0_u8..12),
            0..8,
        ),
    ) {
        let events: Vec<(Kind, u8)> = events;
        let words = events.iter().map(|(kind, at)| match kind {
            Kind::Introduced => Event::Introduced(at.to_string().into()),
            Kind::Fixed => Event::Fixed(at.to_string().into()),
            Kind::LastAffected => Event::LastAffected(at.to_string().into()),
        });
        let mut affected = affected("Debian:12", "curl", &[]);
        affected.ranges = vec![Range { events: words.collect() }];
        let package = package(Manager::Dpkg, "curl", &installed.to_string());
        let judgement = judge(&package, &affected).unwrap();
        prop_assert_eq!(judgement != Judgement::Unaffected, by_the_schema(installed, &events));
        if let Judgement::Affected { fix: Some(fix) } = judgement {
            prop_assert!(fix.parse::<u8>().unwrap() > installed);
        }
    }
}
