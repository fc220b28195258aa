//! Questions to a large database that has just been opened.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use cise_advisor::Ecosystem;
use cise_advisor::assessment::{Rules, Status, assess};
use cise_advisor::database::Database;
use cise_advisor::exemption::{Exemptions, Subject, TagBinding};
use cise_reference::{Digest, Reference};
use jiff::Timestamp;

use crate::apart::Figures;
use crate::database::{FILE, approximate};
use crate::{images, process, records};

/// How many names are asked for.
const NAMES: u64 = 10_000;

/// How many names are asked for to find some whose blocks are cached.
const TRIED: u64 = 4_000;

/// The version of all packages of an image that was not built again for some time, and of one that nobody looks after: the last
/// fixes are in versions up to 8.30.
const AGED: &str = "8.20.3-r2";
const OLD: &str = "7.9.3-r2";

/// How far apart the numbers of its packages are: a number that has no divisor in common with those by which records vary.
const STRIDE: u64 = 59;

/// How often an image is judged.
const ROUNDS: usize = 20;

pub(crate) fn ask(folder: &Path) -> Result<Figures> {
    let before = process::resident()?;
    let start = Instant::now();
    let database = Database::open(&folder.join(FILE))?;
    let opening = start.elapsed();
    let memory = process::resident()? - before;
    let (absent, reads) = absent(&database)?;
    let found = Found::of(&database)?;
    let (aged, old) = (Judged::of(&database, AGED)?, Judged::of(&database, OLD)?);
    Ok([
        ("opening", milliseconds(opening)),
        ("memory", memory),
        ("absent", microseconds(absent)),
        ("reads", approximate(reads)),
        ("fetched", microseconds(found.fetched)),
        ("block", microseconds(found.block)),
        ("decoded", microseconds(found.decoded)),
        ("cold", milliseconds(aged.cold)),
        ("aged", milliseconds(aged.warm)),
        ("aged issues", aged.issues),
        ("old", milliseconds(old.warm)),
        ("old issues", old.issues),
        ("advisories", aged.advisories),
    ]
    .into())
}

/// How long a name takes that has no advisories, on average, and how often something was read for all of them.
fn absent(database: &Database) -> Result<(Duration, u64)> {
    let npm = Ecosystem::new("npm");
    let names: Vec<_> = (0..NAMES).map(|n| format!("absent-{n}")).collect();
    // What reading the count of reads adds to it.
    let own = process::reads()?;
    let own = process::reads()? - own;
    let before = process::reads()?;
    let start = Instant::now();
    for name in &names {
        black_box(database.advisories(&npm, black_box(name))?);
    }
    let took = start.elapsed() / u32::try_from(NAMES)?;
    Ok((took, process::reads()? - before - own))
}

/// How long a name takes that has an advisory.
struct Found {
    /// Its block has to be fetched.
    fetched: Duration,
    /// Its block is cached.
    block: Duration,
    /// It was asked for before.
    decoded: Duration,
}

impl Found {
    /// The middle ones of many.
    fn of(database: &Database) -> Result<Self> {
        let npm = Ecosystem::new("npm");
        let names: Vec<_> = (0..TRIED).map(|n| records::module(n * 7)).collect();
        let (mut fetched, mut block, mut decoded) = (Vec::new(), Vec::new(), Vec::new());
        let own = process::reads()?;
        let own = process::reads()? - own;
        for name in &names {
            let before = process::reads()?;
            let took = time(database, &npm, name)?;
            if process::reads()? - before == own {
                block.push(took);
            } else {
                fetched.push(took);
            }
        }
        for name in names.iter().rev().take(500) {
            decoded.push(time(database, &npm, name)?);
        }
        Ok(Self {
            fetched: middle(fetched).context("no block was fetched")?,
            block: middle(block).context("no block was cached")?,
            decoded: middle(decoded).context("no name was asked for")?,
        })
    }
}

fn time(database: &Database, ecosystem: &Ecosystem, name: &str) -> Result<Duration> {
    let start = Instant::now();
    let found = black_box(database.advisories(ecosystem, black_box(name))?);
    let took = start.elapsed();
    ensure!(!found.is_empty(), "{name} has no advisory");
    Ok(took)
}

/// How long an image of a thousand packages takes.
struct Judged {
    cold: Duration,
    warm: Duration,
    /// How many advisories its packages have.
    advisories: f64,
    issues: f64,
}

impl Judged {
    fn of(database: &Database, version: &str) -> Result<Self> {
        let packages: Vec<_> = (0..images::PACKAGES as u64)
            .map(|n| {
                let name = format!("source-{}", n * STRIDE % records::SOURCES);
                (name, version.to_owned())
            })
            .collect();
        let debian = Ecosystem::new("Debian:12");
        let inventories = images::inventories(&packages);
        let subject = Reference::parse("icr.io/team/app:1")?;
        let subject = Subject::new(&subject, &Digest::sha256([0; 32]), TagBinding::Proven)?;
        let (exemptions, rules, now) = (Exemptions::default(), Rules::default(), Timestamp::now());
        let mut times = Vec::new();
        let mut issues = 0;
        for _ in 0..ROUNDS {
            let start = Instant::now();
            let applicable = exemptions.applying_to(&subject, now);
            let assessment = assess(&inventories, database, applicable, &rules, now);
            times.push(start.elapsed());
            ensure!(
                assessment.status == Status::Fail,
                "the image has issues: {:?}",
                assessment.gaps
            );
            issues = assessment.issues.len() as u64;
        }
        let mut advisories = 0;
        for (name, _) in &packages {
            advisories += database.advisories(&debian, name)?.len() as u64;
        }
        Ok(Self {
            cold: times.first().copied().unwrap_or_default(),
            advisories: approximate(advisories),
            issues: approximate(issues),
            warm: middle(times).context("nothing was judged")?,
        })
    }
}

fn middle(mut times: Vec<Duration>) -> Option<Duration> {
    times.sort_unstable();
    times.get(times.len() / 2).copied()
}

fn microseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
