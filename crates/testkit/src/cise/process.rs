//! The program, while it runs.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};

use crate::Error;

/// What the program writes to standard error, and to standard output.
const LOG: &str = "cise.log";
const AUDIT: &str = "audit.log";

/// A `cise` that runs. Dropping it kills it.
#[derive(Debug)]
pub struct Cise {
    child: Child,
    folder: PathBuf,
    admin: SocketAddr,
}

impl Cise {
    /// Starts it. What it writes goes into files of this folder; `admin` is where its command wants the admin port.
    pub fn start(command: &mut Command, folder: &Path, admin: SocketAddr) -> Result<Self, Error> {
        let file = |name: &str| {
            let path = folder.join(name);
            File::create(&path).map_err(Error::writing(&path))
        };
        let command = command.stdout(file(AUDIT)?).stderr(file(LOG)?);
        let child = command.spawn().map_err(|source| Error::Spawn {
            program: command.get_program().to_string_lossy().into_owned(),
            source,
        })?;
        Ok(Self {
            child,
            folder: folder.to_owned(),
            admin,
        })
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        self.text(LOG)
    }

    /// The lines of its audit log.
    pub fn audit(&self) -> String {
        self.text(AUDIT)
    }

    fn text(&self, file: &str) -> String {
        fs::read(self.folder.join(file))
            .map(|text| String::from_utf8_lossy(&text).into_owned())
            .unwrap_or_default()
    }

    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where it answers reviews, or the questions of the webhooks, as soon as it does.
    pub fn address(&self) -> Option<SocketAddr> {
        let log = self.log();
        let said = ["reviews at https://", "questions at https://"];
        let (_, address) = said.iter().find_map(|said| log.split_once(said))?;
        address.split(',').next()?.parse().ok()
    }

    /// Where the admin port is.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin
    }

    /// Asks the admin port; gives status and body, or 0 and nothing when nobody answers.
    pub fn admin(&self, path: &str) -> (u16, String) {
        self.ask(path).ok().flatten().unwrap_or_default()
    }

    fn ask(&self, path: &str) -> io::Result<Option<(u16, String)>> {
        let mut stream = TcpStream::connect(self.admin)?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let Some((head, body)) = answer.split_once("\r\n\r\n") else {
            return Ok(None);
        };
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
        Ok(status.map(|status| (status, body.to_owned())))
    }

    /// Whether it runs still.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// How it ended; nothing while it runs.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Sends it a signal, such as `-TERM`.
    pub fn signal(&self, signal: &str) -> Result<(), Error> {
        let mut kill = Command::new("kill");
        kill.args([signal, &self.child.id().to_string()]);
        crate::command::run(&mut kill, "").map(drop)
    }

    /// Waits until it ends by itself.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait()
    }

    /// Ends it without a warning.
    pub fn kill(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Cise {
    fn drop(&mut self) {
        self.kill();
    }
}
