//! CISE as its chart installs it, where its pods are processes of this machine.

use std::path::Path;
use std::sync::{Arc, Mutex};

use cise_testkit::cise::{Cise, Pods, Replicas};
use cise_testkit::components::{HELM3, require};
use cise_testkit::controlplane::{Api, ControlPlane, Kubectl, Node, User};
use cise_testkit::helm::Helm;
use cise_testkit::relay::Relay;
use serde_json::{Value, json};

use crate::server::eventually;

pub(crate) use cise_testkit::cise::HOME;

/// The node on which all pods run.
pub(crate) const NODE: &str = "n1";

/// An image that the policy of [`Guarded::exempt`] lets in unverified.
pub(crate) const EXEMPT: &str = "registry.example.com/free/app:v1";

/// One that no trust server vouches for.
pub(crate) const FOREIGN: &str = "registry.example.com/team/app:v1";

/// A cluster with CISE in it.
pub(crate) struct Guarded {
    // It ends before the cluster does.
    node: Option<Node>,
    pub(crate) replicas: Replicas,
    /// How many seconds the clocks of replicas are ahead, in turns; none: they are right.
    pub(crate) clocks: Vec<i64>,
    /// The way from CISE to the API server.
    pub(crate) way: Relay,
    pub(crate) admin: Kubectl,
    pub(crate) api: Api,
    pub(crate) plane: ControlPlane,
    helm: Helm,
}

impl Guarded {
    /// Installs the chart with these values and waits until two replicas answer by the default policies; `None` where that cannot be done here.
    pub(crate) fn start(values: &Value) -> Option<Self> {
        let mut cluster = Self::prepare()?;
        cluster.install(values);
        Some(cluster)
    }

    /// A cluster without CISE, and without a node; `None` where that cannot be had here.
    pub(crate) fn prepare() -> Option<Self> {
        if !require(&[&HELM3]) || !ControlPlane::require() {
            return None;
        }
        let plane = ControlPlane::start().unwrap();
        let admin = plane.kubectl(&User::admin()).unwrap();
        let way = Relay::start(plane.url().trim_start_matches("https://").parse().unwrap());
        let cluster = Self {
            node: None,
            replicas: Replicas::new().unwrap(),
            clocks: Vec::new(),
            way: way.unwrap(),
            api: plane.api(&User::admin()).unwrap(),
            helm: Helm::new(&HELM3).unwrap().in_cluster(&admin),
            admin,
            plane,
        };
        cluster.kubectl("create namespace team");
        for namespace in ["team", "default", "kube-system"] {
            cluster.kubectl(&format!(
                "-n {namespace} wait --for=create --timeout=60s serviceaccount/default"
            ));
        }
        Some(cluster)
    }

    /// Installs the chart with these values and waits until two replicas answer by the default policies.
    pub(crate) fn install(&mut self, values: &Value) {
        self.helm("install", &[], values);
        self.node_comes();
        self.answers();
    }

    /// Installs the chart, or upgrades what is installed. A busy machine is not a slow webhook.
    pub(crate) fn helm(&self, command: &str, more: &[&str], values: &Value) {
        let chart =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../charts/ibmcloud-image-enforcement");
        let chart = chart.to_str().unwrap();
        let patient = ["--set", "webhooks.timeoutSeconds=30", "--values", "-"];
        let arguments = [&[command, "cise", chart], &patient[..], more].concat();
        self.helm
            .run_with(&arguments, &values.to_string())
            .unwrap_or_else(|error| panic!("{error}"));
    }

    /// All pods of CISE are ready, and the API server calls them.
    pub(crate) fn answers(&self) {
        self.kubectl(&format!(
            "-n {HOME} rollout status deployment/cise --timeout=300s"
        ));
        let answer = || self.ask("default", FOREIGN);
        eventually(
            "the API server asks CISE",
            || answer().is_err_and(|said| said.contains("denied the request: ")),
            || format!("{:?}\n{}", answer(), self.replicas.logs()),
        );
    }

    /// A node takes all pods, and runs those of CISE.
    pub(crate) fn node_comes(&mut self) {
        let program = Path::new(env!("CARGO_BIN_EXE_cise"));
        let pods = Pods::new(program, &self.plane, &self.replicas).unwrap();
        let mut pods = pods.by_way_of(self.way.address());
        if !self.clocks.is_empty() {
            pods = pods.with_clocks(&self.clocks).unwrap();
        }
        self.node = Some(Node::start(&self.plane, NODE, pods).unwrap());
    }

    /// The node is gone with all that ran on it, and the pods of CISE are given up. The controllers make others, which run
    /// nowhere.
    pub(crate) fn node_goes(&mut self) {
        drop(self.node.take());
        self.kubectl(&format!(
            "-n {HOME} delete pods --all --force --grace-period=0"
        ));
        let ask = || self.ask("default", FOREIGN);
        eventually(
            "nobody answers",
            || ask().is_err_and(|said| said.contains("failed calling webhook")),
            || format!("{:?}", ask()),
        );
    }

    /// Lets a policy of this namespace admit [`EXEMPT`], and what else these entries say. It is in force then.
    pub(crate) fn exempt(&self, namespace: &str, entries: &[(&str, Value)]) {
        let free = [("registry.example.com/free/*", Value::Null)];
        self.allow(namespace, "ours", &[&free, entries].concat());
        eventually(
            "the policy is in force",
            || self.ask(namespace, EXEMPT).is_ok(),
            || {
                format!(
                    "{:?}\n{}",
                    self.ask(namespace, EXEMPT),
                    self.replicas.logs()
                )
            },
        );
    }

    /// Writes a policy with these entries.
    pub(crate) fn allow(&self, namespace: &str, name: &str, entries: &[(&str, Value)]) {
        let entries = entries
            .iter()
            .map(|(name, policy)| json!({ "name": name, "policy": policy }));
        self.apply(&json!({
            "apiVersion": "securityenforcement.admission.cloud.ibm.com/v1beta1",
            "kind": "ImagePolicy",
            "metadata": { "name": name, "namespace": namespace },
            "spec": { "repositories": entries.collect::<Vec<_>>() },
        }));
    }

    /// What becomes of a pod with one container. It is not made.
    pub(crate) fn ask(&self, namespace: &str, image: &str) -> Result<Value, String> {
        self.make("?dryRun=All", &pod("asked", namespace, image))
    }

    /// Makes a pod, or refuses it.
    pub(crate) fn make(&self, query: &str, pod: &Value) -> Result<Value, String> {
        let namespace = pod["metadata"]["namespace"].as_str().unwrap();
        let path = format!("/api/v1/namespaces/{namespace}/pods{query}");
        self.api.post(&path, pod).unwrap().into_object()
    }

    pub(crate) fn apply(&self, object: &Value) {
        self.admin
            .run_with(&["apply", "-f", "-"], &object.to_string())
            .unwrap_or_else(|error| panic!("{error}"));
    }

    /// `kubectl` with these arguments, separated by blanks.
    pub(crate) fn kubectl(&self, arguments: &str) -> String {
        self.try_kubectl(arguments)
            .unwrap_or_else(|error| panic!("{error}"))
    }

    pub(crate) fn try_kubectl(&self, arguments: &str) -> Result<String, String> {
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        self.admin
            .run(&arguments)
            .map_err(|error| error.to_string())
    }

    /// The process of a pod.
    pub(crate) fn replica(&self, pod: &str) -> Arc<Mutex<Cise>> {
        self.replicas.of(pod).unwrap()
    }

    /// The names of CISE's pods that exist.
    pub(crate) fn pods(&self) -> Vec<String> {
        let names = self.kubectl(&format!(
            "-n {HOME} get pods -l app.kubernetes.io/component=server -o jsonpath={{.items[*].metadata.name}}"
        ));
        names.split_whitespace().map(str::to_owned).collect()
    }
}

/// A pod with one container.
pub(crate) fn pod(name: &str, namespace: &str, image: &str) -> Value {
    cise_testkit::cise::pod(name, namespace, &[image])
}
