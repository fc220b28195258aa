//! The package manager with which people install charts.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use http::StatusCode;
use tempfile::TempDir;

use crate::Error;
use crate::command::run;
use crate::components::Component;
use crate::controlplane::Kubectl;
use crate::scripted::Scripted;

/// Helm, of one version. It reads nothing of the home folder, and keeps what it is told of repositories to itself.
#[derive(Debug)]
pub struct Helm {
    program: PathBuf,
    home: TempDir,
    kubeconfig: Option<PathBuf>,
}

/// A repository of charts on loopback. Dropping it closes its port.
#[derive(Debug)]
pub struct ChartRepository(Scripted);

impl ChartRepository {
    /// What `helm repo add` takes.
    pub fn url(&self) -> String {
        self.0.url()
    }
}

impl Helm {
    /// The version that this component is. It knows of no cluster.
    pub fn new(component: &Component) -> Result<Self, Error> {
        Ok(Self {
            program: component.program()?,
            home: crate::temporary_folder()?,
            kubeconfig: None,
        })
    }

    /// The same with a cluster, as the user of this `kubectl`.
    #[must_use]
    pub fn in_cluster(self, kubectl: &Kubectl) -> Self {
        Self {
            kubeconfig: Some(kubectl.kubeconfig().to_owned()),
            ..self
        }
    }

    /// Runs it with these arguments and gives what it printed to standard output.
    pub fn run(&self, arguments: &[&str]) -> Result<String, Error> {
        self.run_with(arguments, "")
    }

    /// Runs it with these arguments and this standard input, such as values for `--values -`.
    pub fn run_with(&self, arguments: &[&str], input: &str) -> Result<String, Error> {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .env("HOME", self.home.path())
            .env("HELM_CACHE_HOME", self.home.path().join("cache"))
            .env("HELM_CONFIG_HOME", self.home.path().join("config"))
            .env("HELM_DATA_HOME", self.home.path().join("data"));
        match &self.kubeconfig {
            Some(file) => command.env("KUBECONFIG", file),
            None => command.env_remove("KUBECONFIG"),
        };
        run(&mut command, input)
    }

    /// Packs the chart that is in this folder, and serves a repository that has it.
    pub fn repository(&self, chart: &Path) -> Result<ChartRepository, Error> {
        let files = crate::temporary_folder()?;
        let (chart, folder) = (chart.to_string_lossy(), files.path().to_string_lossy());
        self.run(&["package", &chart, "--destination", &folder])?;
        self.run(&["repo", "index", &folder])?;
        drop(folder);
        let serve =
            move |path: &str| match fs::read(files.path().join(path.trim_start_matches('/'))) {
                Ok(content) => (StatusCode::OK, content),
                Err(_) => (StatusCode::NOT_FOUND, Vec::new()),
            };
        Scripted::start(serve).map(ChartRepository)
    }
}
