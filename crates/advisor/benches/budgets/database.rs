//! What the advisory database costs at scale: its build, its size, its opening, its memory, and a question to it.

use std::path::Path;
use std::time::Instant;
use std::{env, fs};

use anyhow::Result;
use cise_advisor::database::build::{Build, Input, build};
use cise_advisor::osv;
use cise_testkit::figures::{Row, Unit};
use jiff::Timestamp;
use tempfile::TempDir;

use crate::apart::{Figures, Found, step};
use crate::{process, progress, records};

/// How many records the figures "per 100,000" are of.
const SHARE: u64 = 100_000;

/// The database, in a folder.
pub(crate) const FILE: &str = "advisories.db";

pub(crate) fn measure() -> Result<Vec<Row>> {
    let mut rows = of_size(SHARE, built)?;
    rows.extend(of_size(records::count()?, |folder, count| {
        let mut rows = built(folder, count)?;
        progress("asking the large database");
        rows.extend(asked(&step("ask", folder, count)?, count)?);
        Ok(rows)
    })?);
    Ok(rows)
}

/// A folder that is gone at the end. Databases of millions of records do not fit into every `/tmp`.
pub(crate) fn folder() -> Result<TempDir> {
    let parent = env::var_os("DATABASE_FOLDER").unwrap_or_else(|| env::temp_dir().into());
    Ok(tempfile::tempdir_in(parent)?)
}

fn of_size(count: u64, rows: impl Fn(&Path, u64) -> Result<Vec<Row>>) -> Result<Vec<Row>> {
    let folder = folder()?;
    progress(&format!("synthesising {count} records"));
    step("synthesise", folder.path(), count)?;
    rows(folder.path(), count)
}

fn built(folder: &Path, count: u64) -> Result<Vec<Row>> {
    progress(&format!("building a database of {count} records, twice"));
    let (first, again) = (step("build", folder, count)?, step("build", folder, count)?);
    let millions = thousands(count);
    let rows_in = format!("{:.0} rows", first.get("rows")?);
    Ok(vec![
        Row::new(
            format!("building a database of {millions} records: memory at most"),
            first.get("memory")?,
            Unit::Mebibytes,
        )
        .at_most(256.0),
        Row::new(
            format!("building a database of {millions} records: time"),
            first.get("time")?,
            Unit::Seconds,
        )
        .remark(rows_in),
        Row::new(
            format!("building it anew of the same {millions} records: time"),
            again.get("time")?,
            Unit::Seconds,
        ),
        Row::new(
            format!("a database of {millions} records: size"),
            first.get("size")?,
            Unit::Mebibytes,
        )
        .remark(format!(
            "{:.1} MiB per 100,000 records",
            first.get("size")? / approximate(count) * approximate(SHARE)
        )),
    ])
}

fn asked(found: &Found, count: u64) -> Result<Vec<Row>> {
    let count = thousands(count);
    Ok(vec![
        Row::new(
            format!("opening a database of {count} records: time"),
            found.get("opening")?,
            Unit::Milliseconds,
        )
        .at_most(150.0),
        Row::new(
            format!("a database of {count} records, open: memory"),
            found.get("memory")?,
            Unit::Mebibytes,
        )
        .at_most(64.0),
        Row::new(
            "a name without advisories",
            found.get("absent")?,
            Unit::Microseconds,
        )
        .at_most(1.0),
        Row::new(
            "10,000 names without advisories: reads",
            found.get("reads")?,
            Unit::Pieces,
        )
        .at_most(0.0)
        .remark("of the file or anything else, by the system's count"),
        Row::new(
            "a name in a cached block, not asked for before",
            found.get("block")?,
            Unit::Microseconds,
        )
        .at_most(5.0)
        .remark("one advisory, decoded"),
        Row::new(
            "a name that was asked for before",
            found.get("decoded")?,
            Unit::Microseconds,
        )
        .at_most(5.0),
        Row::new(
            "a name whose block is read, checked and inflated",
            found.get("fetched")?,
            Unit::Microseconds,
        ),
        Row::new(
            "an image of 1,000 packages, judged",
            found.get("aged")?,
            Unit::Milliseconds,
        )
        .at_most(10.0)
        .remark(format!(
            "{:.0} advisories of them, {:.0} issues; {:.0} ms with nothing cached",
            found.get("advisories")?,
            found.get("aged issues")?,
            found.get("cold")?
        )),
        Row::new(
            "the same of older versions",
            found.get("old")?,
            Unit::Milliseconds,
        )
        .at_most(10.0)
        .remark(format!("{:.0} issues", found.get("old issues")?)),
    ])
}

/// Builds the database of the archives in a folder, or builds it anew.
pub(crate) fn build_all(folder: &Path) -> Result<Figures> {
    let inputs = records::ARCHIVES.map(|name| Input {
        as_of: Some(Timestamp::now()),
        ..Input::new(folder.join(format!("{name}.zip")))
    });
    let (settings, file) = (Build::new(Timestamp::now()), folder.join(FILE));
    let start = Instant::now();
    let parse = |record: &[u8]| osv::parse(record, settings.now);
    let built = build(&settings, &inputs, &file, &parse, &mut |_| {})?;
    let took = start.elapsed();
    let rows: u64 = built.manifest.feeds().map(|feed| feed.rows).sum();
    let size = fs::metadata(&file)?.len();
    Ok([
        ("time", took.as_secs_f64()),
        ("memory", process::most_resident()?),
        ("rows", approximate(rows)),
        ("size", approximate(size) / 1_048_576.0),
    ]
    .into())
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
pub(crate) fn approximate(number: u64) -> f64 {
    number as f64
}

/// `2,000,000`.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
