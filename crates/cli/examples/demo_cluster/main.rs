//! The product at work in a cluster: a real control plane, Helm, `kubectl`, and images that are signed, unsigned and vulnerable.
//!
//! `make demo-cluster` runs it. Every command is shown with its output. With `KEEP=1` the cluster is left to play with until
//! Enter is pressed; nothing is left running then.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what a person came to see goes to standard output, and what is done for it to standard error"
)]

mod acts;
mod shell;
#[path = "../demo/stage.rs"]
#[allow(dead_code, reason = "the other demo shows more of its stage")]
mod stage;
mod vulnerable;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, io};

use cise_testkit::cise::Site;
use cise_testkit::components::KUBECTL;
use tempfile::TempDir;

use crate::shell::Shell;
use crate::stage::Stage;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    println!("Container Image Security Enforcement in a cluster\n");
    let folder = prepared()?;
    let stage = Stage::set()?;
    stage
        .registry
        .push(&vulnerable::image()?, "shop/old", "1.0")?;
    let cise = program()?;
    eprintln!("  · starting etcd, an API server, the controllers and a node");
    let site = Site::start(&cise, &chart())?;
    vulnerable::database(&cise, &site.replicas().claim("advisories")?)?;
    let shell = Shell::new(site, stage, folder);
    acts::install(&shell)?;
    acts::default_policies(&shell)?;
    acts::content_trust(&shell)?;
    acts::signers(&shell)?;
    acts::vulnerabilities(&shell)?;
    if env::var_os("KEEP").is_some_and(|keep| keep == "1") {
        return keep(&shell);
    }
    acts::removal(&shell)?;
    println!(
        "\nAll of it was stopped and removed. Next: docs/install.md, or the same with KEEP=1 to play with it."
    );
    Ok(())
}

/// The folder with the files of the story, in which it is told, so that commands name files without a path.
fn prepared() -> io::Result<TempDir> {
    let folder = tempfile::tempdir()?;
    env::set_current_dir(folder.path())?;
    Ok(folder)
}

/// Leaves everything as it is until somebody presses Enter.
fn keep(shell: &Shell) -> Result<(), Box<dyn Error>> {
    let kubectl = KUBECTL.get()?;
    println!("\nThe cluster is yours. In another terminal:\n");
    println!("  export KUBECONFIG={}", shell.kubeconfig().display());
    println!("  alias kubectl={}", kubectl.display());
    println!("  kubectl -n shop get pods\n");
    println!("Images to try: {}", shell.images().join(", "));
    println!("\nPress Enter here to stop and remove all of it.");
    io::stdin().read_line(&mut String::new())?;
    Ok(())
}

/// The product, as it was built beside this program.
fn program() -> Result<PathBuf, Box<dyn Error>> {
    let here = env::current_exe()?;
    let program = here.ancestors().nth(2).map(|folder| folder.join("cise"));
    let built = program.filter(|program| program.is_file());
    built.ok_or_else(|| {
        "cise is missing beside this program: `make demo-cluster` builds both".into()
    })
}

fn chart() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../charts/ibmcloud-image-enforcement")
}
