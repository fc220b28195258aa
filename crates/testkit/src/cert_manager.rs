//! cert-manager: it makes the certificates that a cluster asks for, and renews them.

use std::process::Command;

use tempfile::TempDir;

use crate::Error;
use crate::components::CERT_MANAGER;
use crate::controlplane::{ControlPlane, User};
use crate::process::Process;

/// The module of its definitions, and where they are in it.
const MODULE: &str = "github.com/cert-manager/cert-manager";
const DEFINITIONS: &str = "deploy/crds";

/// What the program says when its controllers begin.
const RUNS: &str = "controllers run";

/// cert-manager in a cluster. Dropping it ends its program.
#[derive(Debug)]
pub struct CertManager {
    controllers: Process,
    _folder: TempDir,
}

impl CertManager {
    /// Defines its resources in the cluster and starts its controllers, as an administrator.
    pub fn start(plane: &ControlPlane) -> Result<Self, Error> {
        let (admin, folder) = (plane.kubectl(&User::admin())?, crate::temporary_folder()?);
        let definitions = CERT_MANAGER.sources(MODULE)?.join(DEFINITIONS);
        let definitions = definitions.display().to_string();
        admin.run(&["apply", "--server-side", "-f", &definitions])?;
        admin.run(&[
            "wait",
            "--for=condition=Established",
            "--timeout=60s",
            "crd",
            "--all",
        ])?;
        admin.run(&["create", "namespace", "cert-manager"])?;
        let mut command = Command::new(CERT_MANAGER.program()?);
        command.arg("-kubeconfig").arg(admin.kubeconfig());
        let log = folder.path().join("cert-manager.log");
        let runs = || std::fs::read_to_string(&log).is_ok_and(|said| said.contains(RUNS));
        Ok(Self {
            controllers: Process::start("cert-manager", &command, &log, runs)?,
            _folder: folder,
        })
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        self.controllers.log()
    }
}
