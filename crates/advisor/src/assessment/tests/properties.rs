//! The verdict held against the plain words of its rules, over many images.

use proptest::prelude::*;

use super::super::*;
use super::fixture::*;
use crate::exemption::Exemption;
use crate::{Advisory, Event};

const CVES: [&str; 4] = ["CVE-2026-1", "CVE-2026-2", "CVE-2026-3", "CVE-2026-4"];
const NOTICES: [&str; 4] = ["DSA-1-1", "DSA-2-1", "DSA-3-1", "DSA-4-1"];

/// An advisory of some vulnerabilities; the installed version, 3.0.9-1, has some of their fixes.
fn any_advisory() -> impl Strategy<Value = Advisory> {
    let vulnerabilities = prop::sample::subsequence(CVES.to_vec(), 1..=3);
    let notice = prop::sample::select(NOTICES.to_vec());
    let fix = prop::option::of(prop::sample::select(vec!["3.0.8-1", "3.0.10-1"]));
    (notice, vulnerabilities, fix).prop_map(|(notice, vulnerabilities, fix)| match fix {
        Some(fix) => advisory(notice, &vulnerabilities, "openssl", fix),
        None => unfixed(notice, &vulnerabilities, "openssl"),
    })
}

fn any_exemptions() -> impl Strategy<Value = Vec<Exemption>> {
    let cves = CVES.map(|id| ("cve", id));
    let notices = NOTICES.map(|id| ("sn", id));
    let all = [cves, notices].concat();
    prop::sample::subsequence(all, 0..=8).prop_map(|some| {
        some.into_iter()
            .map(|(kind, id)| exempt(kind, id))
            .collect()
    })
}

/// By the rules: a vulnerability is exempted by its name, or by all notices that have a fix for it.
fn expected(advisories: &[Advisory], exemptions: &[Exemption]) -> Status {
    let is_exempt = |id: &str| {
        let mut ids = exemptions.iter().map(|one| one.spec().issue_id.as_str());
        ids.any(|exempted| exempted == id)
    };
    let notices_of = |id: &str| {
        let counted = advisories.iter().filter(|advisory| {
            let fix = Event::Fixed("3.0.10-1".into());
            let names_it = advisory.vulnerabilities.iter().any(|name| **name == *id);
            names_it && advisory.affected[0].ranges[0].events.contains(&fix)
        });
        counted.map(|advisory| &*advisory.id).collect::<Vec<_>>()
    };
    let issues = CVES.map(|id| (id, notices_of(id)));
    let issues: Vec<_> = issues
        .iter()
        .filter(|(_, notices)| !notices.is_empty())
        .collect();
    let is_covered = |(id, notices): &(&str, Vec<&str>)| {
        is_exempt(id) || notices.iter().all(|notice| is_exempt(notice))
    };
    if issues.is_empty() {
        Status::Ok
    } else if issues.into_iter().all(is_covered) {
        Status::Warn
    } else {
        Status::Fail
    }
}

proptest! {
    #[test]
    fn a_status_is_what_the_rules_say(
        advisories in prop::collection::vec(any_advisory(), 0..5),
        exemptions in any_exemptions(),
    ) {
        let expected = expected(&advisories, &exemptions);
        let question = Question::exempting(exemptions);
        let assessment = question.ask(&only(&with_openssl()), &Source::of(advisories));
        prop_assert_eq!(assessment.status, expected);
        prop_assert_eq!(assessment.active().count() == 0, expected != Status::Fail);
    }

    #[test]
    fn what_was_not_judged_never_passes(
        advisories in prop::collection::vec(any_advisory(), 0..5),
        exemptions in any_exemptions(),
    ) {
        let mut image = with_openssl();
        image.gaps.insert(Gap::NoPackageDatabase);
        let question = Question::exempting(exemptions);
        let assessment = question.ask(&only(&image), &Source::of(advisories));
        prop_assert!(matches!(assessment.gate(&Rules::default()), Gate::Deny(_)));
    }
}
