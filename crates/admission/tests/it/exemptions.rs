//! Exemptions that a real API server asked about, before they are stored.

use cise_admission::StoredObject;
use serde_json::{Value, json};

use crate::policies::{Gate, cause, response_of, warnings, with_object};
use crate::support::recorded;

const CREATE: &str = "imageexemption-create";
const CREATE_FOR_ALL: &str = "clusterimageexemption-create";

fn spec() -> Value {
    json!({ "issueType": "cve", "issueID": "CVE-2026-10001", "images": ["icr.io/team/*"] })
}

fn spec_with(field: &str, value: Value) -> Value {
    let mut spec = spec();
    spec[field] = value;
    spec
}

#[tokio::test]
async fn what_cannot_hold_is_refused_with_the_field_and_the_reason() {
    let gate = Gate::new(&[]);
    for (spec, expected) in [
        (
            spec_with("expire", json!("2026-12-31")),
            "unknown field `expire`",
        ),
        (spec_with("expires", json!("tomorrow")), "spec.expires: "),
        (spec_with("expires", json!("2026-02-30")), "spec.expires: "),
        (
            spec_with("issueID", json!("DSA-6001-1")),
            "spec.issueID: `DSA-6001-1` is no id of type cve",
        ),
        (spec_with("issueID", json!("CVE 2026")), "spec.issueID: "),
        (spec_with("issueType", json!("all")), "spec.issueType: "),
        (
            spec_with("images", json!([])),
            "spec.images: no image is named",
        ),
        (
            spec_with("images", json!(["https://icr.io/a"])),
            "spec.images[0]: ",
        ),
        (json!({ "issueType": "cve" }), "missing field `issueID`"),
    ] {
        for recording in [CREATE, CREATE_FOR_ALL, "imageexemption-update"] {
            let response = gate.answer_to(recording, &spec).await;
            assert_eq!(response["allowed"], false, "{recording} {spec}");
            let cause = cause(&response);
            assert!(cause.contains(expected), "{recording} {spec}: {cause}");
            let annotations = &response["auditAnnotations"];
            assert_eq!(annotations["reasons"], "exemption-unreadable");
        }
    }
}

/// The API server keeps unknown fields for every client, so that a misspelt end is no exemption without one.
#[tokio::test]
async fn an_end_that_is_misspelt_or_in_the_wrong_place_is_no_exemption_without_an_end() {
    let gate = Gate::new(&[]);
    for (recording, field) in [
        ("imageexemption-create-misspelt", "`expire`"),
        ("imageexemption-create-misplaced", "`expires`"),
    ] {
        let response = response_of(&gate.answer(&recorded(recording)).await);
        let cause = cause(&response);
        assert!(cause.contains(&format!("unknown field {field}")), "{cause}");
        let details = &response["status"]["details"];
        assert_eq!(details["kind"], "ImageExemption");
        assert_eq!(
            details["group"],
            "securityenforcement.admission.cloud.ibm.com"
        );
    }
}

#[tokio::test]
async fn the_scope_of_the_account_is_for_the_cluster_alone() {
    let gate = Gate::new(&[]);
    for images in [json!(["*"]), json!(["icr.io/team/app", "*/*"])] {
        let spec = spec_with("images", images);
        let response = gate.answer_to(CREATE, &spec).await;
        assert_eq!(response["allowed"], false, "{spec}");
        assert_eq!(
            cause(&response),
            "spec.images: `*` is every image of the account: expected patterns of repositories, or the kind \
             ClusterImageExemption"
        );
        let response = gate.answer_to(CREATE_FOR_ALL, &spec).await;
        assert_eq!(response["allowed"], true, "{spec}");
    }
}

#[tokio::test]
async fn what_is_over_or_reaches_far_is_told() {
    let gate = Gate::new(&[]);
    for (recording, spec, expected) in [
        (CREATE, spec_with("expires", json!("2026-06-01")), &[][..]),
        (
            CREATE,
            spec_with("expires", json!("2026-05-31")),
            &["it has ended on 2026-05-31, and exempts nothing"],
        ),
        (
            CREATE,
            spec_with("expires", json!("2026-06-01T12:00:00Z")),
            &["it has ended on 2026-06-01T12:00:00Z, and exempts nothing"],
        ),
        (
            CREATE,
            spec_with("images", json!(["icr.io/*"])),
            &["the issue is exempted in every image of a registry"],
        ),
        (
            CREATE_FOR_ALL,
            spec_with("images", json!(["*"])),
            &["the issue is exempted in every image of every registry"],
        ),
    ] {
        let response = gate.answer_to(recording, &spec).await;
        assert_eq!(response["allowed"], true, "{spec}");
        assert_eq!(warnings(&response), expected, "{spec}");
    }
}

#[tokio::test]
async fn one_that_calls_itself_something_else_than_the_request_does_is_refused() {
    let gate = Gate::new(&[]);
    let as_kind = |recording: &str, kind: &str| {
        with_object(recording, "object", |object| {
            object["kind"] = kind.into();
            object["metadata"]["namespace"] = "other".into();
        })
    };
    for (recording, kind, expected) in [
        (CREATE, "ImageExemption", "ImageExemption other/reviewed"),
        (
            CREATE_FOR_ALL,
            "ImageExemption",
            "ImageExemption other/notice",
        ),
        (
            CREATE_FOR_ALL,
            "ClusterImageExemption",
            "names the namespace",
        ),
        (CREATE, "ImagePolicy", "cannot be read"),
    ] {
        let response = response_of(&gate.answer(&as_kind(recording, kind)).await);
        assert_eq!(response["allowed"], false, "{recording} {kind}");
        let message = response["status"]["message"].as_str().unwrap();
        assert!(message.contains(expected), "{recording} {kind}: {message}");
    }
}

/// One that an earlier version let in is not held by its finalizers for ever.
#[tokio::test]
async fn what_cannot_be_read_is_left_alone_while_nothing_is_said_anew() {
    let gate = Gate::new(&[]);
    let answer = gate
        .answer(&recorded(
            "imageexemption-update-misspelt-finalizer-removed",
        ))
        .await;
    let response = response_of(&answer);
    assert_eq!(response["allowed"], true);
    let warned = warnings(&response).concat();
    assert!(
        warned.starts_with("ImageExemption team/misspelt cannot be read and exempts nothing: "),
        "{warned}"
    );
    let grounds = answer.outcome.grounds;
    let cise_admission::Grounds::OfPolicy(decision) = grounds else {
        panic!("{grounds:?}")
    };
    assert!(matches!(decision.object, Some(StoredObject::Exemption(_))));
}
