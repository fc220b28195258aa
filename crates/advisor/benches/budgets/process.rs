//! What the system says that this process has used: Linux, `proc(5)`.

use std::fs;

use anyhow::{Context as _, Result};

/// The memory that is resident now, in MiB.
pub(crate) fn resident() -> Result<f64> {
    mebibytes("VmRSS:")
}

/// The most memory that was ever resident, in MiB.
pub(crate) fn most_resident() -> Result<f64> {
    mebibytes("VmHWM:")
}

/// How many times something was read from a file or another process.
pub(crate) fn reads() -> Result<u64> {
    let io = fs::read_to_string("/proc/self/io").context("reading /proc/self/io")?;
    let reads = io.lines().find_map(|line| line.strip_prefix("syscr: "));
    reads
        .and_then(|reads| reads.parse().ok())
        .context("/proc/self/io has no syscr")
}

fn mebibytes(field: &str) -> Result<f64> {
    let status = fs::read_to_string("/proc/self/status").context("reading /proc/self/status")?;
    let found = status.lines().find_map(|line| {
        let kibibytes = line.strip_prefix(field)?.trim().strip_suffix(" kB")?;
        kibibytes.parse::<f64>().ok()
    });
    found
        .map(|kibibytes| kibibytes / 1024.0)
        .with_context(|| format!("/proc/self/status has no {field}"))
}
