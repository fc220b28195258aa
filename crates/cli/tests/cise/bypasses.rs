//! What else than a plain pod can bring an image into a cluster, and what must not be held up.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cise_testkit::authority::LOOPBACK;
use cise_testkit::controlplane::User;
use cise_testkit::mutator::Mutator;
use serde_json::{Value, json};

use crate::cluster::Peers;
use crate::guarded::{EXEMPT, FOREIGN, Guarded, HOME, NODE, pod};
use crate::server::eventually;

/// Annotations by which a pod asks the other webhook for something.
const SWAP: &str = "example.com/swap";
const INJECT: &str = "example.com/inject";

#[test]
fn no_image_comes_in_by_another_way_and_nothing_else_is_held_up() {
    if !Peers::require() {
        return;
    }
    let peers = Peers::start();
    let Some(cluster) = Guarded::start(&peers.values()) else {
        return;
    };
    let repository = peers.repository();
    cluster.exempt(
        "team",
        &[(&repository, json!({ "trust": { "enabled": true } }))],
    );
    let story = Story {
        signed: format!("{repository}:signed"),
        pinned: format!("{repository}:signed@{}", peers.signed.digest()),
        unsigned: format!("{repository}:unsigned"),
        cluster,
    };
    story.a_dry_run_decides_and_changes_nothing();
    story.a_debug_container_is_judged();
    story.an_image_volume_is_judged_and_pinned();
    story.what_another_webhook_puts_in_after_ours_is_pinned_or_refused();
    story.what_another_webhook_unpins_in_the_end_is_refused();
    story.a_mirror_pod_is_admitted_from_its_node_alone();
    story.a_workload_is_made_with_a_warning_that_its_pods_will_be_refused();
    story.a_pod_whose_image_is_trusted_no_longer_can_be_changed_in_all_but_its_images();
}

struct Story {
    signed: String,
    pinned: String,
    unsigned: String,
    cluster: Guarded,
}

impl Story {
    fn a_dry_run_decides_and_changes_nothing(&self) {
        let asked = self.cluster.ask("team", &self.signed).unwrap();
        assert_eq!(asked["spec"]["containers"][0]["image"], self.pinned);
        assert_eq!(self.records(), "", "a dry run pins no root of trust");
        self.refuses(&pod("asked", "team", &self.unsigned));
        self.cluster
            .make("", &pod("running", "team", &self.signed))
            .unwrap();
        assert_eq!(self.records().split_whitespace().count(), 1);
        self.cluster
            .kubectl("-n team wait --for=condition=Ready pod/running --timeout=60s");
    }

    fn records(&self) -> String {
        self.cluster.kubectl(&format!(
            "-n {HOME} get configmaps -l securityenforcement.admission.cloud.ibm.com/record=trust -o name"
        ))
    }

    fn a_debug_container_is_judged(&self) {
        let debug = |image: &str, name: &str| {
            let debug =
                format!("-n team debug running --image={image} --container={name} --attach=false");
            self.cluster.try_kubectl(&debug)
        };
        let said = debug(&self.unsigned, "bad").unwrap_err();
        assert!(said.contains("No valid trust data for unsigned"), "{said}");
        debug(&self.signed, "good").unwrap();
        let images = "-n team get pod running -o jsonpath={.spec.ephemeralContainers[*].image}";
        assert_eq!(self.cluster.kubectl(images), self.pinned);
    }

    fn an_image_volume_is_judged_and_pinned(&self) {
        let with_volume = |image: &str| {
            let mut pod = pod("volume", "team", EXEMPT);
            pod["spec"]["volumes"] = json!([{ "name": "data", "image": { "reference": image } }]);
            pod
        };
        self.refuses(&with_volume(&self.unsigned));
        let made = self
            .cluster
            .make("?dryRun=All", &with_volume(&self.signed))
            .unwrap();
        assert_eq!(
            made["spec"]["volumes"][0]["image"]["reference"],
            self.pinned
        );
    }

    fn what_another_webhook_puts_in_after_ours_is_pinned_or_refused(&self) {
        let _other = self.other_webhook("Never");
        let asking = |what: &str, image: &str| {
            let mut pod = pod("changed", "team", EXEMPT);
            pod["metadata"]["annotations"] = json!({ what: image });
            pod
        };
        for (what, container) in [(SWAP, 0), (INJECT, 1)] {
            self.refuses(&asking(what, &self.unsigned));
            let made = self
                .cluster
                .make("?dryRun=All", &asking(what, &self.signed))
                .unwrap();
            assert_eq!(
                made["spec"]["containers"][container]["image"], self.pinned,
                "{what}"
            );
        }
        self.no_other_webhook();
    }

    fn what_another_webhook_unpins_in_the_end_is_refused(&self) {
        let _other = self.other_webhook("IfNeeded");
        let mut asking = pod("changed", "team", &self.signed);
        asking["metadata"]["annotations"] = json!({ SWAP: self.signed });
        self.refuses(&asking);
        self.no_other_webhook();
    }

    /// A webhook that is called after ours.
    fn other_webhook(&self, reinvocation: &str) -> Mutator {
        let authority = self.cluster.plane.authority();
        let identity = authority.server(&LOOPBACK).unwrap();
        let mutator = Mutator::start(&identity, patch).unwrap();
        self.cluster.apply(&json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "MutatingWebhookConfiguration",
            "metadata": { "name": "other" },
            "webhooks": [{
                "name": "other.example.com",
                "admissionReviewVersions": ["v1"],
                "sideEffects": "None",
                "reinvocationPolicy": reinvocation,
                "clientConfig": { "url": mutator.url(), "caBundle": STANDARD.encode(authority.certificate()) },
                "rules": [{ "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"] }],
            }],
        }));
        eventually(
            "the other webhook is called",
            || self.other_webhook_swaps() == Ok(true),
            || format!("{:?}", self.other_webhook_swaps()),
        );
        mutator
    }

    fn no_other_webhook(&self) {
        self.cluster
            .kubectl("delete mutatingwebhookconfiguration other");
        eventually(
            "the other webhook is called no more",
            || self.other_webhook_swaps() == Ok(false),
            || format!("{:?}", self.other_webhook_swaps()),
        );
    }

    fn other_webhook_swaps(&self) -> Result<bool, String> {
        let mut asking = pod("changed", "team", EXEMPT);
        asking["metadata"]["annotations"] = json!({ SWAP: "registry.example.com/free/other:v1" });
        let made = self.cluster.make("?dryRun=All", &asking)?;
        Ok(made["spec"]["containers"][0]["image"] != EXEMPT)
    }

    fn a_mirror_pod_is_admitted_from_its_node_alone(&self) {
        let node = self.cluster.api.get(&format!("/api/v1/nodes/{NODE}"));
        let node = node.unwrap().into_object().unwrap();
        let mut mirror = pod("mirror", "team", FOREIGN);
        mirror["metadata"]["annotations"] = json!({ "kubernetes.io/config.mirror": "3f8e0f1a" });
        mirror["metadata"]["ownerReferences"] = json!([{
            "apiVersion": "v1", "kind": "Node", "name": NODE, "uid": node["metadata"]["uid"], "controller": true,
        }]);
        mirror["spec"]["nodeName"] = NODE.into();
        self.refuses(&mirror);
        let kubelet = self.cluster.plane.api(&User::node(NODE)).unwrap();
        let made = kubelet
            .post("/api/v1/namespaces/team/pods", &mirror)
            .unwrap();
        assert!(made.status.is_success(), "{made:?}");
        assert!(!made.warnings.is_empty(), "{made:?}");
    }

    fn a_workload_is_made_with_a_warning_that_its_pods_will_be_refused(&self) {
        let warnings = self.make_deployment("unsigned", &self.unsigned).concat();
        let sentence = "No valid trust data for unsigned";
        assert!(warnings.contains(sentence), "{warnings}");
        let warnings = self.make_deployment("signed", &self.signed);
        assert!(warnings.is_empty(), "{warnings:?}");
        self.cluster
            .kubectl("-n team rollout status deployment/signed --timeout=120s");
        let events = "-n team get events -o jsonpath={.items[*].message}";
        eventually(
            "the controller is refused the pods of the other one",
            || self.cluster.kubectl(events).contains(sentence),
            || self.cluster.kubectl(events),
        );
    }

    /// Gives the warnings that kubectl prints.
    fn make_deployment(&self, name: &str, image: &str) -> Vec<String> {
        let labels = json!({ "app": name });
        let deployment = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": { "name": name, "namespace": "team" },
            "spec": {
                "selector": { "matchLabels": labels },
                "template": {
                    "metadata": { "labels": labels },
                    "spec": { "containers": [{ "name": "app", "image": image }] },
                },
            },
        });
        let apply = ["apply", "-f", "-"];
        let made = self.cluster.admin.warnings(&apply, &deployment.to_string());
        made.unwrap_or_else(|error| panic!("{error}"))
    }

    fn a_pod_whose_image_is_trusted_no_longer_can_be_changed_in_all_but_its_images(&self) {
        self.cluster.exempt("team", &[]);
        let refused = || self.cluster.ask("team", &self.signed);
        eventually(
            "the policy is stricter",
            || refused().is_err(),
            || format!("{:?}", refused()),
        );
        self.cluster.kubectl("-n team label pod running seen=yes");
        for finalizers in [r#"["example.com/held"]"#, "[]"] {
            let patch = format!(r#"{{"metadata":{{"finalizers":{finalizers}}}}}"#);
            self.cluster.kubectl(&format!(
                "-n team patch pod running --type=merge -p {patch}"
            ));
        }
        let status = json!({ "status": { "message": "still here" } });
        let path = "/api/v1/namespaces/team/pods/running/status";
        let changed = self.cluster.api.patch(path, &status).unwrap();
        assert!(changed.status.is_success(), "{changed:?}");
        let other = format!("-n team set image pod/running app={}", self.unsigned);
        let said = self.cluster.try_kubectl(&other).unwrap_err();
        assert!(said.contains("denied the request"), "{said}");
        self.cluster
            .kubectl(&format!("-n team set image pod/running app={EXEMPT}"));
        self.cluster
            .kubectl("-n team delete pod running --timeout=60s");
    }

    fn refuses(&self, pod: &Value) {
        let said = self.cluster.make("?dryRun=All", pod).unwrap_err();
        assert!(said.contains("denied the request: "), "{said}");
    }
}

/// Does what a pod asks for: swaps the image of its first container, or adds another container, if it has only one.
fn patch(pod: &Value) -> Value {
    let asked = |what: &str| pod["metadata"]["annotations"][what].as_str();
    if let Some(image) = asked(SWAP) {
        return json!([{ "op": "replace", "path": "/spec/containers/0/image", "value": image }]);
    }
    let has_one = pod["spec"]["containers"]
        .as_array()
        .is_some_and(|containers| containers.len() == 1);
    match asked(INJECT).filter(|_| has_one) {
        Some(image) => {
            json!([{ "op": "add", "path": "/spec/containers/-", "value": { "name": "sidecar", "image": image } }])
        }
        None => json!([]),
    }
}
