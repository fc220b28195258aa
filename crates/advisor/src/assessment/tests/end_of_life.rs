use jiff::civil::date;

use super::super::*;
use super::fixture::*;
use crate::database::LifeSpan;
use crate::inventory::Inventory;
use crate::matching::Channel;

fn ending(distribution: &str, version: &str, ends: Option<(i16, i8, i8)>) -> Source {
    let day = |(year, month, day)| date(year, month, day);
    Source {
        life_spans: vec![LifeSpan {
            distribution: distribution.into(),
            release: version.into(),
            ends: ends.map(day),
            extended: Some(date(2030, 1, 1)),
        }],
        ..Source::of([])
    }
}

fn denying() -> Rules {
    Rules {
        end_of_life: Tolerance::Deny,
        ..Rules::default()
    }
}

fn judged(image: &Inventory, source: &Source, rules: &Rules) -> (Status, Vec<String>, Gate) {
    let question = Question {
        rules: rules.clone(),
        ..Question::default()
    };
    let assessment = question.ask(&only(image), source);
    let warnings = assessment.warnings.iter().map(ToString::to_string);
    (
        assessment.status,
        warnings.collect(),
        assessment.gate(rules),
    )
}

#[test]
fn past_its_last_day_a_release_is_warned_of_by_name_and_date_and_refused_where_rules_say_so() {
    let image = with_openssl();
    for (ends, has_ended) in [
        (Some((2026, 11, 25)), true),
        (Some((2026, 11, 26)), false),
        (Some((2028, 6, 30)), false),
        (None, false),
    ] {
        let source = ending("debian", "12", ends);
        let (status, warnings, gate) = judged(&image, &source, &Rules::default());
        assert_eq!((status, gate), (Status::Ok, Gate::Admit), "{ends:?}");
        let told = "the release of the image has ended: debian 12 gets no fixes since 2026-11-25";
        let expected: &[&str] = if has_ended { &[told] } else { &[] };
        assert_eq!(warnings, expected, "{ends:?}");
        let (_, _, gate) = judged(&image, &source, &denying());
        let expected = if has_ended {
            Gate::Deny(Headline::EndOfLife)
        } else {
            Gate::Admit
        };
        assert_eq!(gate, expected, "{ends:?}");
    }
}

#[test]
fn those_who_pay_for_longer_support_have_it() {
    let ubuntu = Inventory {
        release: Some(release("ubuntu", "20.04")),
        ..with_openssl()
    };
    let past = Some((2025, 5, 31));
    for (image, source, channel) in [
        (
            &with_openssl(),
            ending("debian", "12", past),
            Channel::DebianElts,
        ),
        (&ubuntu, ending("ubuntu", "20.04", past), Channel::UbuntuPro),
    ] {
        let ended = |rules: &Rules| {
            let question = Question {
                rules: rules.clone(),
                ..Question::default()
            };
            !question.ask(&only(image), &source).ended.is_empty()
        };
        assert!(ended(&Rules::default()), "{channel:?}");
        let subscribed = Rules {
            subscriptions: [channel].into(),
            ..Rules::default()
        };
        assert!(!ended(&subscribed), "{channel:?}");
    }
}

#[test]
fn a_release_that_has_ended_is_judged_all_the_same() {
    let mut source = ending("debian", "12", Some((2026, 1, 1)));
    source.advisories = vec![advisory("DSA-1-1", &["CVE-2026-1"], "openssl", "3.0.10-1")];
    let (status, _, gate) = judged(&with_openssl(), &source, &denying());
    assert_eq!((status, gate), (Status::Fail, Gate::Deny(Headline::Issues)));
    source.feeds.clear();
    let (status, ..) = judged(&with_openssl(), &source, &Rules::default());
    assert_eq!(
        status,
        Status::Fail,
        "what is found counts without a feed too"
    );
    source.advisories.clear();
    let (status, ..) = judged(&with_openssl(), &source, &Rules::default());
    assert_eq!(status, Status::Incomplete, "its feed is gone");
}

#[test]
fn where_ended_releases_are_refused_one_whose_end_nobody_says_cannot_be_judged() {
    let unknown = "nothing says when debian 12 ends";
    for (rules, source, status) in [
        (Rules::default(), Source::of([]), Status::Ok),
        (denying(), Source::of([]), Status::Incomplete),
        (
            denying(),
            ending("debian", "11", Some((2024, 8, 14))),
            Status::Incomplete,
        ),
        (denying(), ending("debian", "12", None), Status::Ok),
    ] {
        let question = Question {
            rules,
            ..Question::default()
        };
        let assessment = question.ask(&only(&with_openssl()), &source);
        assert_eq!(assessment.status, status);
        let gaps: Vec<_> = assessment.gaps.iter().map(ToString::to_string).collect();
        assert_eq!(
            gaps.iter().any(|gap| gap.starts_with(unknown)),
            status == Status::Incomplete,
            "{gaps:?}"
        );
    }
}

#[test]
fn a_distribution_that_rolls_has_no_release_that_could_end() {
    let wolfi = Inventory {
        release: Some(release("wolfi", "20230201")),
        packages: Vec::new(),
        contents: crate::inventory::Contents {
            databases: [crate::Manager::Apk].into(),
            ..with_openssl().contents
        },
        ..with_openssl()
    };
    let source = Source {
        feeds: vec![feed(Ecosystem::new("Wolfi"), Some(NOW))],
        ..Source::of([])
    };
    let (status, _, gate) = judged(&wolfi, &source, &denying());
    assert_eq!((status, gate), (Status::Ok, Gate::Admit));
}
