//! A way from the program to the API server that can be cut and healed.

use std::path::PathBuf;

use cise_testkit::relay::Relay;
use serde_json::Value;
use tempfile::TempDir;

use crate::environment::Environment;

/// A way to the API server, and a kubeconfig of the program that goes there.
pub(crate) struct ApiRelay {
    relay: Relay,
    kubeconfig: PathBuf,
    _folder: TempDir,
}

impl ApiRelay {
    pub(crate) fn start(environment: &Environment) -> Self {
        let server = environment.plane().url();
        let there = server.trim_start_matches("https://").parse().unwrap();
        let relay = Relay::start(there).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("kubeconfig");
        let text = std::fs::read_to_string(environment.own().kubeconfig()).unwrap();
        let mut config: Value = serde_json::from_str(&text).unwrap();
        config["clusters"][0]["cluster"]["server"] = format!("https://{}", relay.address()).into();
        std::fs::write(&kubeconfig, config.to_string()).unwrap();
        Self {
            relay,
            kubeconfig,
            _folder: folder,
        }
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.kubeconfig.clone()
    }

    pub(crate) fn cut(&self) {
        self.relay.cut();
    }

    pub(crate) fn heal(&self) {
        self.relay.heal();
    }
}
