//! "Deploying container images with enforced security".

use cise_testkit::comes_true;
use serde_json::json;

use crate::reader::{NO_POLICY, Reader, UNSUPPORTED};

const VULNERABLE: &str = "admission webhook \"va.hooks.securityenforcement.admission.cloud.ibm.com\" denied the request: \
    The Vulnerability Advisor image scan assessment found issues with the container image that are not exempted. \
    Refer to your image vulnerability report for more details by using the command `ibmcloud cr va`.";

const UNSIGNED: &str = "admission webhook \"trust.hooks.securityenforcement.admission.cloud.ibm.com\" denied the request: \
    Deny, failed to get content trust information: No valid trust data for latest";

pub(crate) fn what_a_policy_allows_is_accepted_and_applied(reader: &Reader) {
    let host = reader.stage.registry.host();
    let (trust, va) = (json!({ "enabled": true }), json!({ "enabled": true }));
    reader.puts_in_force(
        "team",
        &json!([
            { "name": format!("{host}/shop/*"), "policy": { "trust": trust } },
            { "name": format!("{host}/shop/old"), "policy": { "va": va } },
            { "name": format!("{host}/shop/web:1.0"), "policy": { "trust": trust, "va": va } },
            { "name": "registry.example.com/trusted/*", "policy": { "trust": trust } },
        ]),
    );
    deploys(reader, "signed", &reader.stage.image("web:1.0"));
    reader.runs("kubectl -n team rollout status deployment/signed --timeout=120s");
}

/// "the Deployment is created, but the `ReplicaSet` created by it fails to scale up, and no pods are created"
pub(crate) fn a_denied_deployment_is_created_and_its_replica_set_says_why(reader: &Reader) {
    let denied = [
        (
            "no-policy",
            "registry.example.com/app:v1".to_owned(),
            NO_POLICY,
        ),
        ("vulnerable", reader.stage.image("old:1.0"), VULNERABLE),
        ("unsigned", reader.stage.image("tool"), UNSIGNED),
        (
            "unsupported",
            "registry.example.com/trusted/app:v1".to_owned(),
            UNSUPPORTED,
        ),
    ];
    for (name, image, _) in &denied {
        deploys(reader, name, image);
    }
    for (name, _, message) in denied {
        let described = || {
            let set = replica_set(reader, name)?;
            Some(reader.runs(&format!("kubectl -n team describe rs {set}")))
        };
        let says_why = || described().is_some_and(|text| text.contains(message));
        assert!(comes_true(says_why), "{name}: {:?}", described());
        let pods = reader.gets(&format!("pods -n team -l app={name}"));
        assert_eq!(pods["items"], json!([]), "{name}");
        let deployment = reader.gets(&format!("deployment -n team {name}"));
        assert_eq!(deployment["status"]["readyReplicas"], json!(null), "{name}");
    }
}

/// "Images that are not supported by Vulnerability Advisor are allowed."
pub(crate) fn images_that_the_advisor_does_not_support_are_allowed(reader: &Reader) {
    // It holds one file, and nothing of a distribution.
    reader.is_allowed("team", &[&reader.stage.image("web:1.0")]);
}

/// "A deployment is allowed only if all images pass"
pub(crate) fn a_deployment_is_allowed_only_if_all_images_pass(reader: &Reader) {
    let [web, pay, old] = ["web:1.0", "pay:1.0", "old:1.0"].map(|name| reader.stage.image(name));
    let unsigned = reader.stage.image("web:2.0");
    reader.is_allowed("team", &[&web, &pay]);
    reader.is_denied("team", &[&web, &unsigned], "No valid trust data for 2.0");
    reader.is_denied("team", &[&unsigned, &web], "No valid trust data for 2.0");
    reader.is_denied("team", &[&web, &old], VULNERABLE);
}

/// "If an image does not meet your policy requirements, the pod is not deployed to your cluster or updated."
pub(crate) fn a_pod_is_not_updated_to_an_image_that_does_not_pass(reader: &Reader) {
    let [web, pay, unsigned] =
        ["web:1.0", "pay:1.0", "web:2.0"].map(|name| reader.stage.image(name));
    reader.runs(&format!("kubectl -n team run updated --image={web}"));
    let update = |image: &str| format!("kubectl -n team set image pod/updated updated={image}");
    let said = reader.fails(&update(&unsigned));
    assert!(said.contains("No valid trust data for 2.0"), "{said}");
    reader.runs(&update(&pay));
    let pod = reader.gets("pod -n team updated");
    let image = pod["spec"]["containers"][0]["image"].as_str().unwrap();
    assert!(image.starts_with(&format!("{pay}@sha256:")), "{image}");
}

fn deploys(reader: &Reader, name: &str, image: &str) {
    reader.runs(&format!(
        "kubectl -n team create deployment {name} --image={image}"
    ));
}

/// "You can find the `ReplicaSet` by running `kubectl describe deployment <deployment-name>`"
fn replica_set(reader: &Reader, deployment: &str) -> Option<String> {
    let text = reader.runs(&format!("kubectl -n team describe deployment {deployment}"));
    let (_, set) = text.split_once("NewReplicaSet:")?;
    let set = set.split_whitespace().next()?;
    set.starts_with(deployment).then(|| set.to_owned())
}
