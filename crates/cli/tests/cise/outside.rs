//! A cluster with what the chart brings, but for the pods, and a `cise serve` that guards it from outside.

use cise_testkit::controlplane::{ControlPlane, Kubectl, User};

use crate::program::Folder;
use crate::server::Server;

/// What the chart brings, without the pods.
const INSTALLED: &str = include_str!("citizen.yaml");

const SERVICE: &str = "10.0.0.77:443";

pub(crate) struct Guarded {
    pub(crate) server: Server,
    pub(crate) admin: Kubectl,
    pub(crate) _plane: ControlPlane,
}

impl Guarded {
    /// Starts both, with this configuration; `None` where no control plane can be had.
    pub(crate) fn start(configuration: &str) -> Option<Self> {
        if !ControlPlane::require() {
            return None;
        }
        let plane = ControlPlane::start().unwrap();
        let admin = plane.kubectl(&User::admin()).unwrap();
        let own = plane.kubectl(&User::new("cise", "programs")).unwrap();
        let folder = Folder::new(&[("cise.yaml", configuration)]);
        let definitions = folder.run("crds").stdout;
        for manifest in [definitions.as_str(), INSTALLED] {
            admin.run_with(&["apply", "-f", "-"], manifest).unwrap();
        }
        let kubeconfig = own.kubeconfig().display();
        let arguments = format!("--config cise.yaml --kubeconfig {kubeconfig}");
        let server = Server::spawn_as(folder, &arguments, "cise-0");
        server.wait_for("ready: reviews at https://");
        let port = server.url().rsplit(':').next().unwrap().parse().unwrap();
        plane.route(SERVICE, ([127, 0, 0, 1], port).into());
        Some(Self {
            server,
            admin,
            _plane: plane,
        })
    }
}
