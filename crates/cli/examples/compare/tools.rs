//! The programs that are run, and what they call themselves.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use cise_testkit::components::{CRANE, Component, OSV_SCANNER, SYFT, UMOCI};

/// The programs without which nothing can be compared.
pub(crate) struct Tools {
    pub(crate) cise: PathBuf,
    pub(crate) osv_scanner: PathBuf,
    pub(crate) syft: PathBuf,
    pub(crate) umoci: PathBuf,
    pub(crate) crane: PathBuf,
}

impl Tools {
    pub(crate) fn find() -> Result<Self> {
        Ok(Self {
            cise: beside("cise")?,
            osv_scanner: component(&OSV_SCANNER)?,
            syft: component(&SYFT)?,
            umoci: component(&UMOCI)?,
            crane: component(&CRANE)?,
        })
    }

    /// Each program with its version.
    pub(crate) fn versions(&self) -> Result<Vec<(&'static str, String)>> {
        let mut versions = vec![
            (
                "cise",
                first_line(Command::new(&self.cise).arg("--version"))?,
            ),
            (
                "osv-scanner",
                first_line(Command::new(&self.osv_scanner).arg("--version"))?,
            ),
            (
                "syft",
                first_line(Command::new(&self.syft).arg("--version"))?,
            ),
            (
                "umoci",
                first_line(Command::new(&self.umoci).arg("--version"))?,
            ),
        ];
        for (name, program) in [
            ("dpkg", on_path("dpkg")),
            ("debootstrap", on_path("debootstrap")),
            ("rpm", on_path("rpm")),
            ("apk", apk()),
            ("go", on_path("go")),
        ] {
            if let Some(program) = program {
                let argument = if name == "go" { "version" } else { "--version" };
                versions.push((name, first_line(Command::new(program).arg(argument))?));
            }
        }
        Ok(versions)
    }
}

fn component(component: &Component) -> Result<PathBuf> {
    component
        .find()
        .with_context(|| format!("{} is missing: `make compare` builds it", component.name))
}

/// A program that was built beside this one.
fn beside(name: &str) -> Result<PathBuf> {
    let own = env::current_exe()?;
    let program = own.ancestors().nth(2).map(|folder| folder.join(name));
    program
        .filter(|program| program.exists())
        .with_context(|| format!("{name} was not built beside {}", own.display()))
}

/// A program of the machine.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let mut programs = env::split_paths(&path).map(|folder| folder.join(name));
    programs.find(|program| program.is_file())
}

/// apk, which few machines have: the one that the environment names, or that of the machine.
pub(crate) fn apk() -> Option<PathBuf> {
    env::var_os("APK")
        .map(PathBuf::from)
        .or_else(|| on_path("apk"))
}

/// Runs a program to its good end and gives what it wrote to standard output.
pub(crate) fn run(command: &mut Command) -> Result<String> {
    answer(command, &[0])
}

/// The same for a program that says with its exit status what it found: any of `good` is a good end.
pub(crate) fn answer(command: &mut Command, good: &[i32]) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("running {command:?}"))?;
    let is_good = output
        .status
        .code()
        .is_some_and(|code| good.contains(&code));
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(
        is_good,
        "{command:?} ended with {}: {errors}",
        output.status
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn first_line(command: &mut Command) -> Result<String> {
    let said = run(command)?;
    let line = said.lines().find(|line| !line.trim().is_empty());
    Ok(line.unwrap_or_default().trim().to_owned())
}

/// A folder, made where it is missing.
pub(crate) fn folder(path: &Path) -> Result<&Path> {
    std::fs::create_dir_all(path).with_context(|| format!("making {}", path.display()))?;
    Ok(path)
}
