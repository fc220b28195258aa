//! The programs that are measured, as they were built beside this one.

use std::env;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};

/// The product.
pub(crate) fn cise() -> Result<PathBuf> {
    existing("cise", "-p cise-cli --bin cise")
}

/// The least that a webhook can do on the same stack.
pub(crate) fn echo() -> Result<PathBuf> {
    existing("examples/echo", "-p cise-server --example echo")
}

/// The product as it is released, where somebody built it.
pub(crate) fn released() -> Option<PathBuf> {
    let program = profile().ok()?.parent()?.join("release/cise");
    program.exists().then_some(program)
}

fn existing(name: &str, target: &str) -> Result<PathBuf> {
    let program = profile()?.join(name);
    ensure!(
        program.exists(),
        "{} is missing: build it with `cargo build --profile ci {target}`",
        program.display()
    );
    Ok(program)
}

/// The folder of the profile that this program was built with.
fn profile() -> Result<PathBuf> {
    let program = env::current_exe()?;
    let folder = program.ancestors().nth(2);
    folder
        .map(PathBuf::from)
        .context("this program does not run from where cargo built it")
}
