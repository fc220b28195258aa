use super::super::*;
use super::fixture::*;

/// An assessment of nothing, to be given what a test is about.
fn assessment(status: Status) -> Assessment {
    Assessment {
        status,
        ..Assessment::unscanned(time(NOW))
    }
}

fn denying() -> Rules {
    Rules {
        unsupported: Tolerance::Deny,
        unjudged: Tolerance::Deny,
        ..Rules::default()
    }
}

#[test]
fn what_passes_and_what_is_unsupported_is_admitted() {
    for (status, gate) in [
        (Status::Ok, Gate::Admit),
        (Status::Warn, Gate::Admit),
        (Status::Unsupported, Gate::Admit),
        (Status::Fail, Gate::Deny(Headline::Issues)),
        (Status::Incomplete, Gate::Deny(Headline::Incomplete)),
        (Status::Unscanned, Gate::Deny(Headline::Unscanned)),
    ] {
        assert_eq!(assessment(status).gate(&Rules::default()), gate, "{status}");
    }
}

#[test]
fn rules_may_refuse_what_is_unsupported_on_any_platform_or_not_judged() {
    let unjudged = Unjudged {
        package: "nginx".into(),
        version: "1".into(),
        why: WhyUnjudged::UnorderableVersion,
    };
    for status in [Status::Ok, Status::Warn, Status::Unsupported] {
        let mut unsupported = assessment(status);
        unsupported.unsupported.insert(Unsupported::Bare);
        let mut with_unjudged = assessment(status);
        with_unjudged.unjudged.insert(unjudged.clone());
        for (assessment, headline) in [
            (unsupported, Headline::Unsupported),
            (with_unjudged, Headline::Unjudged),
        ] {
            assert_eq!(assessment.gate(&Rules::default()), Gate::Admit);
            assert_eq!(assessment.gate(&denying()), Gate::Deny(headline));
        }
    }
    assert_eq!(assessment(Status::Ok).gate(&denying()), Gate::Admit);
}

#[test]
fn an_image_with_issues_is_refused_in_the_products_words() {
    assert_eq!(
        Headline::Issues.to_string(),
        "The Vulnerability Advisor image scan assessment found issues with the container image that are not exempted. Refer to \
         your image vulnerability report for more details by using the command `ibmcloud cr va`."
    );
}

#[test]
fn each_reason_has_a_sentence_and_a_code_of_its_own() {
    let all = [
        Headline::Issues,
        Headline::Incomplete,
        Headline::Unscanned,
        Headline::Unsupported,
        Headline::Unjudged,
        Headline::EndOfLife,
    ];
    let sentences: BTreeSet<_> = all.iter().map(ToString::to_string).collect();
    let codes: BTreeSet<_> = all.iter().map(|headline| headline.code()).collect();
    assert_eq!((sentences.len(), codes.len()), (all.len(), all.len()));
    assert!(sentences.iter().all(|sentence| sentence.ends_with('.')));
}

#[test]
fn a_refusal_tells_the_worst_issues_with_their_fixes() {
    let image = image([
        package("libssl3", "openssl", "3.0.9-1"),
        package("openssl", "openssl", "3.0.9-1"),
    ]);
    let fixed = |id: &str, vulnerability: &str, severity: &str| {
        rated(
            advisory(id, &[vulnerability], "openssl", "3.0.10-1"),
            severity,
        )
    };
    let source = Source::of([
        fixed("DSA-1-1", "CVE-2026-1", "high"),
        fixed("DSA-2-1", "CVE-2026-2", "low"),
        fixed("DSA-3-1", "CVE-2026-3", "critical"),
        fixed("DSA-4-1", "CVE-2026-4", "critical"),
    ])
    .knowing("CVE-2026-2", exploited());
    let question = Question::exempting([exempt("cve", "CVE-2026-4")]);
    let assessment = question.ask(&only(&image), &source);
    let lines = assessment.lines(Headline::Issues, 2);
    let told: Vec<_> = lines.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "CVE-2026-2 (severity low, known to be exploited): upgrade libssl3 3.0.9-1 to 3.0.10-1, upgrade openssl 3.0.9-1 to 3.0.10-1",
            "CVE-2026-3 (severity critical): upgrade libssl3 3.0.9-1 to 3.0.10-1, upgrade openssl 3.0.9-1 to 3.0.10-1",
            "and 1 more",
        ]
    );
}

#[test]
fn a_refusal_of_what_was_not_judged_tells_why() {
    let mut image = with_openssl();
    image.release = Some(release("derived", "1"));
    let assessment = assessed(&image, &Source::of([]));
    let lines = assessment.lines(Headline::Incomplete, 5);
    let told: Vec<_> = lines.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["the distribution `derived` 1 is not known"]);
    assert!(assessment.lines(Headline::Issues, 5).is_empty());
}

#[test]
fn many_packages_of_an_issue_are_counted() {
    let names = ["a", "b", "c", "d", "e"];
    let image = image(names.map(|name| package(name, "openssl", "1-1")));
    let source = Source::of([advisory("DSA-1-1", &["CVE-2026-1"], "openssl", "2-1")]);
    let assessment = assessed(&image, &source);
    let line = assessment.lines(Headline::Issues, 1)[0].to_string();
    assert_eq!(
        line,
        "CVE-2026-1 (severity unknown): upgrade a 1-1 to 2-1, upgrade b 1-1 to 2-1, upgrade c 1-1 to 2-1 and 2 more"
    );
}

#[test]
fn what_to_do_about_an_incomplete_scan_is_what_would_complete_it() {
    let stale = Gap::TooOld {
        ecosystem: debian(),
        days: 20,
    };
    let torn = Gap::UnreadLayer {
        layer: "sha256:1".into(),
        why: "it ends too early".into(),
    };
    for (gaps, expected) in [
        (vec![], Remedy::Complete),
        (vec![stale.clone()], Remedy::Renew),
        (vec![torn.clone()], Remedy::Retry),
        (vec![stale.clone(), torn.clone()], Remedy::Retry),
        (vec![stale, torn, Gap::NoRelease], Remedy::Complete),
    ] {
        let mut incomplete = assessment(Status::Incomplete);
        incomplete.gaps.extend(gaps.clone());
        let found = incomplete.remedy(Headline::Incomplete);
        assert_eq!(found, expected, "{gaps:?}");
    }
}
