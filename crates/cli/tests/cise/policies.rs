//! Policies on their way into a real cluster that is guarded.

use std::fs;

use serde_json::{Value, json};

use crate::outside::Guarded;
use crate::server::eventually;

/// The policies of the seed's documentation.
const SEED: [&str; 3] = [
    include_str!("../../../policy/tests/seed/default-cluster-policy.yaml"),
    include_str!("../../../policy/tests/seed/kube-system-policy.yaml"),
    include_str!("../../../policy/tests/seed/ibm-system-policy.yaml"),
];

/// How people write policies. The last asks for no validation.
const WAYS: [&[&str]; 4] = [
    &["create", "-f", "-"],
    &["apply", "-f", "-"],
    &["apply", "--server-side", "-f", "-"],
    &["create", "--validate=false", "-f", "-"],
];

const API: &str = "securityenforcement.admission.cloud.ibm.com/v1beta1";

/// A cluster that is guarded, without default policies.
struct Story(Guarded);

impl Story {
    fn begin() -> Option<Self> {
        let story = Self(Guarded::start("cluster: {defaultPolicies: false}\n")?);
        let hooks = "{.webhooks[*].name}";
        eventually(
            "the webhook for policies is registered",
            || story.validating(hooks).contains("policies.hooks."),
            || story.0.server.log("cise.log"),
        );
        let bad = policy("team", "bad", "  - {name: a, polcy: {}}");
        eventually(
            "the webhook for policies is called",
            || {
                story
                    .writes(&["create", "--dry-run=server", "-f", "-"], &bad)
                    .is_err()
            },
            || story.0.server.log("cise.log"),
        );
        Some(story)
    }

    fn writes(&self, way: &[&str], manifest: &str) -> Result<String, String> {
        let done = self.0.admin.run_with(way, manifest);
        done.map_err(|error| error.to_string())
    }

    fn kubectl(&self, arguments: &[&str]) -> String {
        let done = self.0.admin.run(arguments);
        done.unwrap_or_else(|error| panic!("{error}\n{}", self.0.server.log("cise.log")))
    }

    /// What `kubectl` warns of when it stores this; nothing, if it does not.
    fn warnings(&self, manifest: &str) -> String {
        let way = ["apply", "--warnings-as-errors", "-f", "-"];
        self.writes(&way, manifest).err().unwrap_or_default()
    }

    /// A part of the configuration with the validating webhooks.
    fn validating(&self, path: &str) -> String {
        let output = format!("jsonpath={path}");
        let name = "image-admission-config";
        self.kubectl(&["get", "validatingwebhookconfiguration", name, "-o", &output])
    }

    fn left_out(&self) -> String {
        self.validating("{.webhooks[0].namespaceSelector}")
    }

    fn metrics(&self) -> String {
        self.0.server.admin("/metrics").1
    }

    fn pod(&self, namespace: &str) -> Result<String, String> {
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": { "generateName": "asked-", "namespace": namespace },
            "spec": {
                "automountServiceAccountToken": false,
                "containers": [{ "name": "app", "image": "registry.example.com/app:v1" }],
            },
        });
        self.writes(&["create", "--dry-run=server", "-f", "-"], &pod.to_string())
    }
}

fn policy(namespace: &str, name: &str, repositories: &str) -> String {
    format!(
        "apiVersion: {API}\nkind: ImagePolicy\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec:\n  repositories:\n{repositories}\n"
    )
}

/// A policy that demands something in a namespace that is left out by default.
fn strict() -> String {
    let entry = "  - name: 'icr.io/*'\n    policy: {trust: {enabled: true}}";
    policy("kube-system", "strict", entry)
}

#[test]
fn what_becomes_of_policies_in_a_guarded_cluster() {
    let Some(mut story) = Story::begin() else {
        return;
    };
    story.a_typing_error_is_refused_however_it_is_sent();
    story.a_typing_error_is_refused_in_the_editor();
    story.the_policies_of_the_documentation_are_stored_unchanged_and_without_a_warning();
    story.kubectl_prints_what_the_author_should_know();
    story.a_stricter_policy_is_refused_where_the_webhooks_cannot_be_put_back();
    story.a_stricter_policy_puts_the_webhooks_back_before_it_is_in_force();
    story.a_policy_that_cannot_be_read_can_be_changed_in_its_metadata_and_deleted();
    story.metrics_and_the_audit_log_tell_of_it();
    story.a_deleted_configuration_is_in_the_metrics();
    story.while_nobody_answers_policies_can_be_labelled_and_deleted_and_not_written();
}

impl Story {
    fn a_typing_error_is_refused_however_it_is_sent(&self) {
        for (repositories, expected) in [
            (
                "  - name: a\n    polcy: {trust: {enabled: true}}",
                "unknown field `polcy`",
            ),
            (
                "  - name: a\n    policy: {trust: {enabled: true, signerSecret: []}}",
                "unknown field `signerSecret`",
            ),
            (
                "  - name: a\npolicy: {trust: {enabled: true}}",
                "unknown field `policy`",
            ),
        ] {
            let manifest = policy("team", "p", repositories);
            for way in WAYS {
                let said = self.writes(way, &manifest).unwrap_err();
                assert!(said.contains(expected), "{way:?} {said}");
                assert!(
                    said.contains("The ImagePolicy \"p\" is invalid: "),
                    "{way:?} {said}"
                );
            }
            let document: Value = serde_saphyr::from_str(&manifest).unwrap();
            let url = format!("/apis/{API}/namespaces/team/imagepolicies");
            let said = self.writes(&["create", "--raw", &url, "-f", "-"], &document.to_string());
            assert!(said.unwrap_err().contains(expected));
        }
        assert_eq!(
            self.kubectl(&["-n", "team", "get", "imagepolicies", "-o", "name"]),
            ""
        );
    }

    fn a_typing_error_is_refused_in_the_editor(&self) {
        let good = policy(
            "team",
            "p",
            "  - name: a\n    policy: {trust: {enabled: true}}",
        );
        self.writes(&["create", "-f", "-"], &good).unwrap();
        let editor = self.0.admin.clone().with_editor("sed -i s/policy:/polcy:/");
        let said = editor
            .run(&["-n", "team", "edit", "imagepolicy", "p"])
            .unwrap_err()
            .to_string();
        assert!(said.contains("\"p\" is invalid"), "{said}");
        let (_, copy) = said.split_once("stored to \"").unwrap();
        let (copy, _) = copy.split_once('"').unwrap();
        let edited = fs::read_to_string(copy).unwrap();
        assert!(edited.contains("unknown field `polcy`"), "{edited}");
        fs::remove_file(copy).unwrap();
        let stored = self.kubectl(&["-n", "team", "get", "imagepolicy", "p", "-o", "yaml"]);
        assert!(
            stored.contains("policy:") && !stored.contains("polcy"),
            "{stored}"
        );
        self.kubectl(&["-n", "team", "delete", "imagepolicy", "p"]);
    }

    fn the_policies_of_the_documentation_are_stored_unchanged_and_without_a_warning(&self) {
        for way in WAYS {
            for manifest in SEED {
                let way = [way, &["--warnings-as-errors"]].concat();
                self.writes(&way, manifest).unwrap();
                let get = ["get", "-o", "json", "-f", "-"];
                let stored = self.writes(&get, manifest).unwrap();
                // What is named by a file comes as a list.
                let stored: Value = serde_json::from_str(&stored).unwrap();
                assert_eq!(
                    cise_policy::from_value(&stored["items"][0], ""),
                    cise_policy::from_yaml(manifest, "")
                );
                self.writes(&["delete", "-f", "-"], manifest).unwrap();
            }
        }
    }

    fn kubectl_prints_what_the_author_should_know(&self) {
        self.writes(&["apply", "-f", "-"], SEED[0]).unwrap();
        let second = policy("team", "mine", "  - name: '*'")
            .replace("ImagePolicy", "ClusterImagePolicy")
            .replace(", namespace: team", "");
        let tie = "Warning: `*` is also in ClusterImagePolicy ibmcloud-default-cluster-image-policy: what both require must hold";
        eventually(
            "a tie is warned of",
            || self.warnings(&second).contains(tie),
            || self.warnings(&second),
        );
        let trust = "trust: {enabled: true, trustServer: 'https://notary.example.com', signerSecrets: [{name: alice}]}";
        let signed = policy(
            "team",
            "signed",
            &format!("  - name: 'icr.io/*'\n    policy: {{{trust}}}"),
        );
        let missing = "Warning: in namespace team: Secret `alice`, which names a required signer, does not exist";
        assert!(self.warnings(&signed).contains(missing));
        let create = [
            "-n",
            "team",
            "create",
            "secret",
            "generic",
            "alice",
            "--from-literal=name=alice",
        ];
        self.kubectl(&create);
        let malformed = "Secret `alice` has no key `publicKey`";
        assert!(
            self.warnings(&signed.replace("icr.io/*", "icr.io/a*"))
                .contains(malformed)
        );
        self.kubectl(&["-n", "team", "delete", "imagepolicy", "signed"]);
        self.kubectl(&["delete", "clusterimagepolicy", "mine"]);
    }

    fn a_stricter_policy_is_refused_where_the_webhooks_cannot_be_put_back(&self) {
        self.writes(&["apply", "-f", "-"], SEED[1]).unwrap();
        eventually(
            "kube-system is left out",
            || self.left_out().contains("kube-system") && self.pod("kube-system").is_ok(),
            || self.left_out(),
        );
        let is_told = "cise_namespace_left_out{name=\"kube-system\"} 1";
        assert!(self.metrics().contains(is_told), "{}", self.metrics());

        self.may("[get]");
        let said = self.writes(&["apply", "-f", "-"], &strict()).unwrap_err();
        assert!(
            said.contains("ImagePolicy kube-system/strict would not be enforced"),
            "{said}"
        );
        assert!(
            said.contains(
                "found: the webhooks are not called for namespace kube-system yet: writing "
            ),
            "{said}"
        );
        assert!(
            self.pod("kube-system").is_ok(),
            "the namespace is as it was"
        );
        self.may("[get, patch]");
    }

    fn a_stricter_policy_puts_the_webhooks_back_before_it_is_in_force(&self) {
        self.writes(&["apply", "--dry-run=server", "-f", "-"], &strict())
            .unwrap();
        assert!(
            self.left_out().contains("kube-system"),
            "a dry run changes nothing"
        );
        self.writes(&["apply", "-f", "-"], &strict()).unwrap();
        assert!(
            !self.left_out().contains("kube-system"),
            "{}",
            self.left_out()
        );
        self.kubectl(&[
            "-n",
            "kube-system",
            "delete",
            "imagepolicy",
            "ibmcloud-image-policy",
        ]);
        let sentence = "Deny, no image policies or cluster polices for registry.example.com/app:v1";
        eventually(
            "the stricter policy is in force",
            || {
                self.pod("kube-system")
                    .is_err_and(|said| said.contains(sentence))
            },
            || format!("{:?}", self.pod("kube-system")),
        );
        self.kubectl(&["-n", "kube-system", "delete", "imagepolicy", "strict"]);
    }

    /// Lets the program do these things, and no others, with the configurations of webhooks.
    fn may(&self, verbs: &str) {
        let patch = format!("[{{op: replace, path: /rules/2/verbs, value: {verbs}}}]");
        self.kubectl(&["patch", "clusterrole", "cise", "--type=json", "-p", &patch]);
        let configuration = "validatingwebhookconfiguration/image-admission-config";
        let asked = ["auth", "can-i", "patch", configuration, "--as=cise"];
        eventually(
            "the API server knows of it",
            || self.writes(&asked, "").is_ok() == verbs.contains("patch"),
            || verbs.to_owned(),
        );
    }

    /// It was stored while no webhook was there to refuse it.
    fn a_policy_that_cannot_be_read_can_be_changed_in_its_metadata_and_deleted(&self) {
        let configuration = "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata: {name: image-admission-config}\n";
        self.writes(&["delete", "-f", "-"], configuration).unwrap();
        let bad = policy(
            "team",
            "bad, finalizers: [example.com/hold]",
            "  - {name: a, polcy: {}}",
        );
        eventually(
            "a bad policy is stored",
            || self.writes(&["create", "-f", "-"], &bad).is_ok(),
            || format!("{:?}", self.writes(&["create", "-f", "-"], &bad)),
        );
        self.writes(&["apply", "-f", "-"], configuration).unwrap();
        let good = policy("team", "other", "  - {name: a, polcy: {}}");
        eventually(
            "the webhook for policies is back",
            || {
                self.writes(&["create", "--dry-run=server", "-f", "-"], &good)
                    .is_err()
            },
            || self.validating("{.webhooks[*].name}"),
        );
        self.kubectl(&["-n", "team", "label", "imagepolicy", "bad", "a=b"]);
        self.kubectl(&["-n", "team", "delete", "imagepolicy", "bad", "--wait=false"]);
        let patch = r#"{"metadata":{"finalizers":null}}"#;
        self.kubectl(&[
            "-n",
            "team",
            "patch",
            "imagepolicy",
            "bad",
            "--type=merge",
            "-p",
            patch,
        ]);
        assert_eq!(
            self.kubectl(&["-n", "team", "get", "imagepolicies", "-o", "name"]),
            ""
        );
    }

    fn metrics_and_the_audit_log_tell_of_it(&self) {
        let metrics = self.metrics();
        for line in [
            "cise_reviews_total{hook=\"/policies\",outcome=\"allowed\"}",
            "cise_reviews_total{hook=\"/policies\",outcome=\"denied\"}",
            "cise_webhook_registration{configuration=\"validating\",state=\"registered\"} 1",
            "cise_policies_age_seconds 0",
        ] {
            assert!(metrics.contains(line), "{line} in {metrics}");
        }
        let log = self.0.server.log("audit.log");
        let lines = log
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        let refused: Vec<Value> = lines
            .filter(|line| line["hook"] == "/policies" && line["allowed"] == false)
            .collect();
        assert!(
            refused
                .iter()
                .any(|line| line["reasons"] == json!(["policy-unreadable"])),
            "{log}"
        );
    }

    fn a_deleted_configuration_is_in_the_metrics(&self) {
        self.kubectl(&[
            "delete",
            "mutatingwebhookconfiguration",
            "image-admission-config",
        ]);
        let is_told = "cise_webhook_registration{configuration=\"mutating\",state=\"deleted\"} 1";
        eventually(
            "the deletion is in the metrics",
            || self.metrics().contains(is_told),
            || self.metrics(),
        );
    }

    fn while_nobody_answers_policies_can_be_labelled_and_deleted_and_not_written(&mut self) {
        let entries = (0..5000).map(|number| {
            format!(
                "  - {{name: 'icr.io/team/app-{number}:v1', policy: {{trust: {{enabled: true}}}}}}"
            )
        });
        let large = policy("team", "large", &entries.collect::<Vec<_>>().join("\n"));
        self.writes(&["create", "-f", "-"], &large).unwrap();
        self.0.server.signal("-KILL");
        self.0.server.wait();
        let said = self
            .writes(&["create", "-f", "-"], &policy("team", "p", "  - name: a"))
            .unwrap_err();
        assert!(
            said.contains("failed calling webhook \"policies.hooks."),
            "{said}"
        );
        self.kubectl(&["-n", "team", "label", "imagepolicy", "large", "a=b"]);
        let patch = r#"{"spec":{"repositories":[]}}"#;
        let patch = [
            "-n",
            "team",
            "patch",
            "imagepolicy",
            "large",
            "--type=merge",
            "-p",
            patch,
        ];
        assert!(self.writes(&patch, "").is_err());
        self.kubectl(&["-n", "team", "delete", "imagepolicy", "large"]);
    }
}
