//! Processes are ready when they are handed over, and gone afterwards, whatever ended the test.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use cise_testkit::Error;
use cise_testkit::process::{Process, on_free_port};

/// Writes the shell's number to a file, by which the test sees that it runs.
fn sleeper(pid_file: &Path) -> Command {
    let mut command = Command::new("sh");
    command
        .args([
            "-c",
            "echo $$ > \"$0.new\"; mv \"$0.new\" \"$0\"; exec sleep 600",
        ])
        .arg(pid_file);
    command
}

fn start_sleeper(folder: &Path) -> (Process, String) {
    let pid_file = folder.join("pid");
    let ready = || pid_file.exists();
    let process =
        Process::start("sleeper", &sleeper(&pid_file), &folder.join("log"), ready).unwrap();
    (
        process,
        fs::read_to_string(&pid_file).unwrap().trim().to_owned(),
    )
}

fn is_alive(pid: &str) -> bool {
    Command::new("kill")
        .args(["-0", pid])
        .stderr(Stdio::null())
        .status()
        .unwrap()
        .success()
}

#[test]
fn a_process_is_gone_when_its_guard_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let (mut process, pid) = start_sleeper(folder.path());
    assert!(process.is_running());
    assert!(is_alive(&pid));
    drop(process);
    assert!(!is_alive(&pid));
}

/// Plays both parts: the test starts itself again, and that one starts a process and is killed.
#[test]
fn a_process_is_gone_when_the_test_is_killed() {
    if let Some(folder) = env::var_os("TESTKIT_SLEEPER_FOLDER") {
        let _held = start_sleeper(Path::new(&folder));
        thread::sleep(Duration::from_secs(600));
    }
    let folder = tempfile::tempdir().unwrap();
    let mut test = Command::new(env::current_exe().unwrap())
        .args(["--exact", "a_process_is_gone_when_the_test_is_killed"])
        .env("TESTKIT_SLEEPER_FOLDER", folder.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let pid_file = folder.path().join("pid");
    wait_until(|| pid_file.exists());
    let pid = fs::read_to_string(&pid_file).unwrap().trim().to_owned();
    assert!(is_alive(&pid));
    test.kill().unwrap();
    test.wait().unwrap();
    wait_until(|| !is_alive(&pid));
}

#[test]
fn a_process_that_ends_at_once_is_reported_with_the_end_of_its_log() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", "echo cannot read the configuration >&2; exit 3"]);
    let error =
        Process::start("broken", &command, &folder.path().join("log"), || false).unwrap_err();
    assert!(matches!(error, Error::Ended { .. }));
    assert!(
        error.to_string().contains("cannot read the configuration"),
        "{error}"
    );
}

#[test]
fn another_port_is_tried_when_the_first_is_taken() {
    let mut tried = Vec::new();
    let taken = || Error::Ended {
        name: "x".into(),
        log: "bind: address already in use".into(),
    };
    let started = on_free_port(|address| {
        tried.push(address);
        if tried.len() == 1 {
            Err(taken())
        } else {
            Ok(address)
        }
    });
    assert_eq!(Some(&started.unwrap()), tried.get(1));
    assert!(on_free_port(|_| Err::<(), _>(taken())).is_err());
}

fn wait_until(mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < deadline, "waited in vain");
        thread::sleep(Duration::from_millis(20));
    }
}
