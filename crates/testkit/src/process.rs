//! A component as a running process that never outlives its test.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::Error;

/// How long a component may take until it answers. Far more than any needs: a busy machine is not a failed test.
const READY_WITHIN: Duration = Duration::from_secs(90);

const POLL_EVERY: Duration = Duration::from_millis(20);

/// How often a component gets a new port when another process took the one it was given.
const PORT_ATTEMPTS: u32 = 4;

/// How many lines of a component's log go into an error.
const LOG_TAIL: usize = 20;

/// Runs the program with its arguments, and kills it when standard input ends, which it does when the process that holds
/// the other end is gone, whatever ended it. There is no other way to that, without unsafe code, that all systems share.
/// The program is still this shell's child when it is killed, so its number cannot belong to another process.
const GUARD: &str = r#"
exec 3<&0
"$@" </dev/null 3<&- &
child=$!
( read -r _ <&3; kill -KILL "$child" ) >/dev/null 2>&1 &
watch=$!
exec 3<&-
wait "$child"
status=$?
kill "$watch" 2>/dev/null
exit "$status"
"#;

/// A running component. It is killed and gone when this is dropped, and when the test process ends in any way at all.
#[derive(Debug)]
pub struct Process {
    name: String,
    guard: Child,
    /// The program lives as long as this is open.
    lifeline: Option<ChildStdin>,
    log: PathBuf,
}

impl Process {
    /// Starts a program and waits until `ready` says that it can be used. What it writes goes to the file `log`. Of
    /// `command`, the program, its arguments, its working directory and what it adds to the environment count.
    pub fn start(
        name: &str,
        command: &Command,
        log: &Path,
        ready: impl FnMut() -> bool,
    ) -> Result<Self, Error> {
        let mut process = Self::spawn(name, command, log)?;
        process.wait_until(ready)?;
        Ok(process)
    }

    /// What the program has written so far.
    pub fn log(&self) -> String {
        fs::read(&self.log)
            .map(|log| String::from_utf8_lossy(&log).into_owned())
            .unwrap_or_default()
    }

    /// Whether the program still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.guard.try_wait(), Ok(None))
    }

    fn spawn(name: &str, command: &Command, log: &Path) -> Result<Self, Error> {
        let output = File::create(log).map_err(Error::writing(log))?;
        let errors = output.try_clone().map_err(Error::writing(log))?;
        let mut guarded = guarded(command);
        guarded.stdin(Stdio::piped()).stdout(output).stderr(errors);
        let spawned = guarded.spawn();
        let mut guard = spawned.map_err(|source| Error::Spawn {
            program: name.to_owned(),
            source,
        })?;
        let lifeline = guard.stdin.take();
        Ok(Self {
            name: name.to_owned(),
            guard,
            lifeline,
            log: log.to_owned(),
        })
    }

    fn wait_until(&mut self, mut ready: impl FnMut() -> bool) -> Result<(), Error> {
        let deadline = Instant::now() + READY_WITHIN;
        while self.is_running() {
            if ready() {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(Error::NotReady {
                    name: self.name.clone(),
                    log: self.log_tail(),
                });
            }
            thread::sleep(POLL_EVERY);
        }
        Err(Error::Ended {
            name: self.name.clone(),
            log: self.log_tail(),
        })
    }

    fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines
            .get(lines.len().saturating_sub(LOG_TAIL)..)
            .unwrap_or_default()
            .join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        let _ = self.guard.wait();
    }
}

fn guarded(command: &Command) -> Command {
    let mut guarded = Command::new("sh");
    guarded
        .arg("-c")
        .arg(GUARD)
        .arg("guard")
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => guarded.env(name, value),
            None => guarded.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        guarded.current_dir(folder);
    }
    guarded
}

/// Starts something on a free port of the loopback interface, and again on another one when somebody was faster.
pub fn on_free_port<T>(mut start: impl FnMut(SocketAddr) -> Result<T, Error>) -> Result<T, Error> {
    let mut attempt = 1;
    loop {
        match start(free_port()?) {
            Err(Error::Ended { log, .. }) if attempt < PORT_ATTEMPTS && is_taken(&log) => {
                attempt += 1;
            }
            started => return started,
        }
    }
}

/// An address on the loopback interface on which nobody listens at the moment.
pub fn free_port() -> Result<SocketAddr, Error> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    listener
        .and_then(|listener| listener.local_addr())
        .map_err(Error::Port)
}

/// Whether somebody listens there.
pub fn is_listening(address: SocketAddr) -> bool {
    let stream = TcpStream::connect_timeout(&address, Duration::from_secs(1));
    // Where nobody listens, the system may happen to connect this end to itself.
    stream.is_ok_and(|stream| stream.local_addr().is_ok_and(|local| local != address))
}

fn is_taken(log: &str) -> bool {
    log.contains("address already in use")
}
