//! The pods of a node, from their binding to their removal.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::pod::{self, Progress, Step, text};
use super::{End, Program, Runtime, list, now};
use crate::Error;
use crate::controlplane::Api;

/// How soon a program that ended by itself is started again.
const RESTARTS_AFTER: Duration = Duration::from_secs(1);

/// All that runs on a node.
pub(super) struct Kubelet {
    api: Api,
    node: String,
    runtime: Box<dyn Runtime>,
    pods: HashMap<String, Running>,
    addresses: u16,
}

/// A pod that was started here.
struct Running {
    address: String,
    content: Content,
    reported: Option<Progress>,
    ending: Option<Ending>,
}

/// What is behind a pod.
enum Content {
    /// No program, or one that has done what it had to do.
    Nothing,
    Program(Box<dyn Program>),
    /// A program that ended by itself, then.
    Ended(Instant),
    /// A program that failed, and is not started again.
    Failed,
}

/// A pod on its way out.
struct Ending {
    terminates: Instant,
    is_asked: bool,
    killed: Instant,
}

impl Kubelet {
    pub(super) fn new(api: Api, node: &str, runtime: Box<dyn Runtime>) -> Self {
        Self {
            api,
            node: node.to_owned(),
            runtime,
            pods: HashMap::new(),
            addresses: 0,
        }
    }

    /// Does the next thing about every pod.
    pub(super) fn look(&mut self) -> Result<(), Error> {
        let Some(pods) = list(&self.api, "/api/v1/pods")? else {
            return Ok(());
        };
        let known: HashSet<&str> = pods.iter().map(|pod| text(pod, "/metadata/uid")).collect();
        self.pods.retain(|uid, _| known.contains(uid.as_str()));
        for pod in &pods {
            match pod::next(pod, &self.node) {
                Step::Leave => {}
                Step::Bind => self.bind(pod)?,
                Step::Run => self.run(pod)?,
                Step::End => self.end(pod)?,
            }
        }
        Ok(())
    }

    /// Where the pod with this address really listens at that port.
    pub(super) fn find(&self, address: &str, port: u16) -> Option<SocketAddr> {
        let pod = self.pods.values().find(|pod| pod.address == address)?;
        match &pod.content {
            Content::Program(program) => program.address(port),
            Content::Nothing | Content::Ended(_) | Content::Failed => None,
        }
    }

    fn bind(&self, pod: &Value) -> Result<(), Error> {
        let binding = json!({
            "apiVersion": "v1", "kind": "Binding",
            "metadata": { "name": text(pod, "/metadata/name") },
            "target": { "apiVersion": "v1", "kind": "Node", "name": self.node },
        });
        self.api
            .post(&format!("{}/binding", path(pod)), &binding)
            .map(drop)
    }

    fn run(&mut self, pod: &Value) -> Result<(), Error> {
        let uid = text(pod, "/metadata/uid");
        if !self.pods.contains_key(uid) {
            let running = self.start(pod);
            self.pods.insert(uid.to_owned(), running);
        }
        let Some(running) = self.pods.get_mut(uid) else {
            return Ok(());
        };
        running.restart(pod, &*self.runtime);
        running.report(pod, &self.api)
    }

    fn start(&mut self, pod: &Value) -> Running {
        self.addresses = self.addresses.wrapping_add(1);
        let [high, low] = self.addresses.to_be_bytes();
        Running {
            address: format!("10.1.{high}.{low}"),
            content: start(pod, &*self.runtime),
            reported: None,
            ending: None,
        }
    }

    fn end(&mut self, pod: &Value) -> Result<(), Error> {
        let uid = text(pod, "/metadata/uid");
        let has_ended = match self.pods.get_mut(uid) {
            Some(running) => running.has_ended(pod),
            None => true,
        };
        if has_ended {
            self.pods.remove(uid);
            self.api.delete(&path(pod))?;
        }
        Ok(())
    }
}

impl Running {
    fn restart(&mut self, pod: &Value, runtime: &dyn Runtime) {
        self.content = match std::mem::replace(&mut self.content, Content::Nothing) {
            Content::Program(mut program) => match program.ended() {
                None => Content::Program(program),
                Some(End::Well) if pod::has_an_end(pod) => Content::Nothing,
                Some(End::Badly) if !pod::is_tried_again(pod) => Content::Failed,
                Some(_) => Content::Ended(Instant::now()),
            },
            Content::Ended(at) if at.elapsed() > RESTARTS_AFTER => start(pod, runtime),
            other => other,
        };
    }

    fn report(&mut self, pod: &Value, api: &Api) -> Result<(), Error> {
        let progress = self.progress(pod);
        if self.reported == Some(progress) {
            return Ok(());
        }
        let status = pod::status(pod, &self.address, progress, &now());
        let answer = api.patch(
            &format!("{}/status", path(pod)),
            &json!({ "status": status }),
        )?;
        if answer.status.is_success() {
            self.reported = Some(progress);
        }
        Ok(())
    }

    fn progress(&mut self, pod: &Value) -> Progress {
        match &mut self.content {
            Content::Nothing if pod::has_an_end(pod) => Progress::Succeeded,
            Content::Nothing => Progress::Ready,
            Content::Ended(_) => Progress::Unready,
            Content::Failed => Progress::Failed,
            Content::Program(program) => {
                if program.is_ready() {
                    Progress::Ready
                } else {
                    Progress::Unready
                }
            }
        }
    }

    /// Lets it linger, then asks it to end, and loses patience at last.
    fn has_ended(&mut self, pod: &Value) -> bool {
        let Content::Program(program) = &mut self.content else {
            return true;
        };
        let now = Instant::now();
        let ending = self.ending.get_or_insert_with(|| Ending {
            terminates: now + pod::lingers_for(pod).min(pod::grace(pod)),
            is_asked: false,
            killed: now + pod::grace(pod),
        });
        if now >= ending.terminates && !ending.is_asked {
            program.terminate();
            ending.is_asked = true;
        }
        now >= ending.killed || program.ended().is_some()
    }
}

fn start(pod: &Value, runtime: &dyn Runtime) -> Content {
    runtime
        .start(pod)
        .map_or(Content::Nothing, Content::Program)
}

fn path(pod: &Value) -> String {
    let [namespace, name] = ["/metadata/namespace", "/metadata/name"].map(|at| text(pod, at));
    format!("/api/v1/namespaces/{namespace}/pods/{name}")
}
