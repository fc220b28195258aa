//! `cise serve` in a real cluster, as a user sets it up by hand.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cise_testkit::authority::Authority;
use cise_testkit::components::{self, NOTARY, NOTARY_SERVER, REGISTRY};
use cise_testkit::controlplane::{ControlPlane, Kubectl, User};
use cise_testkit::images::{Format, Image};
use cise_testkit::notary::{NotaryServer, Publisher, Target};
use cise_testkit::registry::Registry;
use serde_json::{Value, json};

use crate::program::Folder;
use crate::server::{Server, eventually};

/// The policies of the seed's documentation, as they are installed by default.
const DEFAULT_POLICIES: [&str; 3] = [
    include_str!("../../../policy/tests/seed/default-cluster-policy.yaml"),
    include_str!("../../../policy/tests/seed/kube-system-policy.yaml"),
    include_str!("../../../policy/tests/seed/ibm-system-policy.yaml"),
];

/// What the program may do, and where it and its users live.
const SURROUNDINGS: &str = r#"
apiVersion: v1
kind: Namespace
metadata: {name: ibm-system}
---
apiVersion: v1
kind: Namespace
metadata: {name: team}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: cise}
rules:
- apiGroups: [securityenforcement.admission.cloud.ibm.com, portieris.cloud.ibm.com]
  resources: [imagepolicies, clusterimagepolicies]
  verbs: [list, watch]
- apiGroups: [""]
  resources: [secrets, serviceaccounts]
  verbs: [get]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: cise}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cise}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: cise}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: cise, namespace: ibm-system}
rules:
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, list, create, update]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: cise, namespace: ibm-system}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: cise}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: cise}]
"#;

const UNSUPPORTED: &str = "admission webhook \"trust.hooks.securityenforcement.admission.cloud.ibm.com\" denied the request: \
                           Trust is not supported for images from this registry";

#[test]
fn a_cluster_is_guarded_by_the_policies_that_are_applied_to_it() {
    if !ControlPlane::require() || !Peers::require() {
        return;
    }
    let peers = Peers::start();
    let mut story = Story::begin(&peers);
    story.without_a_policy_nothing_runs();
    story.the_default_policies_demand_trust_everywhere_but_in_the_systems_namespaces(&peers);
    story.a_policy_of_a_namespace_pins_what_is_signed_and_lets_in_what_it_exempts(&peers);
    story.what_was_seen_is_kept_in_the_cluster(&peers);
    story.pins_of_the_cluster_are_listed_shown_and_forgotten(&peers);
    story.metrics_tell_of_the_policies();
    story.the_server_ends_in_order();
}

#[test]
fn a_server_whose_cluster_does_not_answer_says_what_it_waits_for() {
    // Nothing listens at this port.
    let kubeconfig = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "a",
        "contexts": [{ "name": "a", "context": { "cluster": "a", "user": "a" } }],
        "clusters": [{ "name": "a", "cluster": { "server": "https://127.0.0.1:1" } }],
        "users": [{ "name": "a", "user": {} }],
    });
    let folder = Folder::new(&[("kubeconfig", &kubeconfig.to_string())]);
    let server = Server::spawn(folder, "--kubeconfig kubeconfig");
    let not_ready = || server.admin("/readyz");
    let waits = "[-] policies: imagepolicies.securityenforcement.admission.cloud.ibm.com cannot be listed: ";
    eventually(
        "not ready",
        || not_ready().0 == 503 && not_ready().1.contains(waits),
        || format!("{:?}", not_ready()),
    );
    assert_eq!(server.admin("/healthz").0, 200);
    server.signal("-TERM");
}

#[test]
fn the_environment_may_name_the_cluster_by_one_file() {
    let folder = Folder::new(&[]);
    for (files, expected) in [
        ("missing", "error: missing: the API server cannot be used: "),
        ("a:b", "error: KUBECONFIG names several files: a:b\nhint: "),
    ] {
        let mut command = folder.command("serve --self-signed");
        let output = command.env("KUBECONFIG", files).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.starts_with(expected), "{told}");
    }
}

/// A registry with a signed and an unsigned image, and its trust server.
pub(crate) struct Peers {
    registry: Registry,
    notary: NotaryServer,
    pub(crate) signed: Image,
    _authority: Authority,
}

impl Peers {
    /// They can be had on this machine, or are said to be missing.
    pub(crate) fn require() -> bool {
        components::require(&[&REGISTRY, &NOTARY_SERVER, &NOTARY])
    }

    pub(crate) fn start() -> Self {
        let authority = Authority::new("cise cluster").unwrap();
        let (registry, notary) = (
            Registry::open().unwrap(),
            NotaryServer::open(&authority).unwrap(),
        );
        let signed = Image::new(Format::Oci, &[("etc/motd", "signed")]).unwrap();
        let unsigned = Image::new(Format::Oci, &[("etc/motd", "unsigned")]).unwrap();
        registry.push(&signed, "team/app", "signed").unwrap();
        registry.push(&unsigned, "team/app", "unsigned").unwrap();
        let peers = Self {
            registry,
            notary,
            signed,
            _authority: authority,
        };
        let owner = Publisher::new(&peers.notary, "owner").unwrap();
        owner.init(&peers.repository()).unwrap();
        let target = Target::new("signed", &peers.signed);
        owner.sign(&peers.repository(), &target, &[]).unwrap();
        peers
    }

    pub(crate) fn repository(&self) -> String {
        format!("{}/team/app", self.registry.host())
    }

    /// What the chart is told of them.
    pub(crate) fn values(&self) -> Value {
        let trust = self.notary.trust();
        let authority = std::fs::read_to_string(&trust.ca_file).unwrap();
        json!({ "registries": [{
            "host": self.registry.host(),
            "plainHTTP": true,
            "trustServer": trust.server_url,
            "trustServerCA": authority,
        }] })
    }

    fn configuration(&self) -> String {
        let trust = self.notary.trust();
        let registry = json!({
            "host": self.registry.host(),
            "plainHTTP": true,
            "trustServer": trust.server_url,
            "trustServerCAFile": trust.ca_file,
        });
        json!({ "registries": [registry] }).to_string()
    }
}

/// One cluster, and the server that guards it.
struct Story {
    server: Server,
    admin: Kubectl,
    _plane: ControlPlane,
}

impl Story {
    fn begin(peers: &Peers) -> Self {
        let plane = ControlPlane::start().unwrap();
        let admin = plane.kubectl(&User::admin()).unwrap();
        let own = plane.kubectl(&User::new("cise", "programs")).unwrap();
        let folder = Folder::new(&[("cise.yaml", &peers.configuration())]);
        apply(&admin, &folder.run("crds").stdout);
        kubectl(
            &admin,
            "wait --for=condition=Established --timeout=60s crd --all",
        );
        apply(&admin, SURROUNDINGS);
        kubectl(
            &admin,
            "-n team wait --for=create --timeout=60s serviceaccount/default",
        );
        let kubeconfig = own.kubeconfig().display();
        let server = Server::spawn(
            folder,
            &format!("--config cise.yaml --kubeconfig {kubeconfig}"),
        );
        server.wait_for("ready: reviews at https://");
        Self {
            server,
            admin,
            _plane: plane,
        }
    }

    fn without_a_policy_nothing_runs(&self) {
        self.register();
        self.refuses(
            "nginx",
            "Deny, no image policies or cluster polices for nginx",
        );
    }

    fn the_default_policies_demand_trust_everywhere_but_in_the_systems_namespaces(
        &self,
        peers: &Peers,
    ) {
        for policy in DEFAULT_POLICIES {
            apply(&self.admin, policy);
        }
        self.refuses("registry.example.com/team/app:v1", UNSUPPORTED);
        let sentence =
            "Deny, failed to get content trust information: No valid trust data for unsigned";
        self.refuses(&format!("{}:unsigned", peers.repository()), sentence);
        self.admits("kube-system", "nginx", "nginx");
    }

    fn a_policy_of_a_namespace_pins_what_is_signed_and_lets_in_what_it_exempts(
        &self,
        peers: &Peers,
    ) {
        let repository = peers.repository();
        let policy = format!(
            "apiVersion: securityenforcement.admission.cloud.ibm.com/v1beta1\nkind: ImagePolicy\n\
             metadata: {{name: ours, namespace: team}}\nspec:\n  repositories:\n  - name: '{repository}'\n    \
             policy: {{trust: {{enabled: true}}}}\n  - name: 'registry.example.com/free/*'\n    policy:\n"
        );
        apply(&self.admin, &policy);
        let pinned = format!("{repository}:signed@{}", peers.signed.digest());
        self.admits("team", &format!("{repository}:signed"), &pinned);
        let exempt = "registry.example.com/free/app:v1";
        self.admits("team", exempt, exempt);
        let unsigned = format!("{repository}:unsigned");
        self.refuses(&unsigned, "No valid trust data for unsigned");
    }

    fn what_was_seen_is_kept_in_the_cluster(&self, peers: &Peers) {
        let records = kubectl(
            &self.admin,
            "-n ibm-system get configmaps -l securityenforcement.admission.cloud.ibm.com/record=trust -o json",
        );
        let records: Value = serde_json::from_str(&records).unwrap();
        let record = &records["items"][0]["data"]["record"];
        assert!(
            record.as_str().unwrap().contains(&peers.repository()),
            "{records}"
        );
    }

    fn pins_of_the_cluster_are_listed_shown_and_forgotten(&self, peers: &Peers) {
        let kubeconfig = self.admin.kubeconfig().display().to_string();
        let trust = |arguments: &str| {
            let line = format!("trust {arguments} --kubeconfig {kubeconfig}");
            self.server.folder.run(&line)
        };
        let repository = peers.repository();
        let listed = trust("list");
        let line = listed.stdout.trim_end();
        assert!(
            listed.status == 0
                && line.starts_with(&format!("{repository}  root "))
                && line.ends_with(&format!("from {}/", peers.notary.trust().server_url)),
            "{}",
            listed.transcript()
        );
        let shown = trust(&format!("show -n ibm-system {repository}"));
        let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
        assert_eq!(shown["repository"], repository);

        let elsewhere = trust("list --namespace team");
        assert_eq!(elsewhere.transcript(), "status: 0\n");
        let forgotten = trust(&format!("forget {repository}"));
        assert_eq!(
            forgotten.transcript(),
            format!("status: 0\n--- stdout\nforgot {repository}\n")
        );
        assert_eq!(trust("list").transcript(), "status: 0\n");
        let unknown = trust(&format!("forget {repository}"));
        assert_eq!(
            unknown.stderr,
            format!(
                "error: nothing is pinned of {repository}\nhint: `cise trust list` shows what is\n"
            )
        );
    }

    fn metrics_tell_of_the_policies(&self) {
        let metrics = self.server.admin("/metrics").1;
        for line in ["cise_policies_unreadable 0", "cise_policies_age_seconds 0"] {
            assert!(metrics.contains(line), "{line} in {metrics}");
        }
        assert!(!metrics.contains("cise_policies_generation 0"), "{metrics}");
        assert_eq!(
            self.server.admin("/readyz"),
            (200, "[+] policies: ok\nready\n".to_owned())
        );
    }

    fn the_server_ends_in_order(&mut self) {
        self.server.signal("-TERM");
        assert_eq!(self.server.wait().code(), Some(0));
    }

    /// Makes the API server ask about every pod.
    fn register(&self) {
        let authority = std::fs::read(self.server.folder.path().join("ca.pem")).unwrap();
        let hook = |name: &str, path: &str| {
            json!({
                "name": format!("{name}.hooks.securityenforcement.admission.cloud.ibm.com"),
                "admissionReviewVersions": ["v1"],
                "sideEffects": "NoneOnDryRun",
                "failurePolicy": "Fail",
                "clientConfig": { "url": format!("{}{path}", self.server.url()), "caBundle": STANDARD.encode(&authority) },
                "rules": [{
                    "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"],
                    "resources": ["pods", "pods/ephemeralcontainers"],
                }],
            })
        };
        for (kind, webhook) in [
            ("MutatingWebhookConfiguration", hook("trust", "/trust")),
            ("ValidatingWebhookConfiguration", hook("va", "/va")),
        ] {
            let configuration = json!({
                "apiVersion": "admissionregistration.k8s.io/v1",
                "kind": kind,
                "metadata": { "name": "image-admission-config" },
                "webhooks": [webhook],
            });
            apply(&self.admin, &configuration.to_string());
        }
    }

    /// Asks for a pod in the namespace of the team until the refusal says this.
    fn refuses(&self, image: &str, sentence: &str) {
        let ask = || self.ask("team", image, &["--dry-run=server"]);
        eventually(
            sentence,
            || ask().is_err_and(|refusal| refusal.contains(sentence)),
            || format!("{:?}\n{}", ask(), self.server.log("cise.log")),
        );
    }

    /// Asks for a pod until there is one, and looks at the image that it has.
    fn admits(&self, namespace: &str, image: &str, stored: &str) {
        let mut found = Err(String::new());
        let ask = || self.ask(namespace, image, &[]);
        eventually(
            &format!("{image} in {namespace}"),
            || {
                found = ask();
                found.is_ok()
            },
            || format!("{:?}\n{}", ask(), self.server.log("cise.log")),
        );
        assert_eq!(found.as_deref(), Ok(stored));
    }

    fn ask(&self, namespace: &str, image: &str, more: &[&str]) -> Result<String, String> {
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": { "generateName": "asked-", "namespace": namespace },
            "spec": { "containers": [{ "name": "app", "image": image }] },
        });
        let create = [
            "create",
            "-f",
            "-",
            "-o",
            "jsonpath={.spec.containers[0].image}",
        ];
        let asked = [&create[..], more].concat();
        let answered = self.admin.run_with(&asked, &pod.to_string());
        answered.map_err(|error| error.to_string())
    }
}

fn apply(user: &Kubectl, manifest: &str) {
    user.run_with(&["apply", "-f", "-"], manifest)
        .unwrap_or_else(|error| panic!("{error}"));
}

fn kubectl(user: &Kubectl, arguments: &str) -> String {
    let arguments: Vec<&str> = arguments.split_whitespace().collect();
    user.run(&arguments)
        .unwrap_or_else(|error| panic!("{error}"))
}
