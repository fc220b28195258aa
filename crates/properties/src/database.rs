use std::collections::HashMap;
use std::fs;
use std::sync::OnceLock;

use cise_advisor::database::build::fuzzing::{MAX_BYTES, records};
use cise_advisor::database::build::{Build, Input, build};
use cise_advisor::database::{Database, FixDates, fuzzing};
use cise_advisor::osv::parse;
use cise_advisor::{Advisory, Ecosystem};
use jiff::Timestamp;
use tempfile::NamedTempFile;

use crate::assert_message;

/// The parts of a file whose hashes are true, as one that was made up would have them.
pub(crate) fn parts(bytes: &[u8]) {
    fuzzing::parts(bytes);
}

/// A zip archive: each record that it names is read within its bound, or told why it is not.
pub(crate) fn archive(bytes: &[u8]) {
    let Some(file) = written(bytes) else { return };
    match records(file.path()) {
        Ok(records) => {
            for (_, read) in records {
                match read {
                    Ok(length) => assert!(length as u64 <= MAX_BYTES),
                    Err(why) => assert!(why.len() < 1024, "{why}"),
                }
            }
        }
        Err(error) => assert!(error.to_string().len() < 1024, "{error}"),
    }
}

/// Five bytes for each byte that is changed in a genuine file, its place and what it is changed by; a change by nothing cuts
/// the file there. Whatever is damaged, an answer is the true one, or an error.
pub(crate) fn damage(bytes: &[u8]) {
    let Some(genuine) = genuine() else {
        unreachable!("a database can be built")
    };
    let mut damaged = genuine.bytes.clone();
    for edit in bytes.chunks_exact(5).take(64) {
        let [a, b, c, d, by] = edit else { continue };
        let place = u32::from_le_bytes([*a, *b, *c, *d]) as usize % damaged.len().max(1);
        match damaged.get_mut(place) {
            Some(byte) if *by > 0 => *byte ^= by,
            _ => damaged.truncate(place),
        }
    }
    let Some(file) = written(&damaged) else {
        return;
    };
    let shown = |error: String| {
        let error = error.replace(&*file.path().to_string_lossy(), "the file");
        assert_message(&error);
    };
    let database = match Database::open(file.path()) {
        Ok(database) => database,
        Err(error) => return shown(error.to_string()),
    };
    for (package, expected) in &genuine.answers {
        match database.advisories(&debian(), package) {
            Ok(answer) => assert_eq!(*answer, **expected, "{package}"),
            Err(error) => shown(error.to_string()),
        }
        match database.fix_dates(&debian(), package) {
            Ok(dates) => assert_eq!(Some(&dates), genuine.dates.get(package), "{package}"),
            Err(error) => shown(error.to_string()),
        }
    }
    match database.vulnerability("CVE-2024-7") {
        Ok(answer) => assert_eq!(format!("{answer:?}"), genuine.vulnerability),
        Err(error) => shown(error.to_string()),
    }
}

/// A database, and what it says.
struct Genuine {
    bytes: Vec<u8>,
    answers: Vec<(String, Vec<Advisory>)>,
    dates: HashMap<String, FixDates>,
    vulnerability: String,
}

fn debian() -> Ecosystem {
    Ecosystem::new("Debian:12")
}

fn genuine() -> Option<&'static Genuine> {
    static GENUINE: OnceLock<Option<Genuine>> = OnceLock::new();
    GENUINE.get_or_init(made).as_ref()
}

/// A database of some records, with more than one in a group of names. Half of them were not in an earlier one.
fn made() -> Option<Genuine> {
    let folder = tempfile::tempdir().ok()?;
    let (records, output) = (folder.path().join("Debian"), folder.path().join("db"));
    fs::create_dir(&records).ok()?;
    let packages: Vec<String> = (0..40).map(|number| format!("package{number}")).collect();
    for (half, now) in packages.chunks(20).zip(BUILDS) {
        for package in half {
            let number = package.trim_start_matches("package");
            fs::write(records.join(format!("{number}.json")), record(number)).ok()?;
        }
        let inputs = [Input::new(&records)];
        let now: Timestamp = now.parse().ok()?;
        let parse = |record: &[u8]| parse(record, now);
        build(&Build::new(now), &inputs, &output, &parse, &mut |_| {}).ok()?;
    }
    let database = Database::open(&output).ok()?;
    let absent = ["package", "zlib"].map(str::to_owned);
    let asked: Vec<String> = packages.into_iter().chain(absent).collect();
    let answers = asked.iter().map(|package| {
        let answer = database.advisories(&debian(), package).ok()?;
        Some((package.clone(), answer.to_vec()))
    });
    let dates = asked.iter().map(|package| {
        let dates = database.fix_dates(&debian(), package).ok()?;
        Some((package.clone(), dates))
    });
    let vulnerability = database.vulnerability("CVE-2024-7").ok()?;
    Some(Genuine {
        bytes: fs::read(&output).ok()?,
        answers: answers.collect::<Option<_>>()?,
        dates: dates.collect::<Option<_>>()?,
        vulnerability: format!("{vulnerability:?}"),
    })
}

/// When the database is built.
const BUILDS: [&str; 2] = ["2024-04-01T00:00:00Z", "2024-04-02T00:00:00Z"];

fn record(number: &str) -> String {
    let record = serde_json::json!({
        "id": format!("DEBIAN-CVE-2024-{number}"), "modified": "2024-03-20T12:00:00Z", "published": "2024-03-01T12:00:00Z",
        "upstream": [format!("CVE-2024-{number}")], "summary": "a summary",
        "affected": [{"package": {"ecosystem": "Debian:12", "name": format!("package{number}")},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": format!("1.{number}")}]}]}],
    });
    record.to_string()
}

fn written(bytes: &[u8]) -> Option<NamedTempFile> {
    let file = NamedTempFile::new().ok()?;
    fs::write(file.path(), bytes).ok()?;
    Some(file)
}
