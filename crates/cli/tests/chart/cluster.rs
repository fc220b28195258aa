//! The chart in a real cluster, where no kubelet runs: pods are made, and this test says what becomes of them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cise_testkit::components::{Component, HELM3, HELM4, require};
use cise_testkit::controlplane::{ControlPlane, Kubectl, User};
use cise_testkit::helm::{ChartRepository, Helm};
use serde_json::{Value, json};

use crate::chart::{folder, helms, template};

/// How long something may take that comes by itself. Far more than it does: a busy machine is not a failed test.
const PATIENCE: Duration = Duration::from_secs(120);

const CONFIGURATIONS: [&str; 2] = [
    "mutatingwebhookconfiguration",
    "validatingwebhookconfiguration",
];

#[test]
fn helm_3_installs_upgrades_rolls_back_and_removes_the_chart() {
    if require(&[&HELM3]) && ControlPlane::require() {
        Story::begin(&HELM3).tell();
    }
}

#[test]
fn helm_4_installs_upgrades_rolls_back_and_removes_the_chart() {
    if require(&[&HELM4]) && ControlPlane::require() {
        Story::begin(&HELM4).tell();
    }
}

#[test]
fn the_api_server_accepts_every_object_of_the_chart() {
    let Some([helm, _]) = helms() else { return };
    if !ControlPlane::require() {
        return;
    }
    let plane = ControlPlane::start().unwrap();
    let kubectl = plane.kubectl(&User::admin()).unwrap();
    kubectl.run(&["create", "namespace", "security"]).unwrap();
    // A pod is refused whose service account does not exist, and a dry run makes none.
    for account in ["cise", "cise-test"] {
        let create = ["-n", "security", "create", "serviceaccount", account];
        kubectl.run(&create).unwrap();
    }
    // What comes with other operators is unknown to this cluster.
    let without_operators = "certificates.from=cise,certificates.issuer=null,metrics.serviceMonitor.enabled=false,\
                             metrics.alerts.enabled=false";
    let own = ["--set", without_operators, "--namespace", "security"];
    for values in ["", include_str!("everything.yaml")] {
        let objects = template(&helm, &own, values).unwrap();
        let apply = [
            "apply",
            "--server-side",
            "--dry-run=server",
            "--validate=strict",
            "-f",
            "-",
        ];
        let said = kubectl.run_with(&apply, &objects).unwrap();
        assert!(
            said.contains("deployment.apps/cise serverside-applied"),
            "{said}"
        );
    }
}

/// One cluster, and one Helm that knows a repository with the chart.
struct Story {
    _plane: ControlPlane,
    _repository: ChartRepository,
    kubectl: Kubectl,
    helm: Helm,
}

/// What the documentation calls the chart: docs, "Installing Container Image Security Enforcement in your cluster".
const CHART: &str = "iks-charts/ibmcloud-image-enforcement";

impl Story {
    fn begin(helm: &Component) -> Self {
        let plane = ControlPlane::start().unwrap();
        let kubectl = plane.kubectl(&User::admin()).unwrap();
        let helm = Helm::new(helm).unwrap().in_cluster(&kubectl);
        let repository = helm.repository(&folder()).unwrap();
        helm.run(&["repo", "add", "iks-charts", &repository.url()])
            .unwrap();
        Self {
            _plane: plane,
            _repository: repository,
            kubectl,
            helm,
        }
    }

    fn tell(&self) {
        let notes = self.helm(&["install", "cise", CHART]);
        self.everything_is_there(&notes);
        self.while_pods_succeed(&["test", "cise"]);
        self.pods_are_made_where_only_restricted_ones_may_be();
        self.an_upgrade_leaves_filled_webhooks_alone_and_makes_deleted_ones_anew();
        self.nothing_is_left_but_what_belongs_to_the_user();
        self.what_was_left_can_be_taken_over();
    }

    fn everything_is_there(&self, notes: &str) {
        let namespaced = [
            "deployment",
            "service",
            "serviceaccount",
            "configmap",
            "role",
            "poddisruptionbudget",
            "networkpolicy",
        ];
        for kind in namespaced {
            self.get(&["-n", "ibm-system", kind, "cise"]);
        }
        for kind in CONFIGURATIONS {
            assert_eq!(
                self.get(&[kind, "image-admission-config"])["webhooks"],
                Value::Null
            );
        }
        self.kubectl(&[
            "wait",
            "--for=condition=Established",
            "--timeout=60s",
            "crd",
            "--all",
        ]);
        let (_, notes) = notes.split_once("NOTES:\n").unwrap();
        insta::assert_snapshot!("notes", notes);
    }

    fn pods_are_made_where_only_restricted_ones_may_be(&self) {
        self.kubectl(&[
            "label",
            "namespace",
            "ibm-system",
            "pod-security.kubernetes.io/enforce=restricted",
        ]);
        self.kubectl(&["-n", "ibm-system", "delete", "pods", "--all", "--force"]);
        eventually("both pods are made", || self.pods("server").len() == 2);
    }

    fn an_upgrade_leaves_filled_webhooks_alone_and_makes_deleted_ones_anew(&self) {
        let fill = json!({ "webhooks": [webhook()] }).to_string();
        for kind in CONFIGURATIONS {
            self.kubectl(&[
                "patch",
                kind,
                "image-admission-config",
                "--field-manager=cise",
                "--type=merge",
                "-p",
                &fill,
            ]);
        }
        self.helm(&["upgrade", "cise", CHART, "--set", "replicas=3"]);
        assert_eq!(self.replicas(), 3);
        let [mutating, validating] = CONFIGURATIONS;
        assert_eq!(self.webhooks(mutating), 1);
        self.kubectl(&[
            "delete",
            "--ignore-not-found=true",
            "MutatingWebhookConfiguration",
            "image-admission-config",
        ]);
        self.helm(&["upgrade", "cise", CHART, "--set", "replicas=4"]);
        assert_eq!((self.webhooks(mutating), self.webhooks(validating)), (0, 1));
        self.helm(&["rollback", "cise", "1"]);
        assert_eq!(self.replicas(), 2);
        assert_eq!(self.webhooks(validating), 1);
    }

    fn nothing_is_left_but_what_belongs_to_the_user(&self) {
        let policy = "apiVersion: securityenforcement.admission.cloud.ibm.com/v1beta1\nkind: ClusterImagePolicy\n\
                      metadata: {name: mine}\nspec: {repositories: [{name: '*'}]}\n";
        self.kubectl
            .run_with(&["apply", "-f", "-"], policy)
            .unwrap();
        self.while_pods_succeed(&["uninstall", "cise"]);
        self.get(&["clusterimagepolicy", "mine"]);
        let kinds = "all,configmap,secret,serviceaccount,role,rolebinding,lease,poddisruptionbudget,networkpolicy,clusterrole,\
                     clusterrolebinding,mutatingwebhookconfiguration,validatingwebhookconfiguration";
        let of_chart = ["--all-namespaces", "-l", "app.kubernetes.io/instance=cise"];
        eventually("nothing is left", || {
            self.get(&[&[kinds], &of_chart[..]].concat())["items"]
                .as_array()
                .unwrap()
                .is_empty()
        });
    }

    fn what_was_left_can_be_taken_over(&self) {
        self.helm(&["install", "cise", CHART, "--no-hooks"]);
        self.helm(&["uninstall", "cise", "--no-hooks"]);
        let other = [
            "install",
            "guard",
            CHART,
            "--namespace",
            "security",
            "--create-namespace",
        ];
        let refused = self.helm.run(&other).unwrap_err().to_string();
        assert!(refused.contains("invalid ownership metadata"), "{refused}");
        self.helm(&[&other[..], &["--take-ownership"]].concat());
        self.get(&["-n", "security", "deployment", "guard"]);
    }

    /// Runs Helm, and lets every pod that it waits for end well.
    fn while_pods_succeed(&self, arguments: &[&str]) -> String {
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    for pod in ["uninstall", "test"]
                        .iter()
                        .flat_map(|component| self.pods(component))
                    {
                        let ended = r#"{"status":{"phase":"Succeeded"}}"#;
                        let patch = [
                            "-n",
                            "ibm-system",
                            "patch",
                            "pod",
                            &pod,
                            "--subresource=status",
                            "--type=merge",
                            "-p",
                            ended,
                        ];
                        // It may be gone by now.
                        let _ = self.kubectl.run(&patch);
                    }
                    thread::sleep(Duration::from_millis(100));
                }
            });
            let said = self.helm.run(arguments);
            done.store(true, Ordering::Relaxed);
            said.unwrap_or_else(|error| panic!("{error}"))
        })
    }

    fn pods(&self, component: &str) -> Vec<String> {
        let selector =
            format!("app.kubernetes.io/instance=cise,app.kubernetes.io/component={component}");
        let pods = self.get(&["-n", "ibm-system", "pods", "-l", &selector]);
        let pods = pods["items"].as_array().unwrap();
        pods.iter()
            .map(|pod| pod["metadata"]["name"].as_str().unwrap().to_owned())
            .collect()
    }

    fn replicas(&self) -> u64 {
        self.get(&["-n", "ibm-system", "deployment", "cise"])["spec"]["replicas"]
            .as_u64()
            .unwrap()
    }

    fn webhooks(&self, kind: &str) -> usize {
        self.get(&[kind, "image-admission-config"])["webhooks"]
            .as_array()
            .map_or(0, Vec::len)
    }

    fn get(&self, arguments: &[&str]) -> Value {
        let json = self.kubectl(&[&["get", "-o", "json"], arguments].concat());
        serde_json::from_str(&json).unwrap()
    }

    fn kubectl(&self, arguments: &[&str]) -> String {
        self.kubectl
            .run(arguments)
            .unwrap_or_else(|error| panic!("{error}"))
    }

    fn helm(&self, arguments: &[&str]) -> String {
        self.helm
            .run(arguments)
            .unwrap_or_else(|error| panic!("{error}"))
    }
}

/// One that is never called.
fn webhook() -> Value {
    json!({
        "name": "trust.hooks.securityenforcement.admission.cloud.ibm.com",
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "failurePolicy": "Ignore",
        "clientConfig": { "service": { "name": "cise", "namespace": "ibm-system" } },
        "rules": [{ "apiGroups": ["example.com"], "apiVersions": ["*"], "operations": ["*"], "resources": ["nothings"] }],
    })
}

fn eventually(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "it never came that {what}");
        thread::sleep(Duration::from_millis(100));
    }
}
