//! Records what a real API server sends to admission webhooks, into the folder `recordings` of this crate: everything, or, with
//! the argument `policies` or `exemptions`, what those bring, beside what is there.

mod scenario;

use std::error::Error;
use std::io::{self, Write as _};
use std::path::Path;
use std::{env, fs};

use cise_testkit::controlplane::{ControlPlane, Kubectl, User};
use cise_testkit::recorder::{Received, Recorder};
use cise_testkit::recordings::{self, Hook, Recording};
use scenario::{EXEMPTIONS, End, Keep, POLICIES, Person, STEPS, Step};
use serde_json::{Value, json};

/// The namespace in which everything happens.
const NAMESPACE: &str = "team";

/// The name of the service behind the webhooks, and its address in the cluster.
const SERVICE: &str = "cise";
const SERVICE_ADDRESS: &str = "10.0.0.10";

/// What the names of hooks end in.
const HOOKS: &str = "hooks.securityenforcement.admission.cloud.ibm.com";

/// The definitions of policies, below the folder of the chart.
const DEFINITIONS: [&str; 2] = ["files/crds", "files/crds-portieris"];

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let cluster = ControlPlane::start()?;
    let recorder = Recorder::start(
        &cluster
            .authority()
            .server(&[&format!("{SERVICE}.{NAMESPACE}.svc")])?,
    )?;
    cluster.route(&format!("{SERVICE_ADDRESS}:443"), recorder.address());
    let studio = Studio::set_up(&cluster, recorder)?;
    let argument = env::args().nth(1);
    let count = match argument.as_deref() {
        None => studio.record(STEPS, recordings::replace)?,
        Some("policies") => studio.record(&[POLICIES], recordings::add)?,
        Some("exemptions") => studio.record(&[EXEMPTIONS], recordings::add)?,
        Some(other) => {
            let expected = "expected `policies`, `exemptions`, or nothing";
            return Err(format!("`{other}`: {expected}").into());
        }
    };
    writeln!(
        io::stdout(),
        "recorded {count} reviews of Kubernetes {}",
        recordings::KUBERNETES
    )?;
    Ok(())
}

/// The cluster, with the webhooks and those who act.
struct Studio {
    recorder: Recorder,
    alice: (User, Kubectl),
    kubelet: (User, Kubectl),
    node_uid: String,
}

impl Studio {
    fn set_up(cluster: &ControlPlane, recorder: Recorder) -> Result<Self> {
        let admin = cluster.kubectl(&User::admin())?;
        check_version(&admin)?;
        define_policies(&admin)?;
        admin.run_with(&["apply", "-f", "-"], &manifest("setup.yaml")?)?;
        admin.run(&[
            "wait",
            "--for=create",
            "serviceaccount/default",
            "-n",
            NAMESPACE,
            "--timeout=60s",
        ])?;
        let hooks = webhooks(&cluster.authority().certificate());
        admin.run_with(&["apply", "-f", "-"], &hooks.to_string())?;
        let node_uid = admin.run(&["get", "node", "n1", "-o", "jsonpath={.metadata.uid}"])?;
        let act = |user: User| cluster.kubectl(&user).map(|kubectl| (user, kubectl));
        let studio = Self {
            recorder,
            alice: act(User::new("alice", "developers"))?,
            kubelet: act(User::node("n1"))?,
            node_uid,
        };
        studio.wait_for_webhooks()?;
        Ok(studio)
    }

    /// The API server takes up new webhooks after a while.
    fn wait_for_webhooks(&self) -> Result<()> {
        for (hook, object) in [
            (Hook::Mutating, "pod-one-image.yaml"),
            (Hook::Validating, "pod-one-image.yaml"),
            (Hook::Policies, "policy.yaml"),
        ] {
            let manifest = manifest(object)?;
            loop {
                let since = self.recorder.count();
                let arguments = ["create", "-n", NAMESPACE, "--dry-run=server", "-f", "-"];
                self.alice.1.run_with(&arguments, &manifest)?;
                if self.recorder.has(since, |received| is_for(hook, received)) {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Performs the steps, keeps what they bring, and says how much that is.
    fn record(
        &self,
        steps: &[&[Step]],
        keep: fn(Vec<Recording>) -> std::result::Result<(), cise_testkit::Error>,
    ) -> Result<usize> {
        let mut recordings = Vec::new();
        for step in steps.iter().copied().flatten() {
            recordings.extend(self.perform(step)?);
        }
        let count = recordings.len();
        keep(recordings)?;
        Ok(count)
    }

    fn perform(&self, step: &Step) -> Result<Vec<Recording>> {
        let (user, kubectl) = match step.by {
            Person::Alice => &self.alice,
            Person::Kubelet => &self.kubelet,
        };
        let since = self.recorder.count();
        match (step.ends, self.run(kubectl, step.run)) {
            (End::Done, Ok(_)) | (End::Refused, Err(_)) => {}
            (End::Done, Err(error)) => return Err(error),
            (End::Refused, Ok(_)) => return Err(format!("`{}` was not refused", step.run).into()),
        }
        step.keep
            .iter()
            .map(|keep| self.keep(keep, user, since))
            .collect()
    }

    fn run(&self, kubectl: &Kubectl, run: &str) -> Result<String> {
        let mut arguments: Vec<&str> = vec!["-n", NAMESPACE];
        let mut input = String::new();
        let mut words = run.split(' ');
        while let Some(word) = words.next() {
            arguments.push(word);
            if word == "-f" {
                input = manifest(words.next().unwrap_or_default())?.replace("UID", &self.node_uid);
                arguments.push("-");
            }
        }
        Ok(kubectl.run_with(&arguments, &input)?)
    }

    fn keep(&self, keep: &Keep, user: &User, since: usize) -> Result<Recording> {
        let controller = keep
            .controller
            .map(|name| format!("system:serviceaccount:kube-system:{name}"));
        let user = controller.as_deref().unwrap_or_else(|| user.name());
        let received = self
            .recorder
            .wait_for(since, |received| fits(keep, user, received));
        let received = received.ok_or_else(|| format!("no review came for {}", keep.name))?;
        Ok(Recording {
            name: keep.name.to_owned(),
            hook: keep.hook,
            url: received.url,
            content_type: received.content_type,
            body: received.body.to_vec(),
        })
    }
}

fn fits(keep: &Keep, user: &str, received: &Received) -> bool {
    let about = &received.about;
    is_for(keep.hook, received)
        && keep.asks == format!("{} {}", about.operation, about.resource())
        && about.name().starts_with(keep.of)
        && about.user() == user
}

fn is_for(hook: Hook, received: &Received) -> bool {
    received.url.split('?').next() == Some(path(hook))
}

fn path(hook: Hook) -> &'static str {
    match hook {
        Hook::Mutating => "/trust",
        Hook::Validating => "/trust/validate",
        Hook::Policies => "/policies",
    }
}

fn check_version(admin: &Kubectl) -> Result<()> {
    let version: Value = serde_json::from_str(&admin.run(&["version", "-o", "json"])?)?;
    let version = version
        .pointer("/serverVersion/gitVersion")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if version == recordings::KUBERNETES {
        return Ok(());
    }
    Err(format!(
        "the API server is {version}, and the recordings are of {}",
        recordings::KUBERNETES
    )
    .into())
}

fn manifest(name: &str) -> Result<String> {
    let path = recordings::manifests().join(name);
    fs::read_to_string(&path)
        .map_err(|error| format!("cannot read {}: {error}", path.display()).into())
}

/// Lets the cluster know of policies, as the chart does.
fn define_policies(admin: &Kubectl) -> Result<()> {
    let chart =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../charts/ibmcloud-image-enforcement");
    for folder in DEFINITIONS {
        let folder = chart.join(folder).display().to_string();
        admin.run(&["create", "-f", &folder])?;
    }
    admin.run(&[
        "wait",
        "--for=condition=Established",
        "--timeout=60s",
        "crd",
        "--all",
    ])?;
    Ok(())
}

/// The service and the webhooks behind it, which see everything that happens to pods, workloads, policies and exemptions.
fn webhooks(authority: &str) -> Value {
    let service = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": { "name": SERVICE, "namespace": NAMESPACE },
        "spec": { "clusterIP": SERVICE_ADDRESS, "ports": [{ "port": 443 }] },
    });
    let workloads = [
        every("", &["pods", "replicationcontrollers"]),
        every(
            "apps",
            &["deployments", "replicasets", "statefulsets", "daemonsets"],
        ),
        every("batch", &["jobs", "cronjobs"]),
    ];
    let own = "securityenforcement.admission.cloud.ibm.com";
    let kinds = ["imagepolicies", "clusterimagepolicies"];
    let policies = [
        every(own, &kinds),
        every(own, &["imageexemptions", "clusterimageexemptions"]),
        every("portieris.cloud.ibm.com", &kinds),
    ];
    let webhook = |name, hook, rules: &[Value]| webhook(name, hook, rules, authority);
    let mutating = configuration(
        "MutatingWebhookConfiguration",
        &[webhook("trust", Hook::Mutating, &workloads)],
    );
    let validating = configuration(
        "ValidatingWebhookConfiguration",
        &[
            webhook("trust", Hook::Validating, &workloads),
            webhook("policies", Hook::Policies, &policies),
        ],
    );
    json!({ "apiVersion": "v1", "kind": "List", "items": [service, mutating, validating] })
}

/// Everything that can be done to these resources.
fn every(group: &str, resources: &[&str]) -> Value {
    let resources: Vec<String> = resources
        .iter()
        .flat_map(|name| [(*name).to_owned(), format!("{name}/*")])
        .collect();
    json!({ "apiGroups": [group], "apiVersions": ["*"], "operations": ["*"], "resources": resources })
}

fn configuration(kind: &str, webhooks: &[Value]) -> Value {
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": kind,
        "metadata": { "name": "image-admission-config" },
        "webhooks": webhooks,
    })
}

fn webhook(name: &str, hook: Hook, rules: &[Value], authority: &str) -> Value {
    json!({
        "name": format!("{name}.{HOOKS}"),
        "admissionReviewVersions": ["v1"],
        "sideEffects": "NoneOnDryRun",
        "failurePolicy": "Fail",
        "clientConfig": {
            "service": { "name": SERVICE, "namespace": NAMESPACE, "path": path(hook) },
            "caBundle": base64(authority),
        },
        "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": NAMESPACE } },
        "rules": rules,
    })
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}
