//! What the product costs, measured in one run and printed as one table.
//!
//! `make bench` runs it, `bench NAME…` takes single measures of it, and `docs/performance.md` explains the rows. Everything runs on loopback against the real peers, is
//! gone at the end, and nothing is written but what is printed. No figure is asserted: a table with "over" in it is still a
//! table.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the table goes to standard output, progress to standard error"
)]

mod account;
mod binaries;
mod cluster;
mod cold;
mod echo;
mod engine;
mod guard;
mod https;
mod load;
mod memory;
mod pods;
mod resolve;
mod review;
mod signed;
mod site;
mod slow;
mod start;
mod statistics;
mod trust_server;
mod tuf;

use std::env;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, ensure};
use cise_testkit::components::{NOTARY, NOTARY_SERVER};
use tokio::runtime::Runtime;

use crate::signed::Signed;
use cise_testkit::figures::{Row, Table};

/// What a measure finds on the machine.
struct Bench {
    runtime: Runtime,
    signed: Signed,
}

/// One measure: its name on the command line, what it is about, and how it is taken.
type Measure = (&'static str, &'static str, fn(&Bench) -> Result<Vec<Row>>);

const MEASURES: [Measure; 8] = [
    (
        "resolve",
        "resolving images against 10,000 entries",
        resolve::measure,
    ),
    ("review", "warm reviews in this process", review::measure),
    (
        "https",
        "warm reviews over TLS, beside an echo server",
        https::measure,
    ),
    (
        "cold",
        "cold verifications through a slow proxy",
        cold::measure,
    ),
    (
        "slow",
        "fifty images, and a trust server that never answers",
        slow::measure,
    ),
    (
        "memory",
        "10,000 kept verdicts, and a flood of images",
        memory::measure,
    ),
    ("start", "starting and getting ready", start::measure),
    (
        "cluster",
        "a real control plane with 10,000 policies",
        cluster::measure,
    ),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let done = match arguments.split_first() {
        // The other end of the connections, in a process of its own so that its time is not the server's.
        Some((command, rest)) if command == load::COMMAND => load::generate(rest),
        _ => measure(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Takes the measures of these names, or all, and prints what was found, even if one of them fails.
fn measure(names: &[String]) -> Result<()> {
    check_names(names)?;
    check_machine()?;
    progress("starting a Notary server, signing three images");
    let bench = Bench {
        runtime: tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?,
        signed: Signed::publish()?,
    };
    let mut table = Table::default();
    let taken = MEASURES
        .iter()
        .filter(|(name, ..)| names.is_empty() || names.iter().any(|chosen| chosen == name))
        .try_for_each(|(_, about, take)| {
            progress(about);
            table.extend(take(&bench)?);
            Ok(())
        });
    println!("{table}");
    taken
}

fn check_names(names: &[String]) -> Result<()> {
    let known = MEASURES.map(|(name, ..)| name);
    let unknown = names.iter().find(|name| !known.contains(&name.as_str()));
    ensure!(
        unknown.is_none(),
        "there is no measure {}: expected any of {}",
        unknown.map_or("", String::as_str),
        known.join(", ")
    );
    Ok(())
}

/// Fails at once rather than in the middle.
fn check_machine() -> Result<()> {
    ensure!(
        Path::new("/proc/self/schedstat").exists(),
        "CPU time and memory are read from /proc, which this system does not have: measure on Linux"
    );
    binaries::cise()?;
    binaries::echo()?;
    for component in [&NOTARY, &NOTARY_SERVER] {
        ensure!(
            component.find().is_some(),
            "{} is missing: `make components` builds it",
            component.name
        );
    }
    Ok(())
}

fn progress(what: &str) {
    eprintln!("  · {what}");
}
