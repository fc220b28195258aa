//! What a kubelet does for the pods of CISE's chart, with a program of this machine in the place of the image.

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::Cise;
use super::places::text;
use super::volumes::{Mounter, Mounts};
use crate::Error;
use crate::background::lock;
use crate::clock::WrongClock;
use crate::controlplane::{Api, ControlPlane, End, Program, Runtime, ServiceProxy, User};
use crate::process::free_port;

/// The label by which the chart marks its pods, and what it is.
const NAME: &str = "/metadata/labels/app.kubernetes.io~1name";
const CHART: &str = "ibmcloud-image-enforcement";

/// The port of probes and metrics that the chart declares. At the other one, the pod is asked what it is for.
const ADMIN: u16 = 8080;

/// The port of the service of the advisor.
const ADVISOR: u16 = 443;

/// Runs CISE for the pods of its chart, with their own arguments, as their own service accounts, with their volumes. Ports are
/// others than the pods declare, on loopback, where the program also finds what names of services would lead it to. All other
/// pods are pretended.
#[derive(Debug)]
pub struct Pods {
    program: PathBuf,
    clocks: Option<Clocks>,
    api: Api,
    server: String,
    authority: PathBuf,
    proxy: ServiceProxy,
    replicas: Replicas,
}

/// The processes of CISE's pods, by the pods' names. Those that have ended are there too, with what they wrote.
#[derive(Debug, Clone)]
pub struct Replicas {
    folder: Arc<TempDir>,
    processes: Arc<Mutex<BTreeMap<String, Arc<Mutex<Cise>>>>>,
}

/// The wrong clocks of servers.
#[derive(Debug)]
struct Clocks {
    clock: WrongClock,
    ahead: Vec<i64>,
    next: AtomicUsize,
}

/// The process of a pod.
struct Running(Arc<Mutex<Cise>>);

/// A pod whose process could not be started. It is tried again.
struct Broken;

impl Pods {
    /// Pods of this cluster, in which this program runs.
    pub fn new(program: &Path, plane: &ControlPlane, replicas: &Replicas) -> Result<Self, Error> {
        Ok(Self {
            program: program.to_owned(),
            clocks: None,
            api: plane.api(&User::admin())?,
            server: plane.url().to_owned(),
            authority: plane.authority().certificate_file(),
            proxy: plane.service_proxy(),
            replicas: replicas.clone(),
        })
    }

    /// The same, which reach the API server at another address.
    #[must_use]
    pub fn by_way_of(self, address: SocketAddr) -> Self {
        let server = format!("https://{address}");
        Self { server, ..self }
    }

    /// The same, whose servers have wrong clocks: in turns, by so many seconds ahead of the real one, or behind it.
    pub fn with_clocks(self, ahead: &[i64]) -> Result<Self, Error> {
        let clocks = Clocks {
            clock: WrongClock::make()?,
            ahead: ahead.to_vec(),
            next: AtomicUsize::new(0),
        };
        Ok(Self {
            clocks: Some(clocks),
            ..self
        })
    }

    fn run(&self, pod: &Value) -> Result<Arc<Mutex<Cise>>, Error> {
        let name = text(pod, "/metadata/name");
        let (folder, admin) = (self.replicas.folder_of(name), free_port()?);
        fs::create_dir_all(&folder).map_err(Error::writing(&folder))?;
        let mounter = Mounter {
            api: &self.api,
            claims: &self.replicas.claims(),
        };
        let mounts = mounter.mount(pod, &folder)?;
        let mut command = Command::new(&self.program);
        command
            .args(arguments(pod, &mounts, admin))
            .arg("--kubeconfig")
            .arg(self.kubeconfig(pod, &folder)?)
            .current_dir(&folder)
            .env_clear()
            .env("POD_NAME", name);
        if serves(pod) {
            if let Some(clocks) = &self.clocks {
                clocks.set(&mut command);
            }
            if let Some(address) = self.advisor(pod)? {
                command.arg(format!("--advisor-address={address}"));
            }
        }
        let process = Arc::new(Mutex::new(Cise::start(&mut command, &folder, admin)?));
        lock(&self.replicas.processes).insert(name.to_owned(), Arc::clone(&process));
        Ok(process)
    }

    /// Where the name of the advisor's service leads, if there is one: what the names of the cluster would say of it, as this
    /// machine reaches it.
    fn advisor(&self, pod: &Value) -> Result<Option<SocketAddr>, Error> {
        let namespace = text(pod, "/metadata/namespace");
        let selector = "labelSelector=app.kubernetes.io/component%3Dadvisor";
        let path = format!("/api/v1/namespaces/{namespace}/services?{selector}");
        let services = self.api.get(&path)?.body;
        match text(&services, "/items/0/spec/clusterIP") {
            "" => Ok(None),
            address => self
                .proxy
                .address_of(&format!("{address}:{ADVISOR}"))
                .map(Some),
        }
    }

    /// What a pod's projected token is for a program that is in no pod.
    fn kubeconfig(&self, pod: &Value, folder: &Path) -> Result<PathBuf, Error> {
        let token = self.api.token(pod, None)?;
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "pod",
            "contexts": [{ "name": "pod", "context": { "cluster": "pod", "user": "pod" } }],
            "clusters": [{
                "name": "pod",
                "cluster": { "server": self.server, "certificate-authority": self.authority },
            }],
            "users": [{ "name": "pod", "user": { "token": token } }],
        });
        let path = folder.join("kubeconfig");
        fs::write(&path, config.to_string()).map_err(Error::writing(&path))?;
        Ok(path)
    }
}

impl Clocks {
    fn set(&self, command: &mut Command) {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        if let Some(seconds) = self.ahead.iter().cycle().nth(next) {
            self.clock.set(command, *seconds);
        }
    }
}

impl Runtime for Pods {
    fn start(&self, pod: &Value) -> Option<Box<dyn Program>> {
        if text(pod, NAME) != CHART {
            return None;
        }
        Some(match self.run(pod) {
            Ok(process) => Box::new(Running(process)),
            Err(_) => Box::new(Broken),
        })
    }
}

impl Replicas {
    /// None yet.
    pub fn new() -> Result<Self, Error> {
        Ok(Self {
            folder: Arc::new(crate::temporary_folder()?),
            processes: Arc::default(),
        })
    }

    /// The process of a pod.
    pub fn of(&self, pod: &str) -> Option<Arc<Mutex<Cise>>> {
        lock(&self.processes).get(pod).map(Arc::clone)
    }

    /// What all have logged, for a failure.
    pub fn logs(&self) -> String {
        let processes = lock(&self.processes);
        let logs = processes
            .iter()
            .map(|(name, process)| format!("--- {name}\n{}", lock(process).log()));
        logs.collect()
    }

    /// The folder that a claim for a volume stands for.
    pub fn claim(&self, name: &str) -> Result<PathBuf, Error> {
        let folder = self.claims().join(name);
        fs::create_dir_all(&folder).map_err(Error::writing(&folder))?;
        Ok(folder)
    }

    fn claims(&self) -> PathBuf {
        self.folder.path().join(".claims")
    }

    fn folder_of(&self, pod: &str) -> PathBuf {
        self.folder.path().join(pod)
    }
}

impl Program for Running {
    fn address(&self, port: u16) -> Option<SocketAddr> {
        let process = lock(&self.0);
        match port {
            ADMIN => Some(process.admin_address()),
            _ => process.address(),
        }
    }

    fn ended(&mut self) -> Option<End> {
        let status = lock(&self.0).ended()?;
        Some(if status.success() {
            End::Well
        } else {
            End::Badly
        })
    }

    fn is_ready(&mut self) -> bool {
        lock(&self.0).admin("/readyz").0 == 200
    }

    fn terminate(&mut self) {
        // It may have ended meanwhile.
        let _ = lock(&self.0).signal("-TERM");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let process = self.0.lock();
        process.unwrap_or_else(PoisonError::into_inner).kill();
    }
}

impl Program for Broken {
    fn address(&self, _: u16) -> Option<SocketAddr> {
        None
    }

    fn ended(&mut self) -> Option<End> {
        Some(End::Badly)
    }

    fn is_ready(&mut self) -> bool {
        false
    }

    fn terminate(&mut self) {}
}

/// The arguments of the pod's container, with places of this machine for those of a pod.
fn arguments(pod: &Value, mounts: &Mounts, admin: SocketAddr) -> Vec<String> {
    let arguments = pod
        .pointer("/spec/containers/0/args")
        .and_then(Value::as_array);
    let arguments = arguments.into_iter().flatten().filter_map(Value::as_str);
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    arguments
        .map(|argument| match argument.split_once('=') {
            Some(("--listen", _)) => format!("--listen={listen}"),
            Some(("--admin", _)) => format!("--admin={admin}"),
            _ => mounts.translate(argument),
        })
        .collect()
}

/// Whether it is one of the pods that answer reviews, and none that removes what they have made.
fn serves(pod: &Value) -> bool {
    text(pod, "/metadata/labels/app.kubernetes.io~1component") == "server"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_of_a_pod_are_kept_but_for_its_ports() {
        let pod = json!({ "spec": { "containers": [{ "args": [
            "serve", "--config=/etc/cise/config.yaml", "--listen=0.0.0.0:8443", "--admin=0.0.0.0:8080", "--log-level=info",
        ] }] } });
        let admin = SocketAddr::from((Ipv4Addr::LOCALHOST, 7));
        assert_eq!(
            arguments(&pod, &Mounts::default(), admin),
            [
                "serve",
                "--config=/etc/cise/config.yaml",
                "--listen=127.0.0.1:0",
                "--admin=127.0.0.1:7",
                "--log-level=info",
            ]
        );
    }
}
