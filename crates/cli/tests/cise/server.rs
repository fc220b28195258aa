//! A `cise serve` that runs.

use std::fs;
use std::ops::{Deref, DerefMut};
use std::process::ExitStatus;
use std::time::Duration;

use cise_testkit::caller::Caller;
use cise_testkit::cise::Cise;
use cise_testkit::{process, recordings};
use serde_json::Value;

use crate::program::Folder;

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running server.
pub(crate) struct Server {
    cise: Cise,
    pub(crate) folder: Folder,
}

impl Server {
    /// Starts it in this folder, with these arguments besides those that every server here has.
    pub(crate) fn spawn(folder: Folder, arguments: &str) -> Self {
        let arguments = format!("--self-signed --write-ca ca.pem {arguments}");
        Self::spawn_as(folder, &arguments, "cise")
    }

    /// Starts it as the replica of this name, with these arguments and no certificate.
    pub(crate) fn spawn_as(folder: Folder, arguments: &str, replica: &str) -> Self {
        let admin = process::free_port().unwrap();
        let mut command = folder.command(&format!("serve --listen 127.0.0.1:0 {arguments}"));
        command
            .env("POD_NAME", replica)
            .args(["--admin", &admin.to_string()]);
        let cise = Cise::start(&mut command, folder.path(), admin).unwrap();
        Self { cise, folder }
    }

    /// Sends a recorded review.
    pub(crate) fn review(&self, hook: &str, recording: &str) -> Value {
        self.review_of(hook, recording, &[])
    }

    /// Sends the review of a pod of this image in the namespace `team`.
    pub(crate) fn review_pod(&self, hook: &str, image: &str) -> Value {
        let image = [("registry.test/team/app:v1", image)];
        self.review_of(hook, "pod-create-one-image", &image)
    }

    /// Sends a recorded review with other images in it.
    pub(crate) fn review_of(&self, hook: &str, recording: &str, images: &[(&str, &str)]) -> Value {
        let ca = fs::read_to_string(self.folder.path().join("ca.pem")).unwrap();
        let body = recordings::get(recording).unwrap().body_with(images);
        let url = format!("{}{hook}?timeout=10s", self.url());
        let reply = Caller::trusting(&ca).unwrap().post(&url, body).unwrap();
        let review: Value = serde_json::from_slice(&reply.body).unwrap();
        review["response"].clone()
    }

    pub(crate) fn url(&self) -> String {
        format!("https://localhost:{}", self.address().unwrap().port())
    }

    pub(crate) fn log(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    pub(crate) fn wait_for(&self, text: &str) {
        eventually(
            &format!("`{text}` in the log"),
            || self.log("cise.log").contains(text),
            || self.log("cise.log"),
        );
    }

    /// The most memory that it has had resident so far, in KiB.
    pub(crate) fn peak_memory_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.cise.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|peak| peak.split_whitespace().next());
        peak.unwrap().parse().unwrap()
    }

    pub(crate) fn signal(&self, signal: &str) {
        self.cise.signal(signal).unwrap();
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.cise.wait().unwrap()
    }
}

impl Deref for Server {
    type Target = Cise;

    fn deref(&self) -> &Cise {
        &self.cise
    }
}

impl DerefMut for Server {
    fn deref_mut(&mut self) -> &mut Cise {
        &mut self.cise
    }
}

/// Waits until it holds.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool, state: impl Fn() -> String) {
    let rounds = PATIENCE.as_millis() / 20;
    for _ in 0..rounds {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("never: {what}; {}", state());
}
