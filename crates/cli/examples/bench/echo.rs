//! The least that a webhook can do on the same stack: the same TLS, routes, limits and metrics, and a constant answer.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use crate::account::ProcessId;
use crate::binaries;

/// The server. It is stopped when this is dropped.
#[derive(Debug)]
pub(crate) struct Echo {
    pub(crate) address: SocketAddr,
    pub(crate) process: ProcessId,
    /// A file with the authority that its certificate leads to.
    pub(crate) authority: PathBuf,
    child: Child,
    /// The server lives as long as this is open.
    lifeline: Option<ChildStdin>,
    _folder: TempDir,
}

impl Echo {
    /// Starts a server that gives this answer to everything.
    pub(crate) fn start(answer: &[u8]) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let (authority, file) = (folder.path().join("ca.pem"), folder.path().join("answer"));
        fs::write(&file, answer)?;
        let mut child = Command::new(binaries::echo()?)
            .arg("127.0.0.1:0")
            .args([&authority, &file])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let lifeline = child.stdin.take();
        let output = child.stdout.take().context("the echo server's output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let address = line.trim().parse().context("the echo server's address")?;
        Ok(Self {
            address,
            process: ProcessId::of(&child),
            authority,
            child,
            lifeline,
            _folder: folder,
        })
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        // It waits for its connections to close; they are all gone.
        let _ = self.child.wait();
    }
}
