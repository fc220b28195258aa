//! Feeds beside the main one: who needs them, and who is covered without.

use super::super::*;
use super::fixture::*;
use super::what_cannot_be_judged::{gaps_of, incomplete};
use crate::Manager;
use crate::database::{Coverage, Feed};
use crate::inventory::{Contents, Inventory};
use crate::matching::Channel;

fn ubuntu(package: crate::Package) -> Inventory {
    Inventory {
        release: Some(release("ubuntu", "24.04")),
        ..image([package])
    }
}

#[test]
fn the_feed_of_a_paid_channel_is_needed_by_those_who_have_its_packages_or_pay() {
    let (free, paid) = ("Ubuntu:24.04:LTS", "Ubuntu:Pro:24.04:LTS");
    let fresh = |name: &str| feed(Ecosystem::new(name), Some(NOW));
    let old = |name: &str| feed(Ecosystem::new(name), Some("2026-10-01T00:00:00Z"));
    let subscribed = || Rules {
        subscriptions: [Channel::UbuntuPro].into(),
        ..Rules::default()
    };
    for (feeds, version, rules, status) in [
        (vec![fresh(free)], "1-1", Rules::default(), Status::Ok),
        (
            vec![fresh(free), old(paid)],
            "1-1",
            Rules::default(),
            Status::Ok,
        ),
        (
            vec![fresh(paid)],
            "1-1",
            Rules::default(),
            Status::Incomplete,
        ),
        (
            vec![fresh(free)],
            "1-1+esm1",
            Rules::default(),
            Status::Incomplete,
        ),
        (vec![fresh(free)], "1-1", subscribed(), Status::Incomplete),
        (
            vec![fresh(free), old(paid)],
            "1-1",
            subscribed(),
            Status::Incomplete,
        ),
        (
            vec![fresh(free), fresh(paid)],
            "1-1+esm1",
            subscribed(),
            Status::Ok,
        ),
    ] {
        let source = Source {
            feeds: feeds.clone(),
            ..Source::of([])
        };
        let question = Question {
            rules,
            ..Question::default()
        };
        let image = ubuntu(package("libssl3", "openssl", version));
        let assessment = question.ask(&only(&image), &source);
        assert_eq!(assessment.status, status, "{feeds:?} {version}");
    }
}

/// An image of rpm's, without a package.
fn of_rpm(id: &str, version: &str) -> Inventory {
    Inventory {
        release: Some(release(id, version)),
        contents: Contents {
            databases: [Manager::Rpm].into(),
            ..with_openssl().contents
        },
        ..image([])
    }
}

#[test]
fn a_repository_or_a_module_that_nobody_covers_leaves_a_release_uncovered() {
    let red_hat = |repository| format!("Red Hat:enterprise_linux:9::{repository}");
    let [base, apps, crb] = ["baseos", "appstream", "crb"].map(red_hat);
    let (base, apps, crb) = (&*base, &*apps, &*crb);
    let not_covered = |name: &str| format!("the advisory database does not cover {name}");
    for (fed, silent, gaps) in [
        (vec![base, apps, crb], vec![], vec![]),
        (vec![base, apps], vec![crb], vec![]),
        (vec![base, apps], vec![], vec![crb]),
        (vec![base, crb], vec![], vec![apps]),
        (vec![base], vec![apps, crb], vec![apps]),
        (vec![base], vec![], vec![apps, crb]),
        (vec![apps, crb], vec![base], vec![base]),
    ] {
        let source = Source {
            feeds: fed
                .iter()
                .map(|name| feed(Ecosystem::new(name), Some(NOW)))
                .collect(),
            silent: silent.iter().map(|name| Ecosystem::new(name)).collect(),
            ..Source::of([])
        };
        let (status, found) = gaps_of(&of_rpm("rhel", "9.4"), &source);
        let expected: Vec<_> = gaps.iter().map(|name| not_covered(name)).collect();
        assert_eq!(found, expected, "{fed:?} {silent:?}");
        assert_eq!(status == Status::Ok, gaps.is_empty(), "{fed:?} {silent:?}");
    }
}

#[test]
fn a_module_that_has_only_a_part_of_its_advisories_is_not_covered() {
    let image = of_rpm("sles", "15.5");
    let module =
        |name: &str| Ecosystem::new(&format!("SUSE:Linux Enterprise Module for {name} 15 SP5"));
    let crate::osv::Support::Fed(feeds) = crate::osv::ecosystems(&release("sles", "15.5")) else {
        panic!("it has no feeds")
    };
    let all = || Source {
        feeds: vec![feed(module("Basesystem"), Some(NOW))],
        silent: feeds.others.clone(),
        ..Source::of([])
    };
    assert_eq!(gaps_of(&image, &all()), (Status::Ok, Vec::new()));
    let mut partial = all();
    partial
        .silent
        .retain(|one| *one != module("Server Applications"));
    partial.feeds.push(Feed {
        coverage: Coverage::Partial,
        ..feed(module("Server Applications"), Some(NOW))
    });
    let gap = "the advisory database does not cover SUSE:Linux Enterprise Module for Server Applications 15 SP5";
    assert_eq!(gaps_of(&image, &partial), incomplete(gap));
}
