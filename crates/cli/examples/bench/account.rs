//! What the system says that a process has used: Linux, `proc(5)`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};

/// The number of a process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProcessId(u32);

impl ProcessId {
    /// This process.
    pub(crate) fn own() -> Self {
        Self(std::process::id())
    }

    /// A child of this process.
    pub(crate) fn of(child: &std::process::Child) -> Self {
        Self(child.id())
    }

    /// The process that runs `program` with `argument` among its arguments.
    pub(crate) fn running(program: &Path, argument: &Path) -> Result<Self> {
        let (program, argument) = (program.to_string_lossy(), argument.to_string_lossy());
        let runs = |id: &u32| {
            let line = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).into_owned();
            let mut words = line.split('\0');
            words.next() == Some(&*program) && words.any(|word| word == argument)
        };
        let entries = fs::read_dir("/proc").context("reading /proc")?;
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let found = names.filter_map(|name| name.parse().ok()).find(runs);
        found
            .map(Self)
            .with_context(|| format!("{program} {argument} does not run"))
    }

    /// The time that its threads have been on a processor. Threads that ended are not counted.
    pub(crate) fn cpu_time(self) -> Result<Duration> {
        let folder = self.folder().join("task");
        let tasks =
            fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))?;
        let accounts = tasks.filter_map(|task| {
            let account = fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
            account.split(' ').next()?.parse::<u64>().ok()
        });
        Ok(Duration::from_nanos(accounts.sum()))
    }

    /// The memory that it has resident, in MiB: its own, and the part of the program's file that it used.
    pub(crate) fn resident(self) -> Result<f64> {
        let file = self.folder().join("status");
        let status =
            fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
        let resident = status.lines().find_map(|line| {
            let kibibytes = line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?;
            kibibytes.parse::<f64>().ok()
        });
        resident
            .map(|kibibytes| kibibytes / 1024.0)
            .with_context(|| format!("{} has no VmRSS", file.display()))
    }

    fn folder(self) -> PathBuf {
        PathBuf::from(format!("/proc/{}", self.0))
    }
}
