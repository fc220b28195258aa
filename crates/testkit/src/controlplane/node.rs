//! A node of the cluster: what its kubelet does for pods, and its proxy for services.
//!
//! Pods are bound to it as soon as they exist. What a pod describes is started by a [`Runtime`], as a process of this machine;
//! a pod that the runtime does not know counts as running, or as done where it is meant to end. Services lead to the
//! processes of their pods that are ready, as the controllers say it in `EndpointSlices`.

mod kubelet;
mod pod;
mod services;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Api, ControlPlane, User};
use crate::Error;
use kubelet::Kubelet;
use services::Services;

/// How often the API server is asked what has changed.
const LOOKS_EVERY: Duration = Duration::from_millis(100);

/// How often the node says that it is well. After 50 seconds of silence, the controllers give its pods up.
const BEATS_EVERY: Duration = Duration::from_secs(10);

/// Starts what pods describe.
pub trait Runtime: Send + Sync + 'static {
    /// Starts the program of a pod, which is as the API server has it. `None`: no program is behind this pod.
    fn start(&self, pod: &Value) -> Option<Box<dyn Program>>;
}

/// A runtime that knows no program: every pod is ready as soon as it is bound.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pretend;

/// The running program of a pod. Dropping it kills it.
pub trait Program: Send {
    /// Where it really listens, for a port that the pod declares.
    fn address(&self, port: u16) -> Option<SocketAddr>;

    /// How it ended; nothing while it runs.
    fn ended(&mut self) -> Option<End>;

    /// What the pod's readiness probe finds.
    fn is_ready(&mut self) -> bool;

    /// Asks it to end, as SIGTERM does.
    fn terminate(&mut self);
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It did what it had to do.
    Well,
    /// It failed.
    Badly,
}

/// A node. Dropping it is what happens when a machine loses its power: its programs are gone, and nobody says so.
#[derive(Debug)]
pub struct Node {
    is_gone: Arc<AtomicBool>,
    life: Option<JoinHandle<()>>,
}

impl Runtime for Pretend {
    fn start(&self, _: &Value) -> Option<Box<dyn Program>> {
        None
    }
}

impl Node {
    /// Lets a node of this name join the cluster. One that was there before under the same name comes back without its pods.
    pub fn start(plane: &ControlPlane, name: &str, runtime: impl Runtime) -> Result<Self, Error> {
        let api = plane.api(&User::admin())?;
        join(&api, name, "amd64")?;
        let is_gone = Arc::new(AtomicBool::new(false));
        let mut heart = Heart::new(api.clone(), name);
        let mut kubelet = Kubelet::new(api.clone(), name, Box::new(runtime));
        let mut services = Services::new(api, plane.cluster.egress.routes().clone());
        let gone = Arc::clone(&is_gone);
        let life = thread::spawn(move || {
            while !gone.load(Ordering::Relaxed) {
                // An API server that is away is asked again at the next look.
                let _ = heart.beat();
                let _ = kubelet.look();
                let _ = services.look(&kubelet);
                thread::sleep(LOOKS_EVERY);
            }
        });
        Ok(Self {
            is_gone,
            life: Some(life),
        })
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.is_gone.store(true, Ordering::Relaxed);
        if let Some(life) = self.life.take() {
            // What it was doing when it panicked has failed by itself.
            let _ = life.join();
        }
    }
}

/// Enters a node of this architecture, with the labels that a kubelet gives it. One that is there already stays as it is.
fn join(api: &Api, name: &str, architecture: &str) -> Result<(), Error> {
    let labels = json!({
        "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": architecture,
    });
    let metadata = json!({ "name": name, "labels": labels });
    let node = json!({ "apiVersion": "v1", "kind": "Node", "metadata": metadata });
    api.post("/api/v1/nodes", &node).map(drop)
}

/// Says that the node is well.
struct Heart {
    api: Api,
    status: String,
    last: Option<Instant>,
}

impl Heart {
    fn new(api: Api, node: &str) -> Self {
        Self {
            api,
            status: format!("/api/v1/nodes/{node}/status"),
            last: None,
        }
    }

    fn beat(&mut self) -> Result<(), Error> {
        if self.last.is_some_and(|last| last.elapsed() < BEATS_EVERY) {
            return Ok(());
        }
        let now = now();
        let ready = json!({
            "type": "Ready", "status": "True", "reason": "KubeletReady",
            "lastHeartbeatTime": now, "lastTransitionTime": now,
        });
        let room = json!({ "cpu": "64", "memory": "64Gi", "pods": "1000" });
        let status = json!({
            "conditions": [ready], "capacity": room, "allocatable": room,
            "addresses": [{ "type": "InternalIP", "address": pod::HOST_ADDRESS }],
        });
        let answer = self.api.patch(&self.status, &json!({ "status": status }))?;
        if answer.status.is_success() {
            self.last = Some(Instant::now());
        }
        Ok(())
    }
}

/// The time, in whole seconds, as Kubernetes writes it.
fn now() -> String {
    let now = Timestamp::now().as_second();
    Timestamp::from_second(now).unwrap_or_default().to_string()
}

/// The items of the list at a path.
fn list(api: &Api, path: &str) -> Result<Option<Vec<Value>>, Error> {
    let mut answer = api.get(path)?;
    if !answer.status.is_success() {
        return Ok(None);
    }
    let items = answer.body.get_mut("items").map(Value::take);
    Ok(match items {
        Some(Value::Array(items)) => Some(items),
        _ => None,
    })
}
