//! `cise serve` over real sockets.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cise_testkit::recordings;
use serde_json::Value;

use crate::program::Folder;
use crate::server::{Server, eventually};

fn policy(namespace: &str, entries: &[(&str, &str)]) -> String {
    let entry =
        |(name, policy): &(&str, &str)| format!("  - name: \"{name}\"\n    policy: {policy}\n");
    let entries: String = entries.iter().map(entry).collect();
    format!(
        "apiVersion: securityenforcement.admission.cloud.ibm.com/v1beta1\nkind: ImagePolicy\nmetadata: {{name: web, namespace: {namespace}}}\nspec:\n  repositories:\n{entries}"
    )
}

fn spawn(policies: &str) -> Server {
    let folder = Folder::new(&[("policies/policy.yaml", policies)]);
    Server::spawn(folder, "--policies policies")
}

fn start(policies: &str) -> Server {
    let server = spawn(policies);
    server.wait_for("ready: reviews at https://");
    server
}

#[test]
fn a_review_is_answered_logged_and_counted_and_a_signal_ends_the_server_in_order() {
    let mut server = start(&policy("team", &[("registry.test/team/*", "")]));
    assert_eq!(
        server.review("/trust", "pod-create-one-image")["allowed"],
        true
    );
    assert_eq!(
        server.review("/trust", "pod-create-short-name")["allowed"],
        false
    );
    assert_eq!(server.admin("/healthz").0, 200);
    assert_eq!(
        server.admin("/readyz"),
        (200, "[+] policies: ok\nready\n".to_owned())
    );
    let metrics = server.admin("/metrics").1;
    assert!(metrics.contains("cise_policies_generation 1"), "{metrics}");
    assert!(metrics.contains("cise_policies_unreadable 0"), "{metrics}");
    let audit: Vec<Value> = server
        .log("audit.log")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(audit.len(), 2);
    assert_eq!(
        (&audit[0]["namespace"], &audit[0]["user"], &audit[0]["kind"]),
        (&"team".into(), &"alice".into(), &"Pod".into())
    );
    assert_eq!(
        (&audit[1]["allowed"], &audit[1]["reasons"][0]),
        (&false.into(), &"no-entry-matches".into())
    );
    for line in server.log("cise.log").lines() {
        assert!(
            serde_json::from_str::<Value>(line).is_ok(),
            "a log that is no terminal is JSON: {line}"
        );
    }
    server.signal("-TERM");
    assert_eq!(server.wait().code(), Some(0));
    assert!(server.log("cise.log").contains("shutting down"));
}

#[test]
fn a_policy_is_judged_beside_those_of_the_folder() {
    let entry = ("registry.test/team/*", "{va: {enabled: true}}");
    let server = start(&policy("team", &[entry]));
    let admitted = server.review("/policies", "imagepolicy-create-portieris");
    assert_eq!(admitted["allowed"], true);
    let warnings = admitted["warnings"].to_string();
    let tie = "`registry.test/team/*` is also in ImagePolicy team/web: what both require must hold";
    assert!(warnings.contains(tie), "{warnings}");
    let refused = server.review("/policies", "imagepolicy-create-misspelt");
    assert_eq!(refused["status"]["reason"], "Invalid");
    let metrics = server.admin("/metrics").1;
    let counted = "cise_reviews_total{hook=\"/policies\",outcome=\"denied\"} 1";
    assert!(metrics.contains(counted), "{metrics}");
}

#[test]
fn changed_policies_are_picked_up_and_unreadable_ones_are_not() {
    let server = start(&policy("team", &[("registry.test/team/*", "")]));
    let allowed = || server.review("/trust", "pod-create-one-image")["allowed"] == true;
    assert!(allowed());
    server.folder.write(
        "policies/policy.yaml",
        policy("team", &[("registry.test/other/*", "")]),
    );
    eventually("denied", || !allowed(), || server.log("cise.log"));

    server
        .folder
        .write("policies/more.yaml", "apiVersion: v1\nkind: [\n");
    server.wait_for("more.yaml:2:7: expected YAML or JSON");
    assert!(!allowed());
    assert_eq!(server.admin("/readyz").0, 200);
    assert!(
        server
            .admin("/metrics")
            .1
            .contains("cise_policies_unreadable 1")
    );

    fs::remove_file(server.folder.path().join("policies/more.yaml")).unwrap();
    server.folder.write(
        "policies/policy.yaml",
        policy("team", &[("registry.test/team/*", "")]),
    );
    eventually("allowed", allowed, || server.log("cise.log"));
    assert!(
        server
            .admin("/metrics")
            .1
            .contains("cise_policies_unreadable 0")
    );
    let refusals = server
        .log("cise.log")
        .matches("changed manifests are not taken")
        .count();
    assert_eq!(refusals, 1, "said once");
}

#[test]
fn policies_that_cannot_be_read_at_first_keep_the_server_from_being_ready() {
    let server = spawn("nonsense\n");
    let not_ready = || server.admin("/readyz");
    eventually(
        "not ready",
        || not_ready().0 == 503 && not_ready().1.contains("policy.yaml:1:1"),
        || format!("{:?}", not_ready()),
    );
    assert_eq!(server.admin("/healthz").0, 200);
    server.folder.write(
        "policies/policy.yaml",
        policy("team", &[("registry.test/team/*", "")]),
    );
    eventually(
        "ready",
        || server.admin("/readyz").0 == 200,
        || server.log("cise.log"),
    );
    assert_eq!(
        server.review("/trust", "pod-create-one-image")["allowed"],
        true
    );
}

#[test]
fn a_server_that_waits_for_its_policies_ends_by_a_signal_too() {
    let mut server = spawn("nonsense\n");
    server.wait_for("not ready");
    server.signal("-INT");
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn a_server_that_cannot_start_says_why() {
    let folder = Folder::new(&[
        ("bad.yaml", "registrys: []\n"),
        ("policies/a.yaml", ""),
        ("not.pem", "nothing"),
    ]);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap();
    for (arguments, expected) in [
        (
            "--self-signed --config bad.yaml".to_owned(),
            "error: bad.yaml:1:1: registrys: unknown field `registrys`",
        ),
        (
            format!("--self-signed --admin 127.0.0.1:0 --listen {taken}"),
            "hint: another process listens there",
        ),
        ("--tls-cert not.pem --tls-key not.pem".to_owned(), "not.pem"),
        (
            "--tls-cert missing.pem --tls-key missing.pem".to_owned(),
            "missing.pem",
        ),
        (
            "--self-signed --write-ca missing/ca.pem".to_owned(),
            "missing/ca.pem cannot be written",
        ),
        ("--self-signed --state not.pem".to_owned(), "not.pem"),
    ] {
        let run = folder.run(&format!("serve --policies policies {arguments}"));
        assert_eq!(run.status, 2, "{arguments}: {}", run.stderr);
        assert!(run.stderr.contains(expected), "{arguments}: {}", run.stderr);
    }
}

#[test]
fn check_and_serve_agree_on_the_same_objects() {
    for entries in [
        &[("registry.test/team/*", "")][..],
        &[
            ("registry.test/team/*", ""),
            ("registry.test/team/cache", "{va: {enabled: true}}"),
            ("registry.test/team/exporter", "{trust: {enabled: true}}"),
        ],
        &[(
            "registry.test/team/app",
            "{mode: warn, trust: {enabled: true}}",
        )],
        &[],
    ] {
        let server = start(&policy("team", entries));
        for (recording, manifest) in [
            ("pod-create-one-image", "pod-one-image.yaml"),
            ("pod-create-three-containers", "pod-three-containers.yaml"),
            ("pod-create-init-containers", "pod-init-containers.yaml"),
            ("pod-create-image-volume", "pod-image-volume.yaml"),
            ("pod-create-digest", "pod-digest.yaml"),
            ("pod-create-many-registries", "pod-many-registries.yaml"),
            ("deployment-create", "deployment.yaml"),
            ("statefulset-create", "statefulset.yaml"),
            ("cronjob-create", "cronjob.yaml"),
            ("job-create", "job.yaml"),
        ] {
            let response = server.review("/admit", recording);
            agree(
                &server.folder,
                &recordings::manifests().join(manifest),
                &response,
                recording,
            );
        }
    }
}

fn agree(folder: &Folder, manifest: &Path, response: &Value, recording: &str) {
    let run = folder.run(&format!(
        "check --policies policies -n team -o json -f {}",
        manifest.display()
    ));
    let images: Value =
        serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{recording}: {}", run.stderr));
    assert_eq!(
        response["allowed"],
        run.status == 0,
        "{recording}: {response} {images}"
    );
    let message = response["status"]["message"].as_str().unwrap_or_default();
    let refused = images
        .as_array()
        .unwrap()
        .iter()
        .filter(|image| image["allowed"] == false);
    let found: BTreeSet<&str> = refused
        .map(|image| image["image"].as_str().unwrap())
        .collect();
    let told: BTreeSet<&str> = message
        .lines()
        .filter_map(|line| line.strip_prefix("image: "))
        .collect();
    assert_eq!(found, told, "{recording}");
    for image in images
        .as_array()
        .unwrap()
        .iter()
        .filter(|image| image["allowed"] == false)
    {
        for reason in image["reasons"].as_array().unwrap() {
            for part in ["message", "found", "remedy"] {
                assert!(
                    message.contains(reason[part].as_str().unwrap()),
                    "{recording}: {reason} in {message}"
                );
            }
        }
    }
    if let Some(patch) = response["patch"].as_str() {
        panic!(
            "{recording}: nothing here pins, and yet: {}",
            String::from_utf8_lossy(&STANDARD.decode(patch).unwrap())
        );
    }
}
