//! Policies and exemptions that a real API server asked about, before they are stored.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use cise_admission::{Answer, Coverage, CoverageError, Grounds, PolicyGate};
use cise_registry::Deadline;
use cise_signature::notary::TrustServers;
use cise_testkit::{fixtures, recordings};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use crate::support::{HANGS, PANICS, World, cluster_policy, recorded, response, team_policy};

/// Namespaces that the webhooks were put back for, and whether that works.
#[derive(Default)]
struct Included {
    namespaces: Mutex<Vec<String>>,
    fails: bool,
}

impl Coverage for Included {
    fn include<'a>(&'a self, namespace: &'a str) -> BoxFuture<'a, Result<(), CoverageError>> {
        let done = if self.fails {
            Err(CoverageError::new("the API server does not answer"))
        } else {
            self.namespaces.lock().unwrap().push(namespace.to_owned());
            Ok(())
        };
        async move { done }.boxed()
    }
}

/// A gate, and what it looks at. It is noon on 1 June 2026.
pub(crate) struct Gate {
    world: World,
    included: Arc<Included>,
}

impl Gate {
    pub(crate) fn new(policies: &[&str]) -> Self {
        Self::of(World::new(policies))
    }

    fn of(world: World) -> Self {
        Self {
            world,
            included: Arc::default(),
        }
    }

    pub(crate) async fn answer(&self, body: &[u8]) -> Answer {
        let sources = &self.world.sources;
        let gate = PolicyGate::new(
            Arc::clone(sources) as _,
            Arc::clone(sources) as _,
            Arc::clone(&self.included) as _,
            TrustServers::new(),
            "ibm-system".to_owned(),
        );
        let deadline = Deadline::after(Duration::from_secs(20));
        let now = "2026-06-01T12:00:00Z".parse().unwrap();
        gate.answer(body, now, deadline).await.unwrap()
    }

    /// The answer to a recorded request whose object has this spec in the place of its own.
    pub(crate) async fn answer_to(&self, recording: &str, spec: &Value) -> Value {
        let body = with_object(recording, "object", |object| object["spec"] = spec.clone());
        response_of(&self.answer(&body).await)
    }

    fn included(&self) -> Vec<String> {
        self.included.namespaces.lock().unwrap().clone()
    }
}

pub(crate) fn with_object(
    recording: &str,
    which: &str,
    change: impl FnOnce(&mut Value),
) -> Vec<u8> {
    let mut review: Value = serde_json::from_slice(&recorded(recording)).unwrap();
    change(&mut review["request"][which]);
    serde_json::to_vec(&review).unwrap()
}

/// The response, with the rules for answers checked.
pub(crate) fn response_of(answer: &Answer) -> Value {
    let response = response(answer);
    assert!(response.get("patch").is_none());
    assert!(matches!(
        answer.outcome.grounds,
        Grounds::OfPolicy(_) | Grounds::NoImages | Grounds::NotJudged { .. }
    ));
    response
}

pub(crate) fn warnings(response: &Value) -> Vec<String> {
    let warnings = response["warnings"].as_array().into_iter().flatten();
    warnings
        .map(|one| one.as_str().unwrap().to_owned())
        .collect()
}

pub(crate) fn cause(response: &Value) -> String {
    let cause = &response["status"]["details"]["causes"][0];
    format!(
        "{}: {}",
        cause["field"].as_str().unwrap_or_default(),
        cause["message"].as_str().unwrap_or_default()
    )
}

#[tokio::test]
async fn what_the_api_server_asks_about_is_stored_unless_it_cannot_be_read() {
    let gate = Gate::new(&[]);
    for recording in recordings::policies().unwrap() {
        let response = response_of(&gate.answer(&recording.body).await);
        let is_bad = [
            "imagepolicy-create-misspelt",
            "imagepolicy-create-misplaced",
            "imageexemption-create-misspelt",
            "imageexemption-create-misplaced",
            "imageexemption-create-of-account",
        ];
        let expected = !is_bad.contains(&recording.name.as_str());
        assert_eq!(
            response["allowed"], expected,
            "{} {response}",
            recording.name
        );
    }
}

#[tokio::test]
async fn a_field_that_does_not_exist_is_refused_with_its_place() {
    let gate = Gate::new(&[]);
    for (recording, expected) in [
        (
            "imagepolicy-create-misspelt",
            "unknown field `polcy`, expected one of `name`, `policy`, `policies`",
        ),
        ("imagepolicy-create-misplaced", "unknown field `policy`"),
    ] {
        let response = response_of(&gate.answer(&recorded(recording)).await);
        assert!(cause(&response).contains(expected), "{response}");
        assert_eq!(response["status"]["reason"], "Invalid");
        assert_eq!(response["status"]["details"]["kind"], "ImagePolicy");
    }
}

#[tokio::test]
async fn what_cannot_work_is_refused_with_the_field_and_the_reason() {
    let gate = Gate::new(&[]);
    let entry = |entry: Value| json!({ "repositories": [entry] });
    let policy = |policy: Value| entry(json!({ "name": "icr.io/*", "policy": policy }));
    for (spec, expected) in [
        (
            entry(json!({ "name": "https://icr.io/a" })),
            "spec.repositories[0].name: ",
        ),
        (
            entry(json!({ "name": "icr.io/a b" })),
            "spec.repositories[0].name: ",
        ),
        (entry(json!({ "policy": {} })), "missing field `name`"),
        (
            entry(json!({ "name": "a", "polcy": {} })),
            "unknown field `polcy`",
        ),
        (
            entry(json!({ "name": "a", "policies": { "trust": {} } })),
            "spec.repositories[0].policies: expected null",
        ),
        (
            policy(json!({ "trsut": { "enabled": true } })),
            "unknown field `trsut`",
        ),
        (
            policy(json!({ "trust": { "signerSecrets": [{ "name": "alice" }] } })),
            "missing field `enabled`",
        ),
        (
            policy(json!({ "trust": { "enabled": true, "signerSecret": [] } })),
            "unknown field `signerSecret`",
        ),
        (
            policy(json!({ "trust": { "enabled": true, "trustServer": "http://a" } })),
            "policy.trust.trustServer: ",
        ),
        (
            policy(json!({ "trust": { "enabled": true, "signerSecrets": [{ "name": "A b" }] } })),
            "signerSecrets[0].name: ",
        ),
        (
            policy(json!({ "trust": { "enabled": "yes" } })),
            "policy.trust.enabled: ",
        ),
        (
            policy(json!({ "va": { "enabled": true, "strict": true } })),
            "unknown field `strict`",
        ),
        (
            policy(json!({ "vulnerability": { "unsuported": "deny" } })),
            "spec.repositories[0].policy: `vulnerability`: unknown field `unsuported`",
        ),
        (policy(json!({ "mode": "off" })), "policy.mode: "),
        (json!({ "repositorys": [] }), "unknown field `repositorys`"),
        (json!([]), "spec: "),
        (Value::Null, "spec: "),
    ] {
        for recording in [
            "imagepolicy-create",
            "imagepolicy-update",
            "clusterimagepolicy-create",
        ] {
            let response = gate.answer_to(recording, &spec).await;
            assert_eq!(response["allowed"], false, "{spec}");
            assert!(
                cause(&response).contains(expected),
                "{expected} in {response}"
            );
        }
    }
    assert_eq!(gate.included(), [""; 0]);
}

#[tokio::test]
async fn a_refusal_reads_like_this() {
    let gate = Gate::new(&[]);
    let mut response = response_of(&gate.answer(&recorded("imagepolicy-create-misspelt")).await);
    response["uid"].take();
    insta::assert_json_snapshot!(response);
}

#[tokio::test]
async fn the_format_of_the_successor_has_fields_of_its_own() {
    let gate = Gate::new(&[]);
    let audit = json!({ "repositories": [{ "name": "a", "policy": { "mode": "audit" } }] });
    assert_eq!(
        gate.answer_to("imagepolicy-create", &audit).await["allowed"],
        true
    );
    let response = gate.answer_to("imagepolicy-create-portieris", &audit).await;
    assert!(
        cause(&response).contains("unknown field `mode`"),
        "{response}"
    );
}

#[tokio::test]
async fn a_stored_policy_that_cannot_be_read_is_not_held_fast() {
    let gate = Gate::new(&[]);
    let recording = "imagepolicy-update-misspelt-finalizer-removed";
    let response = response_of(&gate.answer(&recorded(recording)).await);
    assert_eq!(response["allowed"], true);
    assert!(
        warnings(&response)[0].contains("cannot be read"),
        "{response}"
    );

    let body = with_object(recording, "object", |object| {
        object["status"] = json!({ "seen": true });
    });
    assert_eq!(response_of(&gate.answer(&body).await)["allowed"], true);

    let other = json!({ "repositories": [{ "name": "*", "polcies": {} }] });
    assert_eq!(gate.answer_to(recording, &other).await["allowed"], false);
    let good = json!({ "repositories": [{ "name": "*" }] });
    assert_eq!(gate.answer_to(recording, &good).await["allowed"], true);
}

#[tokio::test]
async fn a_policy_that_can_be_read_stays_so() {
    let gate = Gate::new(&[]);
    let body = with_object("imagepolicy-update-label", "object", |object| {
        object["status"] = json!({ "seen": true });
    });
    let response = response_of(&gate.answer(&body).await);
    assert!(
        cause(&response).contains("unknown field `status`"),
        "{response}"
    );
}

#[tokio::test]
async fn a_deletion_is_never_held_up_and_a_label_brings_no_warning() {
    let gate = Gate::new(&[&team_policy(&[
        "{name: 'registry.test/*', policy: {va: {enabled: true}}}",
    ])]);
    for recording in ["imagepolicy-delete", "imagepolicy-update-label"] {
        let response = response_of(&gate.answer(&recorded(recording)).await);
        assert_eq!(response["allowed"], true, "{recording}");
        assert_eq!(warnings(&response), [""; 0], "{recording}");
    }
    assert_eq!(gate.included(), [""; 0]);
}

#[tokio::test]
async fn a_request_about_something_else_is_refused() {
    let gate = Gate::new(&[]);
    let with = |pointer: &str, value: Value| {
        let mut review: Value = serde_json::from_slice(&recorded("imagepolicy-create")).unwrap();
        *review.pointer_mut(pointer).unwrap() = value;
        serde_json::to_vec(&review).unwrap()
    };
    for (body, expected) in [
        (recorded("pod-create-one-image"), "no writing of a policy"),
        (
            with("/request/resource/resource", json!("clusterimagepolicies")),
            "no writing of a policy",
        ),
        (
            with("/request/resource/version", json!("v2")),
            "no writing of a policy",
        ),
        (
            with("/request/operation", json!("CONNECT")),
            "no writing of a policy",
        ),
        (with("/request/object", Value::Null), "no object"),
        (
            with("/request/object/kind", json!("ClusterImagePolicy")),
            "metadata.namespace",
        ),
        (
            with("/request/object/metadata/namespace", json!("other")),
            "calls itself ImagePolicy other/web",
        ),
        (
            with(
                "/request/object/apiVersion",
                json!("portieris.cloud.ibm.com/v1"),
            ),
            "portieris.cloud.ibm.com",
        ),
        (
            with("/request/object/kind", json!("ConfigMap")),
            "`ConfigMap`",
        ),
    ] {
        let response = response_of(&gate.answer(&body).await);
        assert_eq!(response["allowed"], false);
        let message = response["status"]["message"].as_str().unwrap();
        assert!(message.contains(expected), "{expected} in {message}");
    }
}

const TRUST: &str = "{name: 'registry.test/team/*', policy: {trust: {enabled: true}}}";

#[tokio::test]
async fn an_entry_that_ties_with_one_of_another_policy_is_told_of_it() {
    let cluster = cluster_policy(&["{name: '*', policy: {va: {enabled: true}}}"]);
    let gate = Gate::new(&[
        &cluster.replace("name: cluster", "name: default"),
        TEAM_OTHER,
    ]);
    let star = json!({ "repositories": [{ "name": "*" }] });
    assert_eq!(
        warnings(&gate.answer_to("clusterimagepolicy-create", &star).await),
        ["`*` is also in ClusterImagePolicy default: what both require must hold"]
    );
    assert_eq!(
        warnings(&gate.answer_to("imagepolicy-create", &star).await),
        [""; 0],
        "policies of the cluster do not count beside those of a namespace"
    );
    let free = json!({ "repositories": [{ "name": "registry.test/team/*" }] });
    assert_eq!(
        warnings(&gate.answer_to("imagepolicy-create-portieris", &free).await),
        ["`registry.test/team/*` is also in ImagePolicy team/other: what both require must hold"]
    );
}

const TEAM_OTHER: &str = "
apiVersion: securityenforcement.admission.cloud.ibm.com/v1beta1
kind: ImagePolicy
metadata: {name: other, namespace: team}
spec:
  repositories:
  - {name: 'registry.test/team/*', policy: {va: {enabled: true}}}
  - {name: 'registry.test/free/*'}
";

#[tokio::test]
async fn an_entry_that_gives_way_to_a_laxer_one_is_told_of_it() {
    let gate = Gate::new(&[TEAM_OTHER]);
    let spec = json!({ "repositories": [{ "name": "registry.test/*", "policy": { "va": { "enabled": true } } }] });
    assert_eq!(
        warnings(&gate.answer_to("imagepolicy-create", &spec).await),
        [
            "`registry.test/*` gives way to `registry.test/free/*` of ImagePolicy team/other, which requires less"
        ]
    );
}

#[tokio::test]
async fn a_policy_is_not_compared_with_its_former_self() {
    let gate = Gate::new(&[&team_policy(&[TRUST])]);
    let spec = json!({ "repositories": [{ "name": "registry.test/team/*" }] });
    assert_eq!(
        warnings(&gate.answer_to("imagepolicy-update", &spec).await),
        [""; 0]
    );
}

fn signed_by(secret: &str) -> Value {
    let trust = json!({
        "enabled": true,
        "trustServer": "https://notary.example.com",
        "signerSecrets": [{ "name": secret }],
    });
    json!({ "repositories": [{ "name": "icr.io/*", "policy": { "trust": trust } }] })
}

#[tokio::test]
async fn a_secret_is_looked_for_where_it_will_be_read() {
    let key = fixtures::notary::signer_key("alice.pub");
    let entries = [("name", "alice"), ("publicKey", key.as_str())];
    let no_key = [("name", "alice"), ("publicKey", "none")];
    let world = World::new(&[])
        .with_secret("team", "good", "Opaque", &entries)
        .with_secret("ibm-system", "cluster", "Opaque", &entries)
        .with_secret("team", "bad", "Opaque", &no_key)
        .with_unreadable_secret("team", "unread");
    let gate = Gate::of(world);
    let missing = "which names a required signer, does not exist";
    for (recording, secret, expected) in [
        ("imagepolicy-create", "good", None),
        ("imagepolicy-create-portieris", "good", None),
        (
            "imagepolicy-create",
            "cluster",
            Some(("in namespace team: Secret `cluster`", missing)),
        ),
        ("clusterimagepolicy-create", "cluster", None),
        (
            "clusterimagepolicy-create",
            "good",
            Some(("in namespace ibm-system: Secret `good`", missing)),
        ),
        (
            "imagepolicy-create",
            "bad",
            Some((
                "in namespace team: key `publicKey` of Secret `bad`",
                "holds no public",
            )),
        ),
        (
            "imagepolicy-create",
            "unread",
            Some((
                "its secrets could not be looked at: reading secret team/unread failed",
                "does not answer",
            )),
        ),
        ("imagepolicy-create", PANICS, Some(("", ""))),
    ] {
        let response = gate.answer_to(recording, &signed_by(secret)).await;
        let warned = warnings(&response).concat();
        match expected {
            Some(("", _)) => assert_eq!(response["allowed"], false, "a fault denies"),
            Some((place, what)) => {
                assert_eq!(response["allowed"], true);
                assert!(
                    warned.starts_with(place) && warned.contains(what),
                    "{warned}"
                );
            }
            None => assert_eq!(warned, "", "{recording} {secret}"),
        }
    }
}

#[tokio::test]
async fn nobody_waits_long_for_a_warning() {
    let response = Gate::new(&[])
        .answer_to("imagepolicy-create", &signed_by(HANGS))
        .await;
    assert_eq!(response["allowed"], true);
    assert_eq!(
        warnings(&response),
        ["its secrets could not be looked at: there was no answer in time"]
    );
}

#[tokio::test]
async fn trust_without_a_trust_server_is_told() {
    let gate = Gate::new(&[]);
    let spec = |name: &str| json!({ "repositories": [{ "name": name, "policy": { "trust": { "enabled": true } } }] });
    assert_eq!(
        warnings(&gate.answer_to("imagepolicy-create", &spec("nginx*")).await),
        ["`nginx*`: no trust server is known for docker.io, its images are denied"]
    );
    assert_eq!(
        warnings(&gate.answer_to("imagepolicy-create", &spec("*")).await),
        [""; 0]
    );
}

#[tokio::test]
async fn what_this_version_cannot_verify_is_told() {
    let gate = Gate::new(&[]);
    let spec = json!({ "repositories": [{ "name": "icr.io/*", "policy": { "cosign": [{ "key": "a" }] } }] });
    assert_eq!(
        warnings(&gate.answer_to("imagepolicy-create", &spec).await),
        ["`icr.io/*`: this version cannot verify `cosign` and denies the images"]
    );
}

#[tokio::test]
async fn a_namespace_is_guarded_before_a_policy_that_demands_something_is_stored_in_it() {
    let open = json!({ "repositories": [{ "name": "*" }, { "name": "icr.io/*" }] });
    let strict = signed_by("alice");
    let none = json!({ "repositories": [] });
    for (recording, spec, expected) in [
        ("imagepolicy-create", &strict, &["team"][..]),
        ("imagepolicy-create-portieris", &strict, &["team"]),
        ("imagepolicy-update", &strict, &["team"]),
        ("imagepolicy-create", &none, &["team"]),
        ("imagepolicy-create", &open, &[]),
        ("imagepolicy-create-dry-run", &strict, &[]),
        ("clusterimagepolicy-create", &strict, &[]),
    ] {
        let gate = Gate::new(&[]);
        let response = gate.answer_to(recording, spec).await;
        assert_eq!(response["allowed"], true, "{recording} {spec}");
        assert_eq!(gate.included(), expected, "{recording} {spec}");
    }
}

#[tokio::test]
async fn a_policy_that_would_not_be_enforced_is_refused_with_the_reason() {
    let included = Included {
        fails: true,
        ..Included::default()
    };
    let gate = Gate {
        included: Arc::new(included),
        ..Gate::new(&[])
    };
    let response = gate
        .answer_to("imagepolicy-create", &signed_by("alice"))
        .await;
    assert_eq!(response["allowed"], false);
    let message = response["status"]["message"].as_str().unwrap();
    assert!(
        message.contains("the API server does not answer"),
        "{message}"
    );
    let open = json!({ "repositories": [{ "name": "*" }] });
    assert_eq!(
        gate.answer_to("imagepolicy-create", &open).await["allowed"],
        true
    );
}

#[tokio::test]
async fn what_is_decided_is_told_to_the_audit_log() {
    let gate = Gate::new(&[TEAM_OTHER]);
    let spec = json!({ "repositories": [{ "name": "registry.test/team/*" }] });
    let response = gate.answer_to("imagepolicy-create", &spec).await;
    let annotations = &response["auditAnnotations"];
    assert_eq!(annotations["decision"], "allowed");
    assert_eq!(annotations["policies"], "ImagePolicy team/web");
    assert_eq!(annotations["reasons"], "entry-ties");
}
