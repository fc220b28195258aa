//! `cise db status`.

use std::fmt::Write as _;
use std::path::PathBuf;

use cise_advisor::database::{AgeRules, Coverage, Database, Feed, Freshness};
use cise_registry::ByteCount;
use clap::Args;
use jiff::{SignedDuration, Timestamp};

use crate::args::ConfigArg;
use crate::failure::Failure;
use crate::{advisories, terminal};

#[derive(Args, Debug)]
pub(super) struct StatusArgs {
    /// The advisory database
    #[arg(long, value_name = "FILE", env = "CISE_DB")]
    db: PathBuf,
    #[command(flatten)]
    config: ConfigArg,
}

pub(super) fn run(args: &StatusArgs) -> Result<(), Failure> {
    let database = advisories::open(&args.db)?;
    let ages = args.config.read()?.admission.rules.age;
    terminal::print(&page(&database, ages, Timestamp::now()))
}

fn page(database: &Database, ages: AgeRules, now: Timestamp) -> String {
    let status = database.status();
    let mut page = format!("digest {}, {}\n", status.digest, ByteCount(status.bytes));
    // Writing to a string cannot fail.
    match &status.manifest.known_exploited {
        Some(catalogue) => {
            let _ = writeln!(
                page,
                "known exploited vulnerabilities: {}, catalogue {}",
                catalogue.vulnerabilities, catalogue.version
            );
        }
        None => page.push_str("known exploited vulnerabilities: none were built in\n"),
    }
    match status.manifest.life_spans.len() {
        0 => page.push_str("ends of releases: none were built in\n"),
        known => {
            let _ = writeln!(page, "ends of releases: {known} are known");
        }
    }
    let widest = database
        .feeds()
        .map(|feed| feed.ecosystem.as_str().len())
        .max();
    let width = widest.unwrap_or(0).max("feed".len());
    let _ = writeln!(
        page,
        "\n{:<width$}  {:>10}  {:<8}  age",
        "feed", "advisories", "coverage"
    );
    for feed in database.feeds() {
        let _ = writeln!(
            page,
            "{:<width$}  {:>10}  {:<8}  {}",
            feed.ecosystem.as_str(),
            feed.advisories,
            coverage(feed),
            age(feed, ages, now)
        );
    }
    page
}

fn coverage(feed: &Feed) -> &'static str {
    match feed.coverage {
        Coverage::Complete => "complete",
        Coverage::Partial => "partial",
    }
}

fn age(feed: &Feed, ages: AgeRules, now: Timestamp) -> String {
    let hours = |age: SignedDuration| format!("{} h", age.as_hours());
    match feed.freshness(now, ages) {
        Freshness::Fresh => feed
            .as_of
            .map_or_else(String::new, |as_of| hours(now.duration_since(as_of))),
        Freshness::Stale { age } => format!("{}: images are judged with a warning", hours(age)),
        Freshness::TooOld { age } => format!("{}: too old to judge by", hours(age)),
        Freshness::Unknown => {
            "unknown, and therefore too old to judge by; say it with --as-of".to_owned()
        }
    }
}
