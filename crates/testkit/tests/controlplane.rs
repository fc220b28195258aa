//! The control plane starts, knows its users, makes pods, asks webhooks behind services, and is gone afterwards.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::SocketAddr;

use cise_testkit::controlplane::{ControlPlane, Kubectl, Node, Pretend, User};
use cise_testkit::process::is_listening;
use cise_testkit::recorder::Recorder;
use serde_json::json;

const DEPLOYMENT: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      containers: [{name: app, image: "registry.test/team/app:v1"}]
"#;

const POD: &str = r#"
apiVersion: v1
kind: Pod
metadata: {name: asked}
spec:
  containers: [{name: app, image: "registry.test/team/app:v1"}]
"#;

/// One control plane for all, as starting one is the slow part.
#[test]
fn a_control_plane_serves_its_users_and_ends_with_its_value() {
    if !ControlPlane::require() {
        return;
    }
    let mut cluster = ControlPlane::start().unwrap();
    let admin = cluster.kubectl(&User::admin()).unwrap();
    users_are_known_by_their_certificates(&cluster, &admin);
    controllers_make_pods(&admin);
    a_node_runs_what_is_to_run_and_ends_what_is_to_end(&cluster, &admin);
    a_webhook_behind_a_service_is_asked_through_its_route(&cluster, &admin);
    an_api_server_that_is_started_again_knows_what_it_knew(&mut cluster, &admin);
    let address: SocketAddr = cluster
        .url()
        .trim_start_matches("https://")
        .parse()
        .unwrap();
    assert!(is_listening(address));
    drop(cluster);
    assert!(!is_listening(address));
}

fn users_are_known_by_their_certificates(cluster: &ControlPlane, admin: &Kubectl) {
    let alice = cluster.kubectl(&User::new("alice", "developers")).unwrap();
    let who = alice.run(&[
        "auth",
        "whoami",
        "-o",
        "jsonpath={.status.userInfo.username} {.status.userInfo.groups}",
    ]);
    assert_eq!(
        who.unwrap(),
        r#"alice ["developers","system:authenticated"]"#
    );
    let refusal = alice.run(&["get", "pods"]).unwrap_err().to_string();
    assert!(
        refusal.contains(r#"User "alice" cannot list resource "pods""#),
        "{refusal}"
    );
    admin
        .run(&[
            "create",
            "rolebinding",
            "developers",
            "--clusterrole=view",
            "--group=developers",
        ])
        .unwrap();
    alice.run(&["get", "pods"]).unwrap();
}

fn controllers_make_pods(admin: &Kubectl) {
    admin.run_with(&["apply", "-f", "-"], DEPLOYMENT).unwrap();
    admin
        .run(&[
            "wait",
            "--for=create",
            "pod",
            "-l",
            "app=shop",
            "--timeout=60s",
        ])
        .unwrap();
}

fn a_webhook_behind_a_service_is_asked_through_its_route(cluster: &ControlPlane, admin: &Kubectl) {
    let authority = cluster.authority();
    let recorder = Recorder::start(&authority.server(&["hook.default.svc"]).unwrap()).unwrap();
    let pod = ["create", "-f", "-", "--dry-run=server"];
    register_webhook(admin, &authority.certificate_file().to_string_lossy());
    let refusal = refused(admin, &pod);
    assert!(refusal.contains("hook.example.com"), "{refusal}");
    cluster.route("10.0.0.10:443", recorder.address());
    admin.run_with(&pod, POD).unwrap();
    let asked = recorder
        .wait_for(0, |received| received.about.name() == "asked")
        .unwrap();
    assert_eq!(asked.url, "/validate?timeout=5s");
    assert_eq!(
        (
            asked.about.operation.as_str(),
            asked.about.resource().as_str()
        ),
        ("CREATE", "pods")
    );
    assert_eq!(asked.about.user(), "admin");
}

/// Asks again until the API server has taken up the webhook, which nothing answers for.
fn refused(admin: &Kubectl, arguments: &[&str]) -> String {
    loop {
        if let Err(error) = admin.run_with(arguments, POD) {
            return error.to_string();
        }
    }
}

fn register_webhook(admin: &Kubectl, authority_file: &str) {
    let service = [
        "create",
        "service",
        "clusterip",
        "hook",
        "--clusterip=10.0.0.10",
        "--tcp=443",
    ];
    admin.run(&service).unwrap();
    // The client writes the bundle in base64.
    let bundle = "create secret generic bundle --dry-run=client -o jsonpath={.data.ca}";
    let file = format!("--from-file=ca={authority_file}");
    let bundle: Vec<&str> = bundle.split(' ').chain([file.as_str()]).collect();
    let bundle = admin.run(&bundle).unwrap();
    let configuration = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": { "name": "hook" },
        "webhooks": [{
            "name": "hook.example.com",
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "timeoutSeconds": 5,
            "clientConfig": {
                "service": { "name": "hook", "namespace": "default", "path": "/validate" },
                "caBundle": bundle,
            },
            "rules": [{
                "apiGroups": [""],
                "apiVersions": ["v1"],
                "operations": ["CREATE"],
                "resources": ["pods"],
            }],
        }],
    });
    admin
        .run_with(&["apply", "-f", "-"], &configuration.to_string())
        .unwrap();
}

fn a_node_runs_what_is_to_run_and_ends_what_is_to_end(cluster: &ControlPlane, admin: &Kubectl) {
    let _node = Node::start(cluster, "n1", Pretend).unwrap();
    let job = ["create", "job", "once", "--image=registry.test/team/app:v1"];
    admin.run(&job).unwrap();
    for awaited in [
        ["--for=condition=Available", "deployment/shop"],
        ["--for=condition=Complete", "job/once"],
    ] {
        admin
            .run(&[&["wait", "--timeout=60s"], &awaited[..]].concat())
            .unwrap();
    }
    let delete = ["delete", "pods", "-l", "app=shop", "--timeout=60s"];
    admin.run(&delete).unwrap();
}

fn an_api_server_that_is_started_again_knows_what_it_knew(
    cluster: &mut ControlPlane,
    admin: &Kubectl,
) {
    let get = ["get", "deployment", "shop", "-o", "name"];
    let meanwhile = || assert!(admin.run(&get).is_err(), "it is away");
    cluster.restart_api_server(meanwhile).unwrap();
    assert_eq!(admin.run(&get).unwrap(), "deployment.apps/shop");
}
