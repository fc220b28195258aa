//! `cise check` on images and manifests that need no network.

use crate::program::Folder;

pub(crate) const POLICIES: &str = "\
apiVersion: securityenforcement.admission.cloud.ibm.com/v1beta1
kind: ClusterImagePolicy
metadata:
  name: default
spec:
  repositories:
  - name: \"icr.io/public/*\"
    policy:
---
apiVersion: securityenforcement.admission.cloud.ibm.com/v1beta1
kind: ImagePolicy
metadata:
  name: web
  namespace: team
spec:
  repositories:
  - name: \"registry.example.com/team/*\"
    policy:
  - name: \"registry.example.com/scanned/*\"
    policy: {va: {enabled: true}}
  - name: \"registry.example.com/signed/*\"
    policy: {trust: {enabled: true}}
  - name: \"registry.example.com/watched/*\"
    policy: {mode: warn, trust: {enabled: true}}
";

pub(crate) const DEPLOYMENT: &str = "\
apiVersion: v1
kind: Service
metadata: {name: web}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: team
spec:
  template:
    spec:
      initContainers:
      - name: migrate
        image: registry.example.com/team/migrate:v1
      containers:
      - name: app
        image: registry.example.com/signed/app:v1
      - name: proxy
        image: nginx
---
{\"apiVersion\": \"v1\", \"kind\": \"PodList\", \"items\": [{\"metadata\": {\"name\": \"one\"}, \"spec\": {\"containers\": [
  {\"name\": \"a\", \"image\": \"icr.io/public/a@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}]}}]}
";

pub(crate) fn folder() -> Folder {
    Folder::new(&[
        ("policies/all.yaml", POLICIES),
        ("deploy/app.yaml", DEPLOYMENT),
        ("deploy/notes.txt", "none"),
    ])
}

#[test]
fn images_and_manifests_are_told_in_words() {
    let folder = folder();
    let transcripts: Vec<String> = [
        "check --policies policies icr.io/public/a",
        "check --policies policies nginx",
        "check nginx",
        "check --policies policies -n team registry.example.com/scanned/a registry.example.com/signed/a:v2 registry.example.com/watched/a",
        "check --policies policies -f deploy",
        "check --policies policies -f deploy/app.yaml icr.io/public/a",
    ]
    .iter()
    .map(|arguments| format!("$ cise {arguments}\n{}", folder.run(arguments).transcript()))
    .collect();
    insta::assert_snapshot!(transcripts.join("\n"));
}

#[test]
fn the_exit_status_tells_allowed_from_denied_and_from_undecided() {
    let folder = folder();
    for (arguments, status) in [
        ("icr.io/public/a", 0),
        (
            "-n team registry.example.com/team/a registry.example.com/watched/a",
            0,
        ),
        ("icr.io/public/a nginx", 1),
        ("-n team registry.example.com/signed/a", 1),
        ("-f deploy", 1),
        ("-f deploy/notes.txt", 2),
        ("Nginx", 2),
        // Nothing listens at this port.
        ("-n busy --config unreachable.yaml localhost:1/a", 2),
        ("-n busy --config unreachable.yaml localhost:1/a nginx", 2),
    ] {
        folder.write(
            "unreachable.yaml",
            "registries: [{host: 'localhost:1', trustServer: 'https://localhost:1'}]\n",
        );
        folder.write(
            "policies/busy.yaml",
            POLICIES
                .split("---\n")
                .next()
                .unwrap()
                .replace("ClusterImagePolicy", "ImagePolicy")
                .replace("name: default", "name: busy\n  namespace: busy")
                .replace(
                    "icr.io/public/*\"\n    policy:",
                    "localhost:1/*\"\n    policy: {trust: {enabled: true}}",
                ),
        );
        let run = folder.run(&format!("check --policies policies {arguments}"));
        assert_eq!(
            run.status, status,
            "{arguments}: {}{}",
            run.stdout, run.stderr
        );
    }
}

#[test]
fn manifests_come_from_standard_input_too() {
    let run = folder().run_with_input("check --policies policies -n team -f -", "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - {name: a, image: nginx}\n");
    assert_eq!(run.status, 1);
    assert!(
        run.stdout
            .contains("place: standard input:6:15 container a"),
        "{}",
        run.stdout
    );
    assert!(
        run.stdout.contains("object: Pod a in namespace team"),
        "{}",
        run.stdout
    );
}

#[test]
fn a_secret_of_the_policies_is_found_in_the_namespace_of_its_policy_only() {
    let folder = Folder::new(&[(
        "policies.yaml",
        "apiVersion: securityenforcement.admission.cloud.ibm.com/v1beta1
kind: ImagePolicy
metadata: {name: a, namespace: team}
spec: {repositories: [{name: '*', policy: {trust: {enabled: true, trustServer: 'https://notary.example.com', signerSecrets: [{name: alice}]}}}]}
---
apiVersion: v1
kind: Secret
metadata: {name: alice, namespace: other}
stringData: {name: alice}
",
    )]);
    let run = folder.run("check --policies policies.yaml -n team registry.example.com/a");
    assert_eq!(run.status, 1);
    assert!(
        run.stdout.contains("in namespace team: ") && run.stdout.contains("[signer-secret]"),
        "{}",
        run.stdout
    );
}

#[test]
fn results_are_plain_where_no_terminal_shows_them() {
    let run = folder().run("check --policies policies nginx");
    assert!(!run.stdout.contains('\u{1b}') && !run.stderr.contains('\u{1b}'));
}

#[test]
fn flags_may_come_from_the_environment() {
    let folder = folder();
    let output = folder
        .command("check icr.io/public/a")
        .env("CISE_POLICIES", "policies")
        .output()
        .unwrap();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
