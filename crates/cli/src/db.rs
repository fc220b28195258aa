//! `cise db`: the advisory database.

mod pull;
mod push;
mod status;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cise_advisor::database::artifact::{Carried, Transfer};
use cise_advisor::database::build::{Build, Built, Input, Outcome, Stage, build};
use cise_advisor::database::download::{self, Address};
use cise_advisor::database::{Database, Rejections, Releases, Texts};
use cise_advisor::osv;
use cise_registry::{ByteCount, Deadline, Registry};
use clap::{Args, Subcommand};
use jiff::Timestamp;

use crate::args::ConfigArg;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::{terminal, wiring};

#[derive(Args, Debug)]
#[command(
    arg_required_else_help = true,
    long_about = "Build, carry or look at the advisory database\n\n\
        The Vulnerability Advisor judges images by one file, which is built from exports of osv.dev (an archive for each ecosystem), from \
        folders of OSV records, and from CISA's catalogue of known exploited vulnerabilities: files that you have, or addresses where they \
        are fetched if they changed.",
    after_help = "\
Examples:
  cise db build -o advisories.db osv:Debian osv:Alpine kev end-of-life
  cise db build -o advisories.db Debian.zip Alpine.zip known_exploited_vulnerabilities.json
  cise db push --db advisories.db --sign-key key.pem registry.example.com/team/advisories
  cise db pull -o advisories.db --key key.pub registry.example.com/team/advisories
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
    /// Push a database to a registry
    Push(push::PushArgs),
    /// Pull a database from a registry
    Pull(pull::PullArgs),
    /// Show what a database has, and how old it is
    Status(status::StatusArgs),
}

#[derive(Args, Debug)]
#[command(
    long_about = "Build a database from archives and folders of advisories\n\n\
        A source is a zip archive of OSV records, as osv.dev publishes one for each ecosystem; a folder of them; CISA's catalogue of known \
        exploited vulnerabilities, in JSON; dates of releases, in the JSON of endoflife.date; or EPSS scores, in CSV. An archive that is called as its ecosystem (`Debian.zip`, or `all.zip` \
        in a folder `Debian`) is taken as complete for it.\n\n\
        A source may be an https URL as well; `osv:Debian` is where osv.dev publishes an ecosystem, `kev` where CISA publishes its \
        catalogue, and `end-of-life` where endoflife.date publishes its dates. Copies are kept in the folder FILE.sources, and fetched again only if they changed. Parts whose sources did not change \
        since the last build are taken over. The file appears whole or not at all."
)]
struct BuildArgs {
    /// The archives and folders, or where they are fetched from
    #[arg(required = true, value_name = "SOURCE")]
    sources: Vec<String>,
    /// The database to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Keep only this release (`Debian:12`) or family (`Alpine`); may be given several times
    #[arg(long, value_name = "NAME")]
    release: Vec<String>,
    /// The sources are complete for this release or family; may be given several times
    #[arg(long, value_name = "NAME")]
    covers: Vec<String>,
    /// The state of the world that the sources show; by default, when they were changed as their server says, or the last of
    /// their records was
    #[arg(long, value_name = "TIME")]
    as_of: Option<Timestamp>,
    /// Leave out the lines for people, which makes the database smaller
    #[arg(long)]
    no_texts: bool,
    /// Go on while no more records than this are malformed
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    max_rejected: u64,
    #[command(flatten)]
    config: ConfigArg,
}

pub(crate) fn run(args: &DbArgs) -> Result<(), Failure> {
    match &args.command {
        DbCommand::Build(args) => build_database(args),
        DbCommand::Push(args) => push::run(args),
        DbCommand::Pull(args) => pull::run(args),
        DbCommand::Status(args) => status::run(args),
    }
}

/// Opens the database that somebody named.
pub(crate) fn open(path: &Path) -> Result<Database, Failure> {
    Database::open(path).map_err(|error| {
        Failure::from(error).with_hint("`cise db build -o FILE SOURCE…` makes one")
    })
}

/// How long a push or a pull may take: a large database over a slow line.
pub(crate) const PATIENCE: Duration = Duration::from_secs(3600);

/// The most bytes of a key.
const MAX_KEY_BYTES: u64 = 64 * 1024;

/// Where a push or a pull is.
fn carrying(verb: &str, transfer: Transfer<'_>) -> String {
    let percent = transfer.done.saturating_mul(100) / transfer.of.max(1);
    format!(
        "{verb} {}: {percent} % of {}",
        transfer.segment,
        ByteCount(transfer.of)
    )
}

fn carried(carried: Carried) -> String {
    let Carried {
        segments,
        bytes,
        kept,
    } = carried;
    format!(
        "{segments} parts carried ({}), {kept} there already",
        ByteCount(bytes)
    )
}

/// The bytes of a key.
fn key(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut key = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_KEY_BYTES).read_to_end(&mut key))
        .map_err(|error| Failure::from(error).about(&path.display().to_string()))?;
    Ok(key)
}

fn build_database(args: &BuildArgs) -> Result<(), Failure> {
    let inputs = args.inputs()?;
    let plan = args.plan(Timestamp::now());
    let progress = Progress::start();
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
        ByteCount(built.bytes),
        built.digest
    ))
}

impl BuildArgs {
    fn inputs(&self) -> Result<Vec<Input>, Failure> {
        let mut remote = None;
        let mut inputs = Vec::new();
        for source in &self.sources {
            let Some(address) = Address::parse(source) else {
                inputs.push(self.input(Path::new(source), None));
                continue;
            };
            let remote = match &mut remote {
                Some(remote) => remote,
                none => none.insert(Remote::open(&self.config)?),
            };
            let copy = remote.fetch(&address, &self.output)?;
            inputs.push(self.input(&copy.path, copy.as_of));
        }
        Ok(inputs)
    }

    fn input(&self, path: &Path, as_of: Option<Timestamp>) -> Input {
        Input {
            covers: self
                .covers
                .iter()
                .map(|name| name.as_str().into())
                .collect(),
            as_of: self.as_of.or(as_of),
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

/// What sources are fetched with.
struct Remote {
    runtime: tokio::runtime::Runtime,
    registry: Registry,
}

impl Remote {
    fn open(config: &ConfigArg) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?;
        let registry = wiring::registry(&config.read()?);
        Ok(Self { runtime, registry })
    }

    fn fetch(&self, address: &Address, output: &Path) -> Result<download::Copy, Failure> {
        let progress = Progress::start();
        progress.show(|| format!("fetching {}", address.url()));
        let deadline = Deadline::after(PATIENCE);
        let fetching = download::fetch(address, output, self.registry.http(), deadline);
        Ok(self.runtime.block_on(fetching)?)
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
