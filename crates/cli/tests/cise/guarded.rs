//! CISE as its chart installs it, where its pods are processes of this machine.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use cise_testkit::components::{HELM3, require};
use cise_testkit::controlplane::{Api, ControlPlane, Kubectl, Node, Program, Runtime, User};
use cise_testkit::helm::Helm;
use cise_testkit::relay::Relay;
use serde_json::{Value, json};

use crate::program::Folder;
use crate::server::{Server, eventually};

/// The namespace of CISE.
pub(crate) const HOME: &str = "ibm-system";

/// The node on which all pods run.
pub(crate) const NODE: &str = "n1";

/// An image that the policy of [`Guarded::exempt`] lets in unverified.
pub(crate) const EXEMPT: &str = "registry.example.com/free/app:v1";

/// One that no trust server vouches for.
pub(crate) const FOREIGN: &str = "registry.example.com/team/app:v1";

/// The ports that the chart declares.
const WEBHOOKS: u16 = 8443;
const ADMIN: u16 = 8080;

/// A cluster with CISE in it.
pub(crate) struct Guarded {
    // It ends before the cluster does.
    node: Option<Node>,
    pub(crate) replicas: Replicas,
    /// The way from CISE to the API server.
    pub(crate) way: Relay,
    pub(crate) admin: Kubectl,
    pub(crate) api: Api,
    pub(crate) plane: ControlPlane,
    helm: Helm,
    kubeconfig: PathBuf,
    _folder: Folder,
}

/// The processes of CISE's pods, by the pods' names. Those that have ended are there too.
#[derive(Clone, Default)]
pub(crate) struct Replicas(Arc<Mutex<BTreeMap<String, Arc<Mutex<Server>>>>>);

/// Runs `cise` for the pods that the chart makes for it.
struct Host {
    api: Api,
    kubeconfig: PathBuf,
    replicas: Replicas,
}

struct Replica(Arc<Mutex<Server>>);

impl Guarded {
    /// Installs the chart with these values and waits until two replicas answer; `None` where that cannot be done here.
    pub(crate) fn start(values: &Value) -> Option<Self> {
        if !require(&[&HELM3]) || !ControlPlane::require() {
            return None;
        }
        let plane = ControlPlane::start().unwrap();
        let admin = plane.kubectl(&User::admin()).unwrap();
        let way = Relay::start(plane.url().trim_start_matches("https://").parse().unwrap());
        let (way, folder) = (way.unwrap(), Folder::new(&[]));
        let kubeconfig = kubeconfig(&plane, way.address(), folder.path());
        let mut cluster = Self {
            node: None,
            replicas: Replicas::default(),
            way,
            api: plane.api(&User::admin()).unwrap(),
            helm: Helm::new(&HELM3).unwrap().in_cluster(&admin),
            admin,
            plane,
            kubeconfig,
            _folder: folder,
        };
        cluster.helm("install", &[], values);
        cluster.kubectl("create namespace team");
        cluster.kubectl("-n team wait --for=create --timeout=60s serviceaccount/default");
        cluster.node_comes();
        cluster.answers();
        Some(cluster)
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

    /// All pods of CISE are ready, the API server calls them, and the default policies are there.
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
        let host = Host {
            api: self.api.clone(),
            kubeconfig: self.kubeconfig.clone(),
            replicas: self.replicas.clone(),
        };
        self.node = Some(Node::start(&self.plane, NODE, host).unwrap());
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

    /// The names of CISE's pods that exist.
    pub(crate) fn pods(&self) -> Vec<String> {
        let names = self.kubectl(&format!(
            "-n {HOME} get pods -l app.kubernetes.io/component=server -o jsonpath={{.items[*].metadata.name}}"
        ));
        names.split_whitespace().map(str::to_owned).collect()
    }
}

impl Replicas {
    /// The process of a pod.
    pub(crate) fn of(&self, pod: &str) -> Arc<Mutex<Server>> {
        Arc::clone(&self.all()[pod])
    }

    /// What the processes of these pods have written to their audit logs: which hook judged the pod of that name.
    pub(crate) fn hooks_that_judged(&self, pod: &str, name: &str) -> Vec<String> {
        let audit = self.of(pod).lock().unwrap().log("audit.log");
        let lines = audit
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        lines
            .filter(|line: &Value| line["name"] == name)
            .map(|line| line["hook"].as_str().unwrap().to_owned())
            .collect()
    }

    /// What all have logged, for a failure.
    pub(crate) fn logs(&self) -> String {
        let replicas = self.all();
        let logs = replicas.iter().map(|(name, server)| {
            let log = server.lock().unwrap().log("cise.log");
            format!("--- {name}\n{log}")
        });
        logs.collect()
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Mutex<Server>>>> {
        self.0.lock().unwrap()
    }
}

impl Runtime for Host {
    fn start(&self, pod: &Value) -> Option<Box<dyn Program>> {
        if pod["metadata"]["labels"]["app.kubernetes.io/component"] != "server" {
            return None;
        }
        let map = self
            .api
            .get(&format!("/api/v1/namespaces/{HOME}/configmaps/cise"));
        let files = map.unwrap().into_object().unwrap();
        let folder = Folder::new(&[]);
        for (name, text) in files["data"].as_object().unwrap() {
            folder.write(name, text.as_str().unwrap());
        }
        let name = pod["metadata"]["name"].as_str().unwrap();
        let kubeconfig = self.kubeconfig.display();
        let arguments = format!("--config config.yaml --kubeconfig {kubeconfig}");
        let server = Arc::new(Mutex::new(Server::spawn_as(folder, &arguments, name)));
        let replica = Replica(Arc::clone(&server));
        self.replicas.all().insert(name.to_owned(), server);
        Some(Box::new(replica))
    }
}

impl Program for Replica {
    fn address(&self, port: u16) -> Option<SocketAddr> {
        let server = self.0.lock().unwrap();
        match port {
            WEBHOOKS => server.address(),
            ADMIN => Some(server.admin_address()),
            _ => None,
        }
    }

    fn is_running(&mut self) -> bool {
        self.0.lock().unwrap().is_running()
    }

    fn is_ready(&mut self) -> bool {
        self.0.lock().unwrap().admin("/readyz").0 == 200
    }

    fn terminate(&mut self) {
        self.0.lock().unwrap().signal("-TERM");
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        // Whoever holds the lock has panicked; the process ends with the test then.
        if let Ok(mut server) = self.0.lock() {
            server.kill();
        }
    }
}

/// A pod with one container.
pub(crate) fn pod(name: &str, namespace: &str, image: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": name, "namespace": namespace },
        "spec": {
            "automountServiceAccountToken": false,
            "containers": [{ "name": "app", "image": image }],
        },
    })
}

/// The credentials of CISE's service account, by a way that can be cut.
fn kubeconfig(plane: &ControlPlane, way: SocketAddr, folder: &Path) -> PathBuf {
    let account = format!("system:serviceaccount:{HOME}:cise");
    let user = plane.kubectl(&User::new(&account, "system:serviceaccounts"));
    let text = fs::read_to_string(user.unwrap().kubeconfig()).unwrap();
    let mut config: Value = serde_json::from_str(&text).unwrap();
    config["clusters"][0]["cluster"]["server"] = format!("https://{way}").into();
    let path = folder.join("kubeconfig");
    fs::write(&path, config.to_string()).unwrap();
    path
}
