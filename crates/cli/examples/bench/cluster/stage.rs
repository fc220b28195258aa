//! A control plane with policies, and CISE beside it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::ops::Range;
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use cise_testkit::controlplane::{Api, ControlPlane, Kubectl, User};
use cise_testkit::process::{Process, free_port};
use serde_json::{Value, json};

use super::{apply, expect, wait_until};
use crate::account::ProcessId;
use crate::binaries;
use crate::pods::NAMESPACE;
use crate::signed::Signed;
use crate::site::Site;

/// What the chart brings, without the pods.
const INSTALLED: &str = include_str!("../../../tests/cise/citizen.yaml");

const SERVICE: &str = "10.0.0.77:443";
const GROUP: &str = "/apis/securityenforcement.admission.cloud.ibm.com/v1beta1";

/// A namespace whose policy admits everything, and for which no webhook is called therefore.
pub(super) const UNJUDGED: &str = "unjudged";

/// How many write policies side by side.
const WRITERS: usize = 8;

/// How long nothing has to happen until all that was written is in force.
const SETTLES_FOR: Duration = Duration::from_secs(3);

/// The cluster.
pub(super) struct Stage {
    plane: ControlPlane,
    api: Api,
    own: Kubectl,
    site: Site,
}

/// A running `cise serve`. It is stopped when this is dropped.
pub(super) struct Cise {
    process: ProcessId,
    admin: SocketAddr,
    listen: SocketAddr,
    _running: Process,
}

impl Stage {
    pub(super) fn set(signed: &Signed) -> Result<Self> {
        let plane = ControlPlane::start()?;
        let admin = plane.kubectl(&User::admin())?;
        let site = signed.site()?;
        let configuration = fs::read_to_string(site.configuration())?;
        fs::write(
            site.configuration(),
            format!("{configuration}cluster: {{defaultPolicies: false}}\n"),
        )?;
        let definitions = Command::new(binaries::cise()?).arg("crds").output()?;
        admin.run_with(
            &["apply", "-f", "-"],
            &String::from_utf8(definitions.stdout)?,
        )?;
        admin.run(&[
            "wait",
            "--for=condition=Established",
            "--timeout=60s",
            "crd",
            "--all",
        ])?;
        admin.run_with(&["apply", "-f", "-"], INSTALLED)?;
        let policies = site.policies();
        let policies = policies
            .to_str()
            .context("a folder whose name is no text")?;
        admin.run(&["apply", "-f", policies])?;
        let stage = Self {
            api: plane.api(&User::admin())?,
            own: plane.kubectl(&User::new("cise", "programs"))?,
            plane,
            site,
        };
        for namespace in ["toggle", UNJUDGED, NAMESPACE] {
            stage.make_namespace(namespace)?;
            let account = [
                "wait",
                "-n",
                namespace,
                "--for=create",
                "--timeout=60s",
                "serviceaccount/default",
            ];
            admin.run(&account)?;
        }
        Ok(stage)
    }

    pub(super) fn start_cise(&self) -> Result<Cise> {
        Cise::start(&self.site, &self.own)
    }

    pub(super) fn start_cise_before_the_api_server(&mut self) -> Result<Cise> {
        let (site, own) = (&self.site, &self.own);
        let mut started = Err(anyhow!("it was never started"));
        self.plane
            .restart_api_server(|| started = Cise::start(site, own))?;
        started
    }

    /// Waits until the API server calls this one. Before it is ready, whoever asks gets no answer.
    pub(super) fn registers(&self, cise: &Cise) -> Result<()> {
        self.plane.route(SERVICE, cise.listen);
        let judged = || self.admits("toggle", "registry.example.com/nobody/app:v1");
        wait_until("the webhooks are called", || {
            Ok(matches!(judged(), Ok(false)))
        })
    }

    /// Makes policies with one entry each, spread over so many namespaces.
    pub(super) fn write_policies(&self, numbers: Range<usize>, namespaces: usize) -> Result<()> {
        for namespace in 0..namespaces {
            self.make_namespace(&format!("team-{namespace}"))?;
        }
        thread::scope(|scope| {
            let write = |first: usize| {
                let numbers = numbers.clone().skip(first).step_by(WRITERS);
                scope.spawn(move || {
                    numbers.into_iter().try_for_each(|number| {
                        let namespace = format!("team-{}", number % namespaces);
                        let pattern = format!("registry{number}.example.com/team/*");
                        self.write_policy(&format!("policy-{number}"), &namespace, &pattern)
                    })
                })
            };
            let writers: Vec<_> = (0..WRITERS).map(write).collect();
            writers
                .into_iter()
                .try_for_each(|writer| writer.join().map_err(|_| anyhow!("a thread panicked"))?)
        })
    }

    /// A policy that admits what is like this, unverified.
    pub(super) fn write_policy(&self, name: &str, namespace: &str, pattern: &str) -> Result<()> {
        let policy = json!({
            "apiVersion": "securityenforcement.admission.cloud.ibm.com/v1beta1",
            "kind": "ImagePolicy",
            "metadata": { "name": name, "namespace": namespace },
            "spec": { "repositories": [{ "name": pattern, "policy": null }] },
        });
        let path = format!("{GROUP}/namespaces/{namespace}/imagepolicies");
        apply(&self.api, &path, name, &policy)
    }

    /// Whether a pod may be made that runs this image; a failure to ask is no refusal.
    pub(super) fn admits(&self, namespace: &str, image: &str) -> Result<bool> {
        let path = format!("/api/v1/namespaces/{namespace}/pods?dryRun=All");
        match self.api.post(&path, &pod(namespace, image))?.into_object() {
            Ok(_) => Ok(true),
            Err(said) if said.contains("denied the request") => Ok(false),
            Err(said) => Err(anyhow!(said)),
        }
    }

    /// Waits until no webhook is called for [`UNJUDGED`].
    pub(super) fn leaves_out_what_is_unjudged(&self) -> Result<()> {
        self.write_policy("everything", UNJUDGED, "*")?;
        let path =
            |kind| format!("/apis/admissionregistration.k8s.io/v1/{kind}/image-admission-config");
        wait_until("the webhooks leave a namespace out", || {
            let kinds = [
                "mutatingwebhookconfigurations",
                "validatingwebhookconfigurations",
            ];
            let found = kinds.map(|kind| Ok(self.api.get(&path(kind))?.body.to_string()));
            let found = found.into_iter().collect::<Result<Vec<String>>>()?;
            Ok(found.iter().all(|one| one.contains(UNJUDGED)))
        })
    }

    /// The API server, by a connection that nobody else has.
    pub(super) fn connection(&self) -> Result<Api> {
        Ok(self.plane.api(&User::admin())?)
    }

    fn make_namespace(&self, name: &str) -> Result<()> {
        let namespace =
            json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
        apply(&self.api, "/api/v1/namespaces", name, &namespace)
    }
}

/// Makes a pod for good.
pub(super) fn make(api: &Api, namespace: &str, image: &str) -> Result<()> {
    let path = format!("/api/v1/namespaces/{namespace}/pods");
    expect(api.post(&path, &pod(namespace, image))?.into_object()).map(drop)
}

/// A pod with one container, whose name the API server makes.
fn pod(namespace: &str, image: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "generateName": "bench-", "namespace": namespace },
        "spec": { "containers": [{ "name": "app", "image": image }] },
    })
}

impl Cise {
    fn start(site: &Site, own: &Kubectl) -> Result<Self> {
        let (program, [listen, admin]) = (binaries::cise()?, [free_port()?, free_port()?]);
        let mut command = Command::new(&program);
        command
            .args(["serve", "--listen", &listen.to_string()])
            .args(["--admin", &admin.to_string()])
            .arg("--config")
            .arg(site.configuration())
            .arg("--kubeconfig")
            .arg(own.kubeconfig())
            .env("POD_NAME", "bench");
        let running = Process::start("cise", &command, &site.file("cise.log"), || true)?;
        let configuration = site.configuration();
        // The shell that guards it has to start it first.
        let mut process = None;
        wait_until("cise runs", || {
            process = ProcessId::running(&program, &configuration).ok();
            Ok(process.is_some())
        })?;
        Ok(Self {
            process: process.context("cise does not run")?,
            admin,
            listen,
            _running: running,
        })
    }

    pub(super) fn is_ready(&self) -> bool {
        let answer = self.ask("/readyz");
        answer.is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
    }

    /// The number that a metric has; the sum of all its labels.
    pub(super) fn metric(&self, name: &str) -> Result<f64> {
        let answer = self.ask("/metrics")?;
        let lines = answer.lines().filter_map(|line| line.strip_prefix(name));
        let values = lines
            .filter(|rest| rest.starts_with(['{', ' ']))
            .filter_map(|rest| rest.rsplit(' ').next()?.parse::<f64>().ok());
        Ok(values.sum())
    }

    /// Whether no other policies come into force for some time.
    pub(super) fn generation_is_settled(&self) -> Result<bool> {
        let before = self.metric("cise_policies_generation")?;
        thread::sleep(SETTLES_FOR);
        Ok(self.metric("cise_policies_generation")?.to_bits() == before.to_bits())
    }

    /// In MiB.
    pub(super) fn resident(&self) -> Result<f64> {
        self.process.resident()
    }

    fn ask(&self, path: &str) -> Result<String> {
        let mut stream = TcpStream::connect(self.admin)?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }
}
