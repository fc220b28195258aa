//! The Vulnerability Advisor beside other scanners, on the very same images with the very same advisories.
//!
//! `make compare ADVISORIES=FOLDER` runs it; `compare FOLDER IMAGE…` compares single images. The folder has archives of
//! advisories as osv.dev exports them. Images whose archives or tools are missing are left out, and named. What is printed is the page `docs/compare.md` below its
//! introduction. A difference that no rule explains is a failure.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the page goes to standard output, progress to standard error"
)]

mod bundle;
mod difference;
mod findings;
mod images;
mod inventories;
mod records;
mod report;
mod tools;

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::Result;
use cise_advisor::database::Database;
use cise_testkit::registry::Registry;

use crate::difference::Grounds;
use crate::images::{Made, Missing, Workshop};
use crate::report::{Compared, Page, Shares};
use crate::tools::{Tools, run};

fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    match compare(&arguments) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(unexplained) => {
            eprintln!("{unexplained} differences are not explained");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// How many differences are not explained.
fn compare(arguments: &[PathBuf]) -> Result<usize> {
    let (given, chosen) = match arguments {
        [given, chosen @ ..] => (given.as_path(), chosen),
        [] => (Path::new(""), arguments),
    };
    let tools = Tools::find()?;
    let registry = Registry::open()?;
    let work = tempfile::tempdir()?;
    let mut page = Page {
        versions: tools.versions()?,
        compared: Vec::new(),
        missing: Vec::new(),
    };
    for (name, make) in images::ALL {
        let is_chosen = chosen.is_empty() || chosen.iter().any(|chosen| chosen.as_os_str() == name);
        if !is_chosen {
            continue;
        }
        eprintln!("  · making {name}");
        let workshop = Workshop {
            tools: &tools,
            folder: work.path().join(name),
            given,
        };
        match make(&workshop)? {
            Ok(made) => {
                eprintln!("  · comparing {name}");
                page.compared
                    .push(one(&tools, &registry, &made, &workshop.folder)?);
            }
            Err(Missing(what)) => page.missing.push((name, what)),
        }
    }
    println!("{page}");
    Ok(page.unexplained())
}

fn one(tools: &Tools, registry: &Registry, made: &Made, folder: &Path) -> Result<Compared> {
    let database = folder.join("advisories.db");
    let ours = findings::ours(tools, made, &database)?;
    for gap in &ours.gaps {
        eprintln!("    not judged: {gap}");
    }
    let theirs = findings::theirs(tools, made, &as_archive(tools, registry, made, folder)?)?;
    let inventory = inventories::ours(&made.layout)?;
    let (own, other) = (
        inventories::listed(&inventory),
        inventories::theirs(tools, &made.layout)?,
    );
    let grounds = Grounds {
        inventory: &inventory,
        database: &Database::open(&database)?,
        states: &made.states,
    };
    let common = findings::common(&ours, &theirs);
    let vulnerabilities: BTreeSet<_> = common
        .iter()
        .map(|(finding, _)| &finding.vulnerability)
        .collect();
    let mut uncounted = BTreeMap::new();
    for why in common.iter().filter_map(|(_, told)| told.uncounted) {
        *uncounted.entry(why).or_default() += 1;
    }
    Ok(Compared {
        name: made.name,
        how: made.how,
        status: ours.status.to_string(),
        packages: Shares {
            common: own.intersection(&other).count(),
            differences: grounds.packages_listed(own.difference(&other), other.difference(&own)),
        },
        findings: Shares {
            common: common.len(),
            differences: grounds.findings(&ours, &theirs)?,
        },
        vulnerabilities: vulnerabilities.len(),
        counted: common
            .iter()
            .filter(|(_, told)| told.uncounted.is_none())
            .count(),
        uncounted,
    })
}

/// The image in the form that osv-scanner reads: it goes through a registry, from which crane saves it.
fn as_archive(tools: &Tools, registry: &Registry, made: &Made, folder: &Path) -> Result<PathBuf> {
    let reference = format!("{}/compared/{}:made", registry.host(), made.name);
    run(Command::new(&tools.crane)
        .arg("push")
        .arg(&made.layout)
        .arg(&reference))?;
    let archive = folder.join("image.tar");
    run(Command::new(&tools.crane)
        .arg("pull")
        .arg(&reference)
        .arg(&archive))?;
    Ok(archive)
}
