//! Requests that a real API server sent, answered without any network.

use std::fmt::Write as _;
use std::time::Duration;

use crate::support::{
    HANGS, PANICS, World, answer, cluster_policy, message, recorded, response, team_policy,
};
use cise_admission::{Enforcement, Grounds, Hook, Workloads};
use cise_registry::Deadline;
use cise_testkit::recordings;
use jiff::Timestamp;
use serde_json::Value;

const NO_VERIFICATION: &str = "name: \"*\"";
const ADVISOR: &str = "{name: \"*\", policy: {va: {enabled: true}}}";
const TRUST: &str = "{name: \"*\", policy: {trust: {enabled: true}}}";

/// For every recording: whether the request is admitted, and what was judged at which place.
async fn told(world: &World, hook: Hook) -> String {
    let engine = world.engine();
    let mut told = String::new();
    for recording in recordings::all().unwrap() {
        let answer = answer(&engine, hook, &recording.body).await;
        response(&answer);
        let allowed = if answer.outcome.allowed {
            "admitted"
        } else {
            "denied"
        };
        writeln!(told, "{}: {allowed}", recording.name).unwrap();
        let Grounds::Judged(decision) = &answer.outcome.grounds else {
            continue;
        };
        let object: Value =
            serde_json::from_slice::<Value>(&recording.body).unwrap()["request"]["object"].take();
        for image in &decision.images {
            for place in &image.places {
                let pointer = place.pointer(decision.kind);
                let at_pointer = object
                    .pointer(&pointer)
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                assert_eq!(at_pointer, image.image, "{}: {pointer}", recording.name);
                let verdict = image
                    .complaints()
                    .iter()
                    .map(|one| one.reason.code())
                    .collect::<Vec<_>>()
                    .join(" ");
                writeln!(told, "  {pointer} {} {verdict}", image.image).unwrap();
            }
        }
    }
    told
}

#[tokio::test]
async fn without_a_policy_every_new_image_at_every_place_is_refused() {
    insta::assert_snapshot!(told(&World::new(&[]), Hook::Admit).await);
}

#[tokio::test]
async fn an_entry_without_requirements_admits_everything_and_changes_nothing() {
    let world = World::new(&[&cluster_policy(&[NO_VERIFICATION])]);
    let engine = world.engine();
    for recording in recordings::all().unwrap() {
        for hook in Hook::ALL {
            let response = response(&answer(&engine, hook, &recording.body).await);
            let names_no_image = recording.name.contains("-image-empty")
                || recording.name.contains("-image-missing");
            let is_warned_about =
                recording.name.starts_with("deployment") && hook.label() == "workloads";
            let admits = !names_no_image || is_warned_about;
            assert_eq!(response["allowed"], admits, "{} {hook:?}", recording.name);
            assert!(
                response.get("patch").is_none(),
                "{} {hook:?}",
                recording.name
            );
        }
    }
}

#[tokio::test]
async fn the_products_sentences_come_first_and_on_one_line() {
    let nowhere = "registry.test/team/app:v1";
    for (policies, hook, first) in [
        (
            vec![],
            Hook::Trust,
            format!("Deny, no image policies or cluster polices for {nowhere}"),
        ),
        (
            vec![],
            Hook::VulnerabilityAdvisor,
            format!("Deny, no image policies or cluster polices for {nowhere}"),
        ),
        (
            vec![cluster_policy(&["name: icr.io/*"])],
            Hook::Trust,
            format!("Deny, no image policies or cluster polices for {nowhere}"),
        ),
        (
            vec![cluster_policy(&[NO_VERIFICATION]), team_policy(&[])],
            Hook::Trust,
            format!("Deny, no image policies or cluster polices for {nowhere}"),
        ),
        (
            vec![cluster_policy(&[TRUST])],
            Hook::Trust,
            "Trust is not supported for images from this registry".to_owned(),
        ),
        (
            vec![cluster_policy(&[ADVISOR])],
            Hook::VulnerabilityAdvisor,
            "Vulnerability Advisor is not supported for images from this registry".to_owned(),
        ),
    ] {
        let policies: Vec<&str> = policies.iter().map(String::as_str).collect();
        let answer = answer(
            &World::new(&policies).engine(),
            hook,
            &recorded("pod-create-one-image"),
        )
        .await;
        assert_eq!(
            message(&answer).lines().next(),
            Some(first.as_str()),
            "{policies:?}"
        );
    }
}

#[tokio::test]
async fn a_denial_reads_like_this() {
    let policies = [cluster_policy(&[
        TRUST,
        "{name: icr.io/*, policy: {va: {enabled: true}}}",
        "name: docker.io/library/nginx",
    ])];
    let engine = World::new(&[&policies[0]]).engine();
    let denied = answer(
        &engine,
        Hook::Admit,
        &recorded("pod-create-many-registries"),
    )
    .await;
    insta::assert_snapshot!(message(&denied));
}

#[tokio::test]
async fn an_advisor_of_somebody_else_cannot_be_asked_and_our_own_needs_a_database() {
    use cise_admission::{Advisor, Advisors};
    use cise_policy::HostPattern;

    for (advisor, found) in [
        (
            Advisor::Elsewhere,
            "an advisor of somebody else for registry.test",
        ),
        (Advisor::Builtin, "found: no advisory database"),
    ] {
        let mut world = World::new(&[&cluster_policy(&[ADVISOR])]);
        world.settings.advisors =
            Advisors::new([(HostPattern::parse("registry.test").unwrap(), advisor)]);
        let denied = answer(
            &world.engine(),
            Hook::VulnerabilityAdvisor,
            &recorded("pod-create-one-image"),
        )
        .await;
        let message = message(&denied);
        assert!(
            message.starts_with("Vulnerability Advisor is not available\n"),
            "{message}"
        );
        assert!(message.contains(found), "{message}");
    }
}

#[tokio::test]
async fn a_workload_is_created_with_a_warning_refused_or_let_alone_as_set() {
    for (setting, allowed, warned) in [
        (Workloads::Warn, true, true),
        (Workloads::Enforce, false, false),
        (Workloads::Off, true, false),
    ] {
        let mut world = World::new(&[]);
        world.settings.workloads = setting;
        let answer = answer(
            &world.engine(),
            Hook::Workloads,
            &recorded("deployment-create"),
        )
        .await;
        let response = response(&answer);
        assert_eq!(response["allowed"], allowed, "{setting:?}");
        assert_eq!(
            response["warnings"].as_array().is_some(),
            warned,
            "{setting:?}"
        );
    }
}

#[tokio::test]
async fn the_warning_of_a_workload_says_at_once_why_its_pods_will_be_refused() {
    let warned = answer(
        &World::new(&[]).engine(),
        Hook::Workloads,
        &recorded("deployment-create-typical"),
    )
    .await;
    let mut response = response(&warned);
    response["uid"] = Value::from("[uid]");
    insta::assert_json_snapshot!(response);
}

#[tokio::test]
async fn a_mirror_pod_is_admitted_with_a_warning_only_from_its_own_node() {
    let engine = World::new(&[]).engine();
    for (body, allowed) in [
        (
            String::from_utf8(recorded("pod-create-mirror")).unwrap(),
            true,
        ),
        (
            String::from_utf8(recorded("pod-create-mirror-by-user")).unwrap(),
            false,
        ),
        (
            String::from_utf8(recorded("pod-create-mirror"))
                .unwrap()
                .replace("system:node:n1", "system:node:n2"),
            false,
        ),
        (
            String::from_utf8(recorded("pod-create-mirror"))
                .unwrap()
                .replace("\"system:nodes\"", "\"system:others\""),
            false,
        ),
    ] {
        for hook in [
            Hook::Trust,
            Hook::TrustValidate,
            Hook::VulnerabilityAdvisor,
            Hook::Admit,
        ] {
            let response = response(&answer(&engine, hook, body.as_bytes()).await);
            assert_eq!(response["allowed"], allowed, "{hook:?}");
            assert_eq!(response["warnings"].is_array(), allowed, "{hook:?}");
        }
    }
}

#[tokio::test]
async fn an_object_of_another_namespace_than_the_request_is_denied() {
    let engine = World::new(&[&cluster_policy(&[NO_VERIFICATION])]).engine();
    let body = String::from_utf8(recorded("pod-create-one-image")).unwrap();
    let at = body.find("\"metadata\":").unwrap();
    let (request, object) = body.split_at(at);
    let body = format!(
        "{request}{}",
        object.replace("\"namespace\":\"team\"", "\"namespace\":\"kube-system\"")
    );
    let denied = answer(&engine, Hook::Trust, body.as_bytes()).await;
    assert!(
        message(&denied)
            .contains("the request is for namespace team, its object is of namespace kube-system")
    );
}

#[tokio::test]
async fn policies_of_one_namespace_say_nothing_about_another() {
    let engine = World::new(&[&team_policy(&[NO_VERIFICATION])]).engine();
    let body = String::from_utf8(recorded("pod-create-one-image")).unwrap();
    for (namespace, allowed) in [("team", true), ("other", false)] {
        let body = body.replace(
            "\"namespace\":\"team\"",
            &format!("\"namespace\":\"{namespace}\""),
        );
        assert_eq!(
            answer(&engine, Hook::Trust, body.as_bytes())
                .await
                .outcome
                .allowed,
            allowed,
            "{namespace}"
        );
    }
}

#[tokio::test]
async fn a_panic_denies_the_image_that_it_was_about_and_no_other() {
    let entry = format!(
        "{{name: \"registry.test/team/app\", policy: {{trust: {{enabled: true, signerSecrets: [{{name: {PANICS}}}]}}}}}}"
    );
    let engine = World::new(&[&team_policy(&[&entry, NO_VERIFICATION])]).engine();
    let denied = answer(
        &engine,
        Hook::Trust,
        &recorded("pod-create-three-containers"),
    )
    .await;
    let message = message(&denied);
    assert!(message.starts_with("Deny, an internal error kept the request from being judged\nimage: registry.test/team/app:v1\n"), "{message}");
    assert_eq!(message.matches("image: ").count(), 1, "{message}");
}

#[tokio::test]
async fn secrets_that_never_come_are_named_when_the_time_is_over() {
    let entry = format!(
        "{{name: \"*\", policy: {{trust: {{enabled: true, signerSecrets: [{{name: {HANGS}}}]}}}}}}"
    );
    let engine = World::new(&[&team_policy(&[&entry])]).engine();
    let deadline = Deadline::after(Duration::from_millis(50));
    let body = recorded("pod-create-one-image");
    let denied = engine
        .answer(Hook::Trust, &body, Timestamp::now(), deadline)
        .await
        .unwrap();
    let message = message(&denied);
    assert!(
        message.starts_with("Deny, registry.test/team/app:v1 was not verified in time\n"),
        "{message}"
    );
    assert!(
        message.contains("while reading secrets of namespace team"),
        "{message}"
    );
}

#[tokio::test]
async fn a_denied_dry_run_is_denied_in_the_same_words() {
    let engine = World::new(&[&cluster_policy(&[TRUST])]).engine();
    let denied = answer(&engine, Hook::Trust, &recorded("pod-create-one-image")).await;
    let dry = answer(&engine, Hook::Trust, &recorded("pod-create-dry-run")).await;
    assert_eq!(message(&denied), message(&dry));
    assert!(dry.outcome.subject.unwrap().dry_run);
}

#[tokio::test]
async fn the_outcome_says_who_asked_for_what() {
    let answer = answer(
        &World::new(&[]).engine(),
        Hook::Trust,
        &recorded("pod-create-one-image"),
    )
    .await;
    let asked = answer.outcome.subject.unwrap();
    assert_eq!(
        (
            asked.kind.as_str(),
            asked.namespace.as_str(),
            asked.user.as_str()
        ),
        ("Pod", "team", "alice")
    );
    let Grounds::Judged(decision) = answer.outcome.grounds else {
        panic!("not judged")
    };
    assert_eq!(decision.enforcement, Enforcement::Refuse);
    insta::assert_json_snapshot!(decision.reports().collect::<Vec<_>>());
}
