//! The guard: a `cise serve` of its own, and the API server's side of a conversation with it.

use std::env;
use std::error::Error;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cise_testkit::authority::{Authority, LOOPBACK};
use cise_testkit::caller::Caller;
use cise_testkit::process::{Process, is_listening, on_free_port};
use cise_testkit::recordings::{self, Recording};
use serde_json::Value;
use tempfile::TempDir;

/// A running `cise serve`.
pub(crate) struct Guard {
    address: SocketAddr,
    caller: Caller,
    pod: Recording,
    folder: TempDir,
    _process: Process,
}

/// What the guard said.
pub(crate) struct Answer {
    /// The digest that the pod is pinned to, or nothing where it is admitted as it is; a refusal gives its message.
    pub(crate) outcome: Result<Option<String>, String>,
    /// What whoever creates the pod is told besides.
    pub(crate) warnings: Vec<String>,
    pub(crate) time: Duration,
}

/// The recorded review that is asked with, and what in it stands for the image and the namespace.
const POD: &str = "pod-create-one-image";
const RECORDED_IMAGE: &str = "registry.test/team/app:v1";
const RECORDED_NAMESPACE: &str = "\"namespace\":\"team\"";

/// Far longer than the guard takes to look at its manifests again.
const SEEN_WITHIN: Duration = Duration::from_secs(60);

impl Guard {
    /// Starts `cise serve` with these manifests and this configuration, by file name.
    pub(crate) fn start(
        authority: &Authority,
        manifests: &[(&str, String)],
        configuration: &str,
    ) -> Result<Self, Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let policies = folder.path().join("policies");
        fs::create_dir(&policies)?;
        for (name, text) in manifests {
            fs::write(policies.join(name), text)?;
        }
        fs::write(folder.path().join("cise.yaml"), configuration)?;
        let (process, address) = serve(authority, folder.path())?;
        let pod = recordings::get(POD)?;
        let caller = Caller::trusting(&authority.certificate())?;
        Ok(Self {
            address,
            caller,
            pod,
            folder,
            _process: process,
        })
    }

    /// Asks whether a pod of this image may be created in this namespace.
    pub(crate) fn ask(
        &self,
        hook: &str,
        namespace: &str,
        image: &str,
    ) -> Result<Answer, Box<dyn Error>> {
        let namespace = format!("\"namespace\":\"{namespace}\"");
        let body = self
            .pod
            .body_with(&[(RECORDED_IMAGE, image), (RECORDED_NAMESPACE, &namespace)]);
        let url = format!(
            "https://localhost:{}{hook}?timeout=10s",
            self.address.port()
        );
        let reply = self.caller.post(&url, body)?;
        let review = serde_json::from_slice(&reply.body)?;
        Ok(Answer {
            outcome: outcome(&review),
            warnings: warnings(&review),
            time: reply.time,
        })
    }

    /// Gives the guard another manifest, and asks again until it has seen it.
    pub(crate) fn ask_with(
        &self,
        (name, text): (&str, &str),
        (hook, namespace, image): (&str, &str, &str),
    ) -> Result<Answer, Box<dyn Error>> {
        fs::write(self.folder.path().join("policies").join(name), text)?;
        let given = Instant::now();
        loop {
            let answer = self.ask(hook, namespace, image)?;
            if answer.outcome.is_ok() || given.elapsed() > SEEN_WITHIN {
                return Ok(answer);
            }
            thread::sleep(Duration::from_millis(100));
        }
    }
}

fn serve(
    authority: &Authority,
    folder: &Path,
) -> Result<(Process, SocketAddr), cise_testkit::Error> {
    let identity = authority.server(&LOOPBACK)?;
    let log = folder.join("cise.log");
    on_free_port(|address| {
        let mut command = Command::new(binary());
        command
            .args([
                "serve",
                "--admin",
                "127.0.0.1:0",
                "--listen",
                &address.to_string(),
            ])
            .arg("--config")
            .arg(folder.join("cise.yaml"))
            .arg("--policies")
            .arg(folder.join("policies"))
            .arg("--state")
            .arg(folder.join("state"))
            .arg("--tls-cert")
            .arg(&identity.certificate_file)
            .arg("--tls-key")
            .arg(&identity.key_file);
        let process = Process::start("cise", &command, &log, || is_listening(address))?;
        Ok((process, address))
    })
}

/// The `cise` that was built beside this program.
pub(crate) fn binary() -> PathBuf {
    let beside = env::current_exe()
        .ok()
        .and_then(|program| Some(program.parent()?.parent()?.join("cise")));
    beside
        .filter(|path| path.exists())
        .unwrap_or_else(|| PathBuf::from("cise"))
}

/// Reads the answer as the API server does.
fn outcome(review: &Value) -> Result<Option<String>, String> {
    let text = |pointer| review.pointer(pointer).and_then(Value::as_str);
    if review.pointer("/response/allowed") != Some(&Value::Bool(true)) {
        let message = text("/response/status/message");
        return Err(message.unwrap_or("denied without a reason").to_owned());
    }
    let patch = text("/response/patch").and_then(|patch| STANDARD.decode(patch).ok());
    Ok(patch.and_then(|patch| pinned_digest(&serde_json::from_slice(&patch).ok()?)))
}

fn warnings(review: &Value) -> Vec<String> {
    let warnings = review
        .pointer("/response/warnings")
        .and_then(Value::as_array);
    let warnings = warnings.into_iter().flatten().filter_map(Value::as_str);
    warnings.map(ToOwned::to_owned).collect()
}

/// The digest in the image that a patch puts in the place of the one that was asked about.
fn pinned_digest(patch: &Value) -> Option<String> {
    let is_replacement = |step: &&Value| step.get("op").is_some_and(|op| op == "replace");
    let step = patch.as_array()?.iter().find(is_replacement)?;
    let (_, digest) = step.get("value")?.as_str()?.split_once('@')?;
    Some(digest.to_owned())
}
