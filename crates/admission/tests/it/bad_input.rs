//! Requests of a real API server, damaged: each is denied with its reason, none is admitted unread.

use std::time::Duration;

use crate::support::{World, answer, cluster_policy, message, recorded, response};
use cise_admission::{Hook, MAX_BODY, MAX_IMAGES, Rejected};
use cise_registry::Deadline;
use jiff::Timestamp;

fn pod() -> String {
    String::from_utf8(recorded("pod-create-three-containers")).unwrap()
}

/// The recorded pod with the first `old` replaced, which must be there.
fn with(old: &str, new: &str) -> String {
    let pod = pod();
    assert!(pod.contains(old), "the recording has no {old}");
    pod.replacen(old, new, 1)
}

/// The recorded pod with the first `old` inside its object replaced.
fn with_object(old: &str, new: &str) -> String {
    let pod = pod();
    let (request, object) = pod.split_at(pod.find("\"object\":").unwrap());
    assert!(object.contains(old), "the recorded object has no {old}");
    format!("{request}{}", object.replacen(old, new, 1))
}

fn admit_all() -> World {
    World::new(&[&cluster_policy(&["name: \"*\""])])
}

async fn rejected(body: &[u8]) -> Option<Rejected> {
    let deadline = Deadline::after(Duration::from_secs(20));
    admit_all()
        .engine()
        .answer(Hook::Trust, body, Timestamp::now(), deadline)
        .await
        .err()
}

#[tokio::test]
async fn the_field_and_its_place_are_named() {
    let engine = admit_all().engine();
    let image = "\"image\":\"registry.test/team/app:v1\"";
    for (body, expected) in [
        (
            with("admission.k8s.io/v1", "admission.k8s.io/v1beta1"),
            "expected admission.k8s.io/v1 AdmissionReview, found admission.k8s.io/v1beta1",
        ),
        (
            with("\"CREATE\"", "\"INVENT\""),
            "request.operation: unknown variant `INVENT`",
        ),
        (
            with("\"userInfo\":{", "\"userInfo\":7,\"was\":{"),
            "request.userInfo: invalid type: integer `7`, expected an object",
        ),
        (
            with("\"resource\":\"pods\"", "\"resource\":\"podz\""),
            "CREATE of v1 podz is unknown",
        ),
        (
            with("\"kind\":\"Pod\"", "\"kind\":\"Deployment\""),
            "the request is for v1 pods, its object is of kind /v1 Deployment",
        ),
        (
            with("\"namespace\":\"team\",", ""),
            "the request for a Pod names no namespace",
        ),
        (
            with("\"object\":", "\"object\":null,\"was\":"),
            "the request for a Pod carries no object",
        ),
        (
            with_object("\"kind\":\"Pod\"", "\"kind\":\"Deployment\""),
            "object: the request is for Pod, its object is v1 Deployment",
        ),
        (
            with_object("\"spec\":{", "\"spec\":[],\"was\":{"),
            "object: the Pod cannot be read: spec: invalid type: sequence",
        ),
        (
            with_object("\"containers\":[", "\"containers\":7,\"was\":["),
            "object: the Pod cannot be read: spec.containers: invalid type: integer `7`, expected a sequence at line 1 column",
        ),
        (
            with_object(image, "\"image\":7"),
            "spec.containers[0].image: invalid type: integer `7`, expected a string",
        ),
        (
            with_object(image, &format!("{image},{image}")),
            "spec.containers[0]: duplicate field `image`",
        ),
        (
            with_object("\"containers\":[", "\"containers\":[],\"containers\":["),
            "spec: duplicate field `containers`",
        ),
        (
            with_object("\"namespace\":\"team\"", "\"namespace\":[]"),
            "metadata.namespace: invalid type: sequence, expected a string",
        ),
    ] {
        let denied = answer(&engine, Hook::Trust, body.as_bytes()).await;
        let message = message(&denied);
        assert!(
            message.contains(expected),
            "expected: {expected}\nfound: {message}"
        );
        assert!(message.starts_with("Deny, "), "{message}");
    }
}

#[tokio::test]
async fn a_body_that_cannot_be_addressed_is_an_error_and_not_an_answer() {
    for body in [
        "",
        "{",
        "null",
        "[]",
        "\u{feff}{}",
        "{}",
        "{\"request\":{\"uid\":\"\"}}",
    ] {
        assert_eq!(rejected(body.as_bytes()).await.unwrap().uid, None, "{body}");
    }
    let numbered = with("\"uid\":\"", "\"uid\":7,\"was\":\"");
    assert!(
        rejected(numbered.as_bytes())
            .await
            .unwrap()
            .error
            .to_string()
            .contains("request.uid: invalid type")
    );
    assert!(rejected(b"\xff\xfe").await.is_some());
    assert!(
        rejected(&vec![b' '; MAX_BODY + 1])
            .await
            .unwrap()
            .error
            .to_string()
            .contains("at most")
    );
}

#[tokio::test]
async fn a_review_cut_short_anywhere_is_never_admitted() {
    let engine = admit_all().engine();
    let body = recorded("pod-create-one-image");
    for length in 0..body.trim_ascii_end().len() {
        let deadline = Deadline::after(Duration::from_secs(20));
        let cut = engine
            .answer(Hook::Trust, &body[..length], Timestamp::now(), deadline)
            .await;
        assert!(cut.is_err(), "cut after {length} bytes");
    }
}

#[tokio::test]
async fn what_a_name_says_cannot_forge_a_line_of_the_message() {
    let engine = admit_all().engine();
    for image in [
        "nginx\\nfound: all is well",
        "nginx\\u2028found",
        "nginx\\u0007",
        "\\u202enginx",
    ] {
        let body = with_object("\"registry.test/team/app:v1\"", &format!("\"{image}\""));
        let denied = answer(&engine, Hook::Trust, body.as_bytes()).await;
        let message = message(&denied);
        assert!(message.starts_with("Deny, \""), "{message}");
        assert_eq!(
            message
                .lines()
                .filter(|line| line.starts_with("found: "))
                .count(),
            1,
            "{message}"
        );
        assert!(
            !message.chars().any(|c| c.is_control() && c != '\n'),
            "{message}"
        );
    }
}

#[tokio::test]
async fn a_name_without_end_is_shown_in_part() {
    let engine = World::new(&[]).engine();
    let body = with_object(
        "\"registry.test/team/app:v1\"",
        &format!("\"{}\"", "a".repeat(1_000_000)),
    );
    let denied = answer(&engine, Hook::Trust, body.as_bytes()).await;
    assert!(denied.body.len() < 20_000, "{}", denied.body.len());
}

#[tokio::test]
async fn more_images_than_any_kubelet_would_start_are_denied() {
    let engine = admit_all().engine();
    for (count, allowed) in [(MAX_IMAGES, true), (MAX_IMAGES + 1, false)] {
        let containers = vec!["{\"name\":\"x\",\"image\":\"nginx\"}"; count].join(",");
        let body = with_object(
            "\"containers\":[",
            &format!("\"containers\":[{containers}],\"was\":["),
        );
        let response = response(&answer(&engine, Hook::Trust, body.as_bytes()).await);
        assert_eq!(response["allowed"], allowed, "{count}");
    }
}

#[tokio::test]
async fn an_unknown_field_is_passed_over_however_deep_it_is() {
    let engine = admit_all().engine();
    let depth = 200_000;
    let deep = format!(
        "\"spec\":{{\"future\":{}{},",
        "[".repeat(depth),
        "]".repeat(depth)
    );
    let response = response(
        &answer(
            &engine,
            Hook::Trust,
            with_object("\"spec\":{", &deep).as_bytes(),
        )
        .await,
    );
    assert_eq!(response["allowed"], true);
}

#[tokio::test]
async fn escapes_in_names_and_keys_change_nothing() {
    let engine = World::new(&[]).engine();
    let body = with_object(
        "\"image\":\"registry.test",
        "\"im\\u0061ge\":\"r\\u0065gistry.test",
    );
    let denied = answer(&engine, Hook::Trust, body.as_bytes()).await;
    assert!(message(&denied).contains("image: registry.test/team/app:v1\n"));
}
