//! What the Vulnerability Advisor costs, beside its budgets, measured in one run and printed as one table.
//!
//! `make bench` runs it after the other measures; `cargo bench -p cise-advisor --bench budgets -- NAME…` takes single ones.
//! `DATABASE_RECORDS` says how many records the large database has (2,000,000 unless set), and `DATABASE_FOLDER` where it is
//! made. Nothing is asserted. It needs Linux, whose `/proc` tells memory and reads.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the table goes to standard output, progress to standard error"
)]

mod apart;
mod database;
mod images;
mod index;
mod process;
mod questions;
mod records;
mod service;

use std::env;
use std::process::ExitCode;

use anyhow::{Result, ensure};
use apart::Step;
use cise_testkit::figures::{Row, Table};

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// One measure: its name on the command line, what it is about, and how it is taken.
type Measure = (&'static str, &'static str, fn() -> Result<Vec<Row>>);

const MEASURES: [Measure; 3] = [
    (
        "index",
        "indexing layers, beside inflating and hashing them",
        index::measure,
    ),
    (
        "database",
        "databases of 100,000 and of many more records",
        database::measure,
    ),
    (
        "service",
        "images of a registry, before and after the database changes",
        service::measure,
    ),
];

const STEPS: [Step; 4] = [
    ("synthesise", records::synthesise),
    ("build", database::build_all),
    ("ask", questions::ask),
    ("serve", service::serve),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let done = match arguments.split_first() {
        Some((command, rest)) if command == apart::COMMAND => apart::run(&STEPS, rest),
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
    let known = MEASURES.map(|(name, ..)| name);
    let unknown = names.iter().find(|name| !known.contains(&name.as_str()));
    ensure!(
        unknown.is_none(),
        "there is no measure {}: expected any of {}",
        unknown.map_or("", String::as_str),
        known.join(", ")
    );
    let mut table = Table::default();
    let taken = MEASURES
        .iter()
        .filter(|(name, ..)| names.is_empty() || names.iter().any(|chosen| chosen == name))
        .try_for_each(|(_, about, take)| {
            progress(about);
            table.extend(take()?);
            Ok(())
        });
    println!("{table}");
    taken
}

fn progress(what: &str) {
    eprintln!("  · {what}");
}
