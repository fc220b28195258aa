use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cise_admission::fuzzing::{answer_about_policy, answer_if_all_is_met};
use cise_admission::{Answer, Decision, Grounds, Hook, Kind, StoredObject};
use cise_advisor::exemption;
use cise_policy::{Policies, from_value, from_yaml};
use cise_reference::{Digest, Reference};
use serde_json::Value;

use crate::assert_message;

const POLICY: &str = r#"
apiVersion: securityenforcement.admission.cloud.ibm.com/v1beta1
kind: ClusterImagePolicy
metadata: {name: cluster}
spec:
  repositories:
  - {name: "*", policy: {trust: {enabled: true}}}
  - {name: "registry.test/*", policy: {mutateImage: false, va: {enabled: true}}}
  - {name: "registry.test/team/*", policy: {va: {enabled: true}}}
  - {name: "docker.io/*"}
"#;

/// Of any review, exactly the images that its object names are decided about; a patch replaces image strings, each by itself
/// and the digest; and the answer is a review of bounded size, to the request that was made.
pub(crate) fn review(bytes: &[u8]) {
    let digest = Digest::sha256([7; 32]);
    for hook in Hook::ALL {
        let Some(answer) = answer_if_all_is_met(hook, bytes, policies(), &digest) else {
            continue;
        };
        let response = response(&answer, bytes);
        // Fields that nobody reads may hold what is no text, and numbers beyond all bounds.
        let request = serde_json::from_str::<Value>(&String::from_utf8_lossy(bytes))
            .ok()
            .and_then(|review| review.get("request").cloned());
        let patch = patch(&response);
        assert!(patch.is_empty() || answer.outcome.allowed);
        let Grounds::Judged(decision) = &answer.outcome.grounds else {
            assert!(patch.is_empty());
            continue;
        };
        let Some(request) = request else { continue };
        let object = request.get("object").unwrap_or(&Value::Null);
        let named = images_of(decision.kind, object);
        assert!(
            places_of(decision).iter().eq(named.keys()),
            "{hook:?}: {decision:?}"
        );
        check_patch(&patch, &named, &digest);
    }
}

/// Of any review, a policy or an exemption is stored only if it can be read in full, or if it could not be read before; and the answer is a
/// review of bounded size, to the request that was made.
pub(crate) fn policy_review(bytes: &[u8]) {
    let Some(answer) = answer_about_policy(bytes) else {
        return;
    };
    let response = response(&answer, bytes);
    assert!(patch(&response).is_empty());
    let Grounds::OfPolicy(decision) = &answer.outcome.grounds else {
        return;
    };
    if decision.is_allowed() && decision.warnings.is_empty() {
        // Fields that nobody reads may hold what is no text, and numbers beyond all bounds.
        let Ok(review) = serde_json::from_slice::<Value>(bytes) else {
            return;
        };
        let request = review.get("request").cloned().unwrap_or_default();
        let namespace = request.get("namespace").and_then(Value::as_str);
        let object = request.get("object").unwrap_or(&Value::Null);
        let namespace = namespace.unwrap_or_default();
        let read = match decision.object {
            Some(StoredObject::Exemption(_)) => exemption::from_value(object, namespace)
                .ok()
                .map(|exemption| StoredObject::Exemption(exemption.origin().clone())),
            _ => from_value(object, namespace)
                .ok()
                .map(|policy| StoredObject::Policy(policy.origin().clone())),
        };
        assert_eq!(read, decision.object);
    }
}

fn policies() -> &'static Policies {
    static POLICIES: OnceLock<Policies> = OnceLock::new();
    POLICIES.get_or_init(|| Policies::compile(from_yaml(POLICY, "default").ok(), []))
}

fn response(answer: &Answer, bytes: &[u8]) -> Value {
    assert!(
        answer.body.len() <= (1 << 20) + 16 * bytes.len(),
        "an answer of {} bytes",
        answer.body.len()
    );
    let review = serde_json::from_slice::<Value>(&answer.body).unwrap_or_default();
    let response = review.get("response").cloned().unwrap_or_default();
    let uid = response.get("uid").and_then(Value::as_str);
    assert_eq!(uid, Some(answer.outcome.uid.as_str()));
    assert_eq!(
        response.get("allowed"),
        Some(&Value::Bool(answer.outcome.allowed))
    );
    let message = response.pointer("/status/message").and_then(Value::as_str);
    message
        .into_iter()
        .flat_map(str::lines)
        .for_each(|line| assert_message(&line));
    for warning in response
        .get("warnings")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        assert_message(&warning.as_str().unwrap_or_default());
    }
    response
}

/// The steps of the patch in order: operation, pointer, text.
fn patch(response: &Value) -> Vec<(String, String, String)> {
    let Some(encoded) = response.get("patch").and_then(Value::as_str) else {
        return Vec::new();
    };
    let json = STANDARD.decode(encoded).unwrap_or_default();
    let steps = serde_json::from_slice::<Vec<BTreeMap<String, String>>>(&json).unwrap_or_default();
    assert!(!steps.is_empty(), "{encoded} is no patch");
    let field = |step: &BTreeMap<String, String>, name| step.get(name).cloned().unwrap_or_default();
    steps
        .iter()
        .map(|step| (field(step, "op"), field(step, "path"), field(step, "value")))
        .collect()
}

fn check_patch(
    patch: &[(String, String, String)],
    named: &BTreeMap<String, String>,
    digest: &Digest,
) {
    assert!(patch.len().is_multiple_of(2), "a step stands alone");
    for pair in patch.chunks_exact(2) {
        let [(test, at, before), (replace, place, after)] = pair else {
            continue;
        };
        assert_eq!(
            (test.as_str(), replace.as_str(), at),
            ("test", "replace", place)
        );
        assert_eq!(
            named.get(at),
            Some(before),
            "only what is there is replaced"
        );
        let (before, after) = (Reference::parse(before), Reference::parse(after));
        let parts = before.and_then(|before| after.map(|after| (before, after)));
        assert!(parts.is_ok_and(|(before, after)| {
            after.digest() == Some(digest)
                && after.repository() == before.repository()
                && after.tag() == before.tag()
        }));
    }
}

/// The images of an object by their JSON pointers: found anew, and by none of the code under test.
fn images_of(kind: Kind, object: &Value) -> BTreeMap<String, String> {
    let spec = match kind.as_str() {
        "Pod" => "/spec",
        "CronJob" => "/spec/jobTemplate/spec/template/spec",
        _ => "/spec/template/spec",
    };
    let mut images = BTreeMap::new();
    for (list, image) in [
        ("containers", "/image"),
        ("initContainers", "/image"),
        ("ephemeralContainers", "/image"),
        ("volumes", "/image/reference"),
    ] {
        let items = object
            .pointer(&format!("{spec}/{list}"))
            .and_then(Value::as_array);
        for (index, item) in items.into_iter().flatten().enumerate() {
            // A volume names an image where it says so, a container always.
            if list != "volumes" || item.get("image").is_some_and(|image| !image.is_null()) {
                let text = item
                    .pointer(image)
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                images.insert(format!("{spec}/{list}/{index}{image}"), text.to_owned());
            }
        }
    }
    images
}

fn places_of(decision: &Decision) -> BTreeSet<String> {
    let places: Vec<_> = decision
        .images
        .iter()
        .flat_map(|image| &image.places)
        .collect();
    let pointers: BTreeSet<_> = places
        .iter()
        .map(|place| place.pointer(decision.kind))
        .collect();
    assert_eq!(
        pointers.len(),
        places.len(),
        "a place is decided about twice"
    );
    pointers
}
