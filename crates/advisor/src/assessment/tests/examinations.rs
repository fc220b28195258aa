use cise_reference::{Digest, Reference};

use super::super::*;
use super::fixture::*;
use crate::exemption::{Exemptions, Subject, TagBinding};

fn subject() -> Subject {
    let digest = Digest::parse(&format!("sha256:{}", "0".repeat(64))).unwrap();
    let reference = Reference::parse("icr.io/team/app:1").unwrap();
    Subject::new(&reference, &digest, TagBinding::Proven).unwrap()
}

/// An image with issues, of which one is known to be exploited, on a platform whose other image cannot be judged.
fn examined() -> Examination {
    let source = Source::of([
        rated(
            advisory("DSA-1-1", &["CVE-2026-1"], "openssl", "3.0.10-1"),
            "high",
        ),
        advisory("DSA-2-1", &["CVE-2026-2"], "openssl", "3.0.11-1"),
        unfixed("DSA-3-1", &["CVE-2026-3"], "openssl"),
    ])
    .knowing("CVE-2026-2", exploited());
    let mut broken = with_openssl();
    broken.platform = platform("arm64");
    broken.gaps.insert(Gap::TangledLinks);
    examine(
        &all([with_openssl(), broken]),
        &source,
        &Rules::default(),
        time(NOW),
    )
}

#[test]
fn what_was_written_and_read_again_makes_the_same_assessment_under_any_exemptions() {
    let examination = examined();
    let json = serde_json::to_vec(&examination).unwrap();
    let read: Examination = serde_json::from_slice(&json).unwrap();
    assert_eq!(read, examination);
    for (exempted, active) in [
        (vec![], 2),
        (vec![("cve", "CVE-2026-2")], 1),
        (vec![("cve", "CVE-2026-1"), ("sn", "DSA-2-1")], 0),
    ] {
        let exemptions = exempted.iter().map(|(kind, id)| exempt(kind, id));
        let exemptions = Exemptions::compile(exemptions);
        let subject = subject();
        let [here, there] =
            [&examination, &read].map(|one| one.under(exemptions.applying_to(&subject, time(NOW))));
        assert_eq!(here.active().count(), active, "{exempted:?}");
        assert_eq!(format!("{here:?}"), format!("{there:?}"), "{exempted:?}");
    }
}

#[test]
fn exemptions_are_not_written() {
    let exemptions = Exemptions::compile([exempt("cve", "CVE-2026-1")]);
    let subject = subject();
    let assessment = examined().under(exemptions.applying_to(&subject, time(NOW)));
    let issue = assessment.issues.iter().find(|issue| issue.is_exempt());
    let json = serde_json::to_string(issue.unwrap()).unwrap();
    assert!(!json.contains("exempt"), "{json}");
}

#[test]
fn a_field_that_is_not_known_is_no_examination() {
    let mut json = serde_json::to_value(examined()).unwrap();
    json["verdict"] = "ok".into();
    assert!(serde_json::from_value::<Examination>(json).is_err());
}
