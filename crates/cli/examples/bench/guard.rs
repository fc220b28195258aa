//! A running `cise serve`, and the API server's side of a conversation with it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};
use cise_testkit::authority::{Authority, Identity, LOOPBACK};
use cise_testkit::caller::{Caller, Reply};
use cise_testkit::process::{Process, free_port, is_listening, on_free_port};

use crate::account::ProcessId;
use crate::binaries;
use crate::pods::HOOK;
use crate::site::Site;

/// The server. It is stopped when this is dropped.
#[derive(Debug)]
pub(crate) struct Guard {
    pub(crate) address: SocketAddr,
    pub(crate) process: ProcessId,
    /// A file with the authority that its certificate leads to.
    pub(crate) authority: PathBuf,
    caller: Caller,
    _running: Process,
}

impl Guard {
    /// Starts the server of a site, and waits until it listens.
    pub(crate) fn start(authority: &Authority, site: &Site) -> Result<Self> {
        let (program, identity) = (binaries::cise()?, authority.server(&LOOPBACK)?);
        let log = site.file("cise.log");
        let admin = free_port()?;
        let (running, address) = on_free_port(|address| {
            let command = command(&program, site, &identity, [address, admin]);
            let running = Process::start("cise", &command, &log, || is_listening(address))?;
            Ok((running, address))
        })?;
        Ok(Self {
            address,
            process: ProcessId::running(&program, &site.configuration())?,
            authority: authority.certificate_file(),
            caller: Caller::trusting(&authority.certificate())?,
            _running: running,
        })
    }

    /// Has a review answered, which must admit its object.
    pub(crate) fn admit(&self, review: Vec<u8>) -> Result<Reply> {
        let reply = self.ask(review)?;
        ensure!(
            is_admission(&reply.body),
            "the pod is refused: {}",
            String::from_utf8_lossy(&reply.body)
        );
        Ok(reply)
    }

    /// Has a review answered.
    pub(crate) fn ask(&self, review: Vec<u8>) -> Result<Reply> {
        let url = format!("https://localhost:{}{HOOK}", self.address.port());
        Ok(self.caller.post(&url, review)?)
    }
}

/// `cise serve` for a site; `listen` and `admin` are its addresses.
pub(crate) fn command(
    program: &Path,
    site: &Site,
    identity: &Identity,
    [listen, admin]: [SocketAddr; 2],
) -> Command {
    let mut command = Command::new(program);
    command
        .args(["serve", "--listen", &listen.to_string()])
        .args(["--admin", &admin.to_string()])
        .arg("--config")
        .arg(site.configuration())
        .arg("--policies")
        .arg(site.policies())
        .arg("--state")
        .arg(site.file("state"))
        .arg("--tls-cert")
        .arg(&identity.certificate_file)
        .arg("--tls-key")
        .arg(&identity.key_file);
    command
}

/// Whether an answer admits. CISE writes JSON without blanks, and this is looked for in every answer of a load.
pub(crate) fn is_admission(body: &[u8]) -> bool {
    const ALLOWED: &[u8] = br#""allowed":true"#;
    body.windows(ALLOWED.len()).any(|window| window == ALLOWED)
}
