//! `cise db build`: a database from archives and folders of advisories.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cise_advisor::database::build::{Build, Built, Input, Outcome, Stage, build};
use cise_advisor::database::download::{self, Address};
use cise_advisor::database::{Releases, Remarks, Texts};
use cise_advisor::osv;
use cise_registry::{ByteCount, Deadline, Registry};
use clap::Args;
use jiff::Timestamp;

use super::carrying::PATIENCE;
use super::declared::{self, Declared, Given};
use crate::args::ConfigArg;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::{terminal, wiring};

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
pub(super) struct BuildArgs {
    /// The archives and folders, or where they are fetched from
    #[arg(required = true, value_name = "SOURCE")]
    sources: Vec<String>,
    /// The database to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Keep only this release (`Debian:12`) or family (`Alpine`); may be given several times
    #[arg(long, value_name = "NAME")]
    release: Vec<String>,
    /// That source is complete for this release or family; may be given several times, and without its name where no other one has
    /// records
    #[arg(long, value_name = "[SOURCE=]NAME", value_parser = declared::parse::<String>)]
    covers: Vec<Declared<String>>,
    /// The state of the world that a source shows, or all that are not named; by default, when it was changed as its server says, or
    /// the last of its records was
    #[arg(long, value_name = "[SOURCE=]TIME", value_parser = declared::parse::<Timestamp>)]
    as_of: Vec<Declared<Timestamp>>,
    /// Leave out the lines for people, which makes the database smaller
    #[arg(long)]
    no_texts: bool,
    /// Go on while no more records than this are malformed
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    max_rejected: u64,
    #[command(flatten)]
    config: ConfigArg,
}

/// Builds, and tells what came of it.
pub(super) fn run(args: &BuildArgs) -> Result<(), Failure> {
    let inputs = args.inputs()?;
    let plan = args.plan(Timestamp::now());
    let progress = Progress::start();
    let parse = |record: &[u8]| osv::parse(record, plan.now);
    let built = build(&plan, &inputs, &args.output, &parse, &mut |stage| {
        progress.show(|| shown(stage));
    });
    let built = built.map_err(|error| {
        let hint = error.hint();
        Failure::from(error).with_any_hint(hint)
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
        let mut sources = self.given()?;
        declared::covers(&self.covers, &mut sources)?;
        declared::as_of(&self.as_of, &mut sources)?;
        Ok(sources.into_iter().map(|source| source.input).collect())
    }

    /// The sources, fetched where they are addresses.
    fn given(&self) -> Result<Vec<Given>, Failure> {
        let mut remote = None;
        let mut given = Vec::new();
        for source in &self.sources {
            let input = match Address::parse(source) {
                None => Input::new(source),
                Some(address) => {
                    let remote = match &mut remote {
                        Some(remote) => remote,
                        none => none.insert(Remote::open(&self.config)?),
                    };
                    let copy = remote.fetch(&address, &self.output)?;
                    Input {
                        as_of: copy.as_of,
                        ..Input::new(copy.path)
                    }
                }
            };
            given.push(Given {
                written: source.clone(),
                input,
            });
        }
        Ok(given)
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
        self.runtime.block_on(fetching).map_err(|error| {
            let hint = error.hint();
            Failure::from(error).with_any_hint(hint)
        })
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
        tell_remarks(&source.name, &source.rejected);
        tell_remarks(&format!("{}: kept, but odd", source.name), &source.odd);
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

/// The first of what there is to say of records, and how much more there is.
fn tell_remarks(whose: &str, remarks: &Remarks) {
    for one in remarks.named() {
        terminal::tell(&format!("warning: {whose}: {one}"));
    }
    let more = remarks.count() - remarks.named().count() as u64;
    if more > 0 {
        terminal::tell(&format!("warning: {whose}: and {more} more"));
    }
}
