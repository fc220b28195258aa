//! A `cise serve` that runs.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use cise_testkit::caller::Caller;
use cise_testkit::{process, recordings};
use serde_json::Value;

use crate::program::Folder;

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running server.
pub(crate) struct Server {
    child: Child,
    pub(crate) folder: Folder,
    admin: SocketAddr,
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
        let output = |name: &str| File::create(folder.path().join(name)).unwrap();
        let mut command = folder.command(&format!("serve --listen 127.0.0.1:0 {arguments}"));
        command
            .env("POD_NAME", replica)
            .args(["--admin", &admin.to_string()])
            .stdout(output("audit.log"))
            .stderr(output("cise.log"));
        let child = command.spawn().unwrap();
        Self {
            child,
            folder,
            admin,
        }
    }

    /// Sends a recorded review.
    pub(crate) fn review(&self, hook: &str, recording: &str) -> Value {
        self.review_of(hook, recording, &[])
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
        let log = self.log("cise.log");
        let address = log
            .split("reviews at ")
            .nth(1)
            .unwrap()
            .split(',')
            .next()
            .unwrap();
        address.replace("127.0.0.1", "localhost")
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

    /// Asks the admin port; gives status and body.
    pub(crate) fn admin(&self, path: &str) -> (u16, String) {
        let Ok(mut stream) = TcpStream::connect(self.admin) else {
            return (0, String::new());
        };
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let mut answer = String::new();
        let exchanged = stream
            .write_all(request.as_bytes())
            .and_then(|()| stream.read_to_string(&mut answer));
        if exchanged.is_err() || answer.is_empty() {
            // It ended meanwhile.
            return (0, String::new());
        }
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
    }

    /// Where the admin port is.
    pub(crate) fn admin_address(&self) -> SocketAddr {
        self.admin
    }

    /// Where reviews are answered, as soon as they are.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        let log = self.log("cise.log");
        let address = log.split("reviews at https://").nth(1)?;
        address.split(',').next()?.parse().ok()
    }

    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Ends it without a warning.
    pub(crate) fn kill(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    pub(crate) fn signal(&self, signal: &str) {
        let sent = Command::new("kill")
            .args([signal, &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
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
