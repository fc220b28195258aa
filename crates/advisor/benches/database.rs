//! What the advisory database costs at scale: its build, its size, its opening, its memory, and a question to it.
//!
//! Records are synthesised in the proportions of OSV: half of them of one distribution with a record per package and
//! vulnerability, a quarter of three releases of another, a quarter of a language with a package each. `DATABASE_RECORDS` says
//! how many (100,000 unless set). Each step runs in a process of its own, so that its memory is its own.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark prints its figures, and ends where it cannot be run"
)]

use std::env;
use std::fs::{self, File};
use std::hint::black_box;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use cise_advisor::database::Database;
use cise_advisor::database::build::{Build, Input, build};
use cise_advisor::{Advisory, Affected, Ecosystem, Event, Range};
use flate2::Compression;
use flate2::write::DeflateEncoder;
use jiff::Timestamp;
use rawzip::{CompressionMethod, ZipArchiveWriter};
use serde::Deserialize;

/// A step by its name. It works in the folder that all share.
type Step = (&'static str, fn(&Path));

const STEPS: [Step; 4] = [
    ("synthesise", synthesise),
    ("build", build_all),
    ("rebuild", build_all),
    ("open", open),
];

fn main() {
    let mut arguments = env::args().skip(1).filter(|argument| argument != "--bench");
    match (arguments.next(), arguments.next()) {
        (Some(step), Some(folder)) => run(&step, Path::new(&folder)),
        _ => measure(),
    }
}

/// Runs each step in a process of its own.
fn measure() {
    let parent = env::var_os("DATABASE_FOLDER").unwrap_or_else(|| env::temp_dir().into());
    let folder = tempfile::tempdir_in(parent).unwrap();
    println!("{} records", records());
    for (step, _) in STEPS {
        let status = Command::new(env::current_exe().unwrap())
            .arg(step)
            .arg(folder.path())
            .status()
            .unwrap();
        assert!(status.success(), "{step} failed");
    }
}

fn run(step: &str, folder: &Path) {
    let Some((_, run)) = STEPS.iter().find(|(name, _)| *name == step) else {
        panic!("there is no step {step}");
    };
    let start = Instant::now();
    run(folder);
    println!(
        "{step}: {:.2?} in all, {} MiB resident at most",
        start.elapsed(),
        resident("VmHWM:") / 1024
    );
}

fn records() -> u64 {
    env::var("DATABASE_RECORDS").map_or(100_000, |records| records.parse().unwrap())
}

/// A line of what the kernel tells of this process's memory, in KiB.
fn resident(line: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kibibytes = status.lines().find_map(|text| text.strip_prefix(line));
    kibibytes.map_or(0, |text| {
        text.trim().trim_end_matches(" kB").parse().unwrap_or(0)
    })
}

fn synthesise(folder: &Path) {
    let records = records();
    archive(&folder.join("Chainguard.zip"), records / 2, |n| {
        let package = format!("package-{}", n % 8_000);
        let affected = affected("Chainguard", &package, n);
        record(
            &format!("CGA-{:04x}-{n:08x}", n % 65_521),
            n % 300_000,
            &affected,
        )
    });
    archive(&folder.join("Debian.zip"), records / 4, |n| {
        let package = format!("source-{}", n % 6_000);
        let affected =
            ["Debian:11", "Debian:12", "Debian:13"].map(|release| affected(release, &package, n));
        record(
            &format!("DEBIAN-CVE-{}-{n}", 2000 + n % 26),
            n % 300_000,
            &affected.join(","),
        )
    });
    archive(&folder.join("npm.zip"), records / 4, |n| {
        let affected = affected("npm", &format!("@scope-{}/module-{n}", n % 977), n);
        record(&format!("MAL-2024-{n}"), n % 300_000, &affected)
    });
}

fn affected(ecosystem: &str, package: &str, n: u64) -> String {
    format!(
        r#"{{"package":{{"ecosystem":"{ecosystem}","name":"{package}","purl":"pkg:generic/{package}"}},"ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}},{{"fixed":"{}.{}.{}-r{}"}}]}}]}}"#,
        n % 9,
        n % 31,
        n % 17,
        n % 5
    )
}

fn record(id: &str, cve: u64, affected: &str) -> String {
    let time = format!(
        "20{:02}-{:02}-{:02}T12:00:00Z",
        10 + cve % 15,
        1 + cve % 12,
        1 + cve % 28
    );
    format!(
        r#"{{"schema_version":"1.7.0","id":"{id}","modified":"{time}","published":"{time}","upstream":["CVE-{}-{cve}"],"summary":"Number {cve} of the synthesised vulnerabilities","details":"It is as long as most are.","affected":[{affected}]}}"#,
        2000 + cve % 26
    )
}

fn archive(path: &Path, records: u64, one: impl Fn(u64) -> String) {
    let mut zip = ZipArchiveWriter::new(BufWriter::new(File::create(path).unwrap()));
    for n in 0..records {
        let name = format!("{n}.json");
        let (mut entry, config) = zip
            .new_file(&*name)
            .compression_method(CompressionMethod::DEFLATE)
            .start()
            .unwrap();
        let mut writer = config.wrap(DeflateEncoder::new(&mut entry, Compression::fast()));
        writer.write_all(one(n).as_bytes()).unwrap();
        let (deflated, descriptor) = writer.finish().unwrap();
        deflated.finish().unwrap();
        entry.finish(descriptor).unwrap();
    }
    zip.finish().unwrap().flush().unwrap();
}

fn build_all(folder: &Path) {
    let inputs =
        ["Chainguard", "Debian", "npm"].map(|name| Input::new(folder.join(format!("{name}.zip"))));
    let settings = Build::new(Timestamp::now());
    let start = Instant::now();
    let built = build(
        &settings,
        &inputs,
        &folder.join("advisories.db"),
        &parse,
        &mut |_| {},
    )
    .unwrap();
    let took = start.elapsed();
    let rows: u64 = built.manifest.feeds().map(|feed| feed.rows).sum();
    let packages: u64 = built.manifest.feeds().map(|feed| feed.packages).sum();
    println!(
        "  built in {took:.2?}: {:.0} records/s, {rows} rows, {packages} names, {} segments of which {} kept, {:.1} MiB, {:.1} bytes a record",
        approximate(records()) / took.as_secs_f64(),
        built.manifest.segments.len(),
        built.kept,
        approximate(built.bytes) / 1_048_576.0,
        approximate(built.bytes) / approximate(records()),
    );
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn approximate(number: u64) -> f64 {
    number as f64
}

fn open(folder: &Path) {
    let before = resident("VmRSS:");
    let start = Instant::now();
    let database = Database::open(&folder.join("advisories.db")).unwrap();
    let took = start.elapsed();
    println!(
        "  opened in {took:.2?}, {} MiB resident more",
        resident("VmRSS:").saturating_sub(before) / 1024
    );
    let chainguard = Ecosystem::new("Chainguard");
    let debian = Ecosystem::new("Debian:12");
    let npm = Ecosystem::new("npm");
    let absent: Vec<_> = (0..10_000).map(|n| format!("absent-{n}")).collect();
    println!(
        "  a name without advisories, first time: {:.0?}",
        average(&absent, |name| questions(&database, &npm, name))
    );
    println!(
        "  a name without advisories: {:.0?}",
        average(&absent, |name| questions(&database, &npm, name))
    );
    let few: Vec<_> = (0..200).map(|n| format!("@scope-{n}/module-{n}")).collect();
    println!(
        "  a name with one advisory, uncached: {:.1?}",
        average(&few, |name| questions(&database, &npm, name))
    );
    println!(
        "  a name with one advisory, cached: {:.1?}",
        average(&few, |name| questions(&database, &npm, name))
    );
    let packages: Vec<_> = (0..1000).map(|n| format!("source-{}", n * 12)).collect();
    for cache in ["uncached", "cached"] {
        let start = Instant::now();
        let found: usize = packages
            .iter()
            .map(|name| questions(&database, &debian, name))
            .sum();
        println!(
            "  1,000 packages of which half have advisories, {cache}: {:.1?}, {found} advisories",
            start.elapsed()
        );
    }
    println!(
        "  the vulnerability of an id: {:.1?}",
        average(&absent, |_| {
            usize::from(database.vulnerability("CVE-2007-7").unwrap().is_some())
        })
    );
    println!(
        "  a package with the most advisories: {:.1?}",
        average(&few, |_| { questions(&database, &chainguard, "package-0") })
    );
}

fn questions(database: &Database, ecosystem: &Ecosystem, name: &str) -> usize {
    database.advisories(ecosystem, name).unwrap().len()
}

fn average(names: &[String], ask: impl Fn(&str) -> usize) -> Duration {
    let start = Instant::now();
    for name in names {
        black_box(ask(name));
    }
    start.elapsed() / u32::try_from(names.len()).unwrap()
}

/// The fields of the synthesised records.
#[derive(Deserialize)]
struct Record {
    id: Box<str>,
    modified: Timestamp,
    published: Timestamp,
    upstream: Vec<Box<str>>,
    summary: Box<str>,
    affected: Vec<RecordAffected>,
}

#[derive(Deserialize)]
struct RecordAffected {
    package: RecordPackage,
    ranges: Vec<RecordRange>,
}

#[derive(Deserialize)]
struct RecordPackage {
    ecosystem: Box<str>,
    name: Box<str>,
}

#[derive(Deserialize)]
struct RecordRange {
    events: Vec<RecordEvent>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum RecordEvent {
    Introduced(Box<str>),
    Fixed(Box<str>),
}

fn parse(bytes: &[u8]) -> Result<Option<Advisory>, serde_json::Error> {
    let record: Record = serde_json::from_slice(bytes)?;
    Ok(Some(Advisory {
        id: record.id,
        vulnerabilities: record.upstream,
        published: Some(record.published),
        modified: Some(record.modified),
        severity: None,
        summary: record.summary,
        affected: record.affected.into_iter().map(one).collect(),
    }))
}

fn one(affected: RecordAffected) -> Affected {
    Affected {
        ecosystem: Ecosystem::new(&affected.package.ecosystem),
        package: affected.package.name,
        ranges: affected.ranges.into_iter().map(range).collect(),
        versions: Vec::new(),
        binaries: Vec::new(),
        module: None,
        severity: None,
    }
}

fn range(range: RecordRange) -> Range {
    let event = |event| match event {
        RecordEvent::Introduced(version) => Event::Introduced(version),
        RecordEvent::Fixed(version) => Event::Fixed(version),
    };
    Range {
        events: range.events.into_iter().map(event).collect(),
    }
}
