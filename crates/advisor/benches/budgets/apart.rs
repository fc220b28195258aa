//! Steps in processes of their own, so that their memory is their own. A step prints what it found, a line for each figure.

use std::collections::HashMap;
use std::env;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

/// What makes this program run a step.
pub(crate) const COMMAND: &str = "step";

/// A step by its name. It works in a folder.
pub(crate) type Step = (&'static str, fn(&Path) -> Result<Figures>);

/// What a step found, by names.
pub(crate) type Figures = HashMap<&'static str, f64>;

/// What a step of another process found.
pub(crate) struct Found(HashMap<String, f64>);

impl Found {
    /// The figure of that name.
    pub(crate) fn get(&self, name: &str) -> Result<f64> {
        let figure = self.0.get(name).copied();
        figure.with_context(|| format!("there is no figure {name}"))
    }
}

/// Runs a step in a process of its own.
pub(crate) fn step(name: &str, folder: &Path, records: u64) -> Result<Found> {
    let output = Command::new(env::current_exe()?)
        .args([COMMAND, name])
        .arg(folder)
        .env("DATABASE_RECORDS", records.to_string())
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "{name} failed");
    let text = String::from_utf8(output.stdout)?;
    let figures = text.lines().filter_map(|line| {
        let (name, figure) = line.rsplit_once(' ')?;
        Some((name.to_owned(), figure.parse().ok()?))
    });
    Ok(Found(figures.collect()))
}

/// Runs one of the steps in this process.
pub(crate) fn run(steps: &[Step], arguments: &[String]) -> Result<()> {
    let [name, folder] = arguments else {
        anyhow::bail!("usage: {COMMAND} NAME FOLDER");
    };
    let step = steps.iter().find(|(known, _)| known == name);
    let (_, step) = step.with_context(|| format!("there is no step {name}"))?;
    for (name, figure) in step(Path::new(folder))? {
        println!("{name} {figure}");
    }
    Ok(())
}
