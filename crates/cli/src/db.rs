//! `cise db`: the advisory database.

mod status;

use std::collections::BTreeSet;
use std::path::PathBuf;

use cise_advisor::database::build::{Build, Built, Input, Outcome, Rejections, Stage, build};
use cise_advisor::database::{Database, Releases, Texts};
use cise_advisor::osv;
use clap::{Args, Subcommand};
use jiff::Timestamp;

use crate::failure::Failure;
use crate::progress::{Progress, bytes};
use crate::terminal;

#[derive(Args, Debug)]
#[command(
    arg_required_else_help = true,
    long_about = "Build or look at the advisory database\n\n\
        The Vulnerability Advisor judges images by one file, which is built from exports of osv.dev (an archive for each ecosystem), from \
        folders of OSV records, and from CISA's catalogue of known exploited vulnerabilities. Nothing is fetched: get the archives with any \
        tool, from where they are published or from a mirror of yours.",
    after_help = "\
Examples:
  curl -o Debian.zip https://osv-vulnerabilities.storage.googleapis.com/Debian/all.zip
  cise db build -o advisories.db Debian.zip Alpine.zip known_exploited_vulnerabilities.json
  cise db status --db advisories.db"
)]
pub(crate) struct DbArgs {
    #[command(subcommand)]
    command: DbCommand,
}

#[derive(Debug, Subcommand)]
enum DbCommand {
    /// Build a database from archives and folders of advisories
    Build(BuildArgs),
    /// Show what a database has, and how old it is
    Status(status::StatusArgs),
}

#[derive(Args, Debug)]
#[command(
    long_about = "Build a database from archives and folders of advisories\n\n\
        A source is a zip archive of OSV records, as osv.dev publishes one for each ecosystem; a folder of them; CISA's catalogue of known \
        exploited vulnerabilities, in JSON; or EPSS scores, in CSV. An archive that is called as its ecosystem (`Debian.zip`, or `all.zip` \
        in a folder `Debian`) is taken as complete for it. Parts whose sources did not change since the last build are taken over. The \
        file appears whole or not at all."
)]
struct BuildArgs {
    /// The archives and folders
    #[arg(required = true, value_name = "SOURCE")]
    sources: Vec<PathBuf>,
    /// The database to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Keep only this release (`Debian:12`) or family (`Alpine`); may be given several times
    #[arg(long, value_name = "NAME")]
    release: Vec<String>,
    /// The sources are complete for this release or family; may be given several times
    #[arg(long, value_name = "NAME")]
    covers: Vec<String>,
    /// The state of the world that the sources show; by default, when the last of their records changed
    #[arg(long, value_name = "TIME")]
    as_of: Option<Timestamp>,
    /// Leave out the lines for people, which makes the database smaller
    #[arg(long)]
    no_texts: bool,
    /// Go on while no more records than this are malformed
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    max_rejected: u64,
}

pub(crate) fn run(args: &DbArgs) -> Result<(), Failure> {
    match &args.command {
        DbCommand::Build(args) => build_database(args),
        DbCommand::Status(args) => status::run(args),
    }
}

/// Opens the database that somebody named.
pub(crate) fn open(path: &std::path::Path) -> Result<Database, Failure> {
    Database::open(path).map_err(|error| {
        Failure::from(error).with_hint("`cise db build -o FILE SOURCE…` makes one")
    })
}

fn build_database(args: &BuildArgs) -> Result<(), Failure> {
    let inputs: Vec<Input> = args.sources.iter().map(|path| args.input(path)).collect();
    let plan = args.plan(Timestamp::now());
    let mut progress = Progress::start();
    let built = build(&plan, &inputs, &args.output, &osv::parse, &mut |stage| {
        progress.show(|| shown(stage));
    })?;
    drop(progress);
    tell(args, &built);
    terminal::print(&format!(
        "{} {}: {} feeds, {}, digest {}\n",
        match built.outcome {
            Outcome::Written => "wrote",
            Outcome::Unchanged => "unchanged:",
        },
        args.output.display(),
        built.manifest.feeds().count(),
        bytes(built.bytes),
        built.digest
    ))
}

impl BuildArgs {
    fn input(&self, path: &std::path::Path) -> Input {
        Input {
            covers: self
                .covers
                .iter()
                .map(|name| name.as_str().into())
                .collect(),
            as_of: self.as_of,
            ..Input::new(path)
        }
    }

    fn plan(&self, now: Timestamp) -> Build {
        let names: BTreeSet<Box<str>> = self
            .release
            .iter()
            .map(|name| name.as_str().into())
            .collect();
        Build {
            texts: if self.no_texts {
                Texts::LeftOut
            } else {
                Texts::Kept
            },
            releases: if names.is_empty() {
                Releases::All
            } else {
                Releases::Only(names)
            },
            max_rejected: self.max_rejected,
            ..Build::new(now)
        }
    }
}

fn shown(stage: Stage<'_>) -> String {
    match stage {
        Stage::Reading {
            source,
            records,
            done,
            of,
        } => {
            let percent = done.saturating_mul(100) / of.max(1);
            format!("reading {source}: {records} records, {percent} %")
        }
        Stage::Writing { segment } => format!("writing {segment}"),
        _ => "working".to_owned(),
    }
}

/// What people should know of the sources.
fn tell(args: &BuildArgs, built: &Built) {
    for source in &built.manifest.sources {
        tell_rejected(&source.name, &source.rejected);
        let kept = source.records - source.withdrawn - source.rejected.count();
        terminal::tell(&format!(
            "{}: {kept} records kept, {} withdrawn, {} rejected",
            source.name,
            source.withdrawn,
            source.rejected.count()
        ));
    }
    if built.manifest.feeds().next().is_none() {
        terminal::tell("hint: none of the sources has advisories of a release that is kept");
    } else if !args.release.is_empty() {
        terminal::tell("hint: images of releases that were left out cannot be judged");
    }
}

fn tell_rejected(source: &str, rejected: &Rejections) {
    for one in rejected.named() {
        terminal::tell(&format!("warning: {source}: {one}"));
    }
}
