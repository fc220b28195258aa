//! A cluster into which CISE can be installed, and the tools of its administrator.

use std::path::Path;

use serde_json::Value;

use super::{HOME, Pods, Replicas};
use crate::Error;
use crate::components::{Component, HELM3, require};
use crate::controlplane::{Api, ControlPlane, Kubectl, Node, User};
use crate::helm::{ChartRepository, Helm};

/// The version of Helm that is used.
const HELM: &Component = &HELM3;

/// A cluster with one node, which runs CISE for the pods of its chart, and a repository with the chart. CISE is not installed.
#[derive(Debug)]
pub struct Site {
    // It ends before the cluster does.
    _node: Node,
    replicas: Replicas,
    api: Api,
    kubectl: Kubectl,
    helm: Helm,
    repository: ChartRepository,
    plane: ControlPlane,
}

impl Site {
    /// Whether all that is needed is on this machine; says what is not, as [`crate::components::require`] does.
    ///
    /// # Panics
    /// When something is missing and `CISE_REQUIRE_COMPONENTS` is `1`.
    pub fn require() -> bool {
        require(&[HELM]) && ControlPlane::require()
    }

    /// Starts the cluster. `program` is CISE's, `chart` the folder of its chart.
    pub fn start(program: &Path, chart: &Path) -> Result<Self, Error> {
        let plane = ControlPlane::start()?;
        let (kubectl, replicas) = (plane.kubectl(&User::admin())?, Replicas::new()?);
        let helm = Helm::new(HELM)?.in_cluster(&kubectl);
        let repository = helm.repository(chart)?;
        let pods = Pods::new(program, &plane, &replicas)?;
        Ok(Self {
            _node: Node::start(&plane, "n1", pods)?,
            replicas,
            api: plane.api(&User::admin())?,
            kubectl,
            helm,
            repository,
            plane,
        })
    }

    /// The control plane.
    pub fn plane(&self) -> &ControlPlane {
        &self.plane
    }

    /// The processes of CISE's pods.
    pub fn replicas(&self) -> &Replicas {
        &self.replicas
    }

    /// The address of the repository with the chart.
    pub fn repository(&self) -> String {
        self.repository.url()
    }

    /// The administrator's `kubectl`.
    pub fn kubectl(&self) -> &Kubectl {
        &self.kubectl
    }

    /// Runs a line as the administrator would type it, `kubectl …` or `helm …`, with words that are separated by blanks, and
    /// this standard input; gives what a terminal would show of it.
    pub fn run(&self, line: &str, input: &str) -> Result<String, Error> {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.split_first() {
            Some((&"kubectl", arguments)) => self.kubectl.shown(arguments, input),
            Some((&"helm", arguments)) => self.helm.run_with(arguments, input),
            _ => Err(Error::Fixture("a line is neither of kubectl nor of helm")),
        }
    }

    /// What becomes of a pod with this namespace and these images. It is not made.
    pub fn ask(&self, namespace: &str, images: &[&str]) -> Result<Value, String> {
        let path = format!("/api/v1/namespaces/{namespace}/pods?dryRun=All");
        let pod = crate::cise::pod("asked", namespace, images);
        let answer = self.api.post(&path, &pod);
        answer.map_err(|error| error.to_string())?.into_object()
    }

    /// Waits until as many pods of CISE answer as are wanted.
    pub fn rolled_out(&self) -> Result<String, Error> {
        self.run(
            &format!("kubectl -n {HOME} rollout status deployment/cise --timeout=300s"),
            "",
        )
    }
}
