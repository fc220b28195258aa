//! Records, synthesised in the proportions of OSV: half of them of one distribution with a record per package and vulnerability, a
//! quarter of three releases of another, a quarter of a language with a package each.

use std::env;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result};
use flate2::Compression;
use flate2::write::DeflateEncoder;
use rawzip::{CompressionMethod, ZipArchiveWriter};

use crate::apart::Figures;

/// The archives.
pub(crate) const ARCHIVES: [&str; 3] = ["Chainguard", "Debian", "npm"];

/// How many source packages the distribution with three releases has. Of [`MANY`] records each has eight in each release: more than
/// most packages of real distributions that have any.
pub(crate) const SOURCES: u64 = 60_000;

/// How many records the large database has.
const MANY: u64 = 2_000_000;

/// How many records this run is about.
pub(crate) fn count() -> Result<u64> {
    env::var("DATABASE_RECORDS").map_or(Ok(MANY), |count| {
        count
            .parse()
            .with_context(|| format!("DATABASE_RECORDS is `{count}`: expected a number"))
    })
}

/// Writes the archives into a folder.
pub(crate) fn synthesise(folder: &Path) -> Result<Figures> {
    let records = count()?;
    archive(&folder.join("Chainguard.zip"), records / 2, |n| {
        let package = format!("package-{}", n % 8_000);
        let affected = affected("Chainguard", &package, n);
        let id = format!("CGA-{:04x}-{n:08x}", n % 65_521);
        record(&id, n % 300_000, &affected)
    })?;
    archive(&folder.join("Debian.zip"), records / 4, |n| {
        let package = format!("source-{}", n % SOURCES);
        let affected =
            ["Debian:11", "Debian:12", "Debian:13"].map(|release| affected(release, &package, n));
        let id = format!("DEBIAN-CVE-{}-{n}", 2000 + n % 26);
        record(&id, n % 300_000, &affected.join(","))
    })?;
    archive(&folder.join("npm.zip"), records / 4, |n| {
        let affected = affected("npm", &module(n), n);
        record(&format!("MAL-2024-{n}"), n % 300_000, &affected)
    })?;
    Ok(Figures::new())
}

/// The package of the language that a record is about.
pub(crate) fn module(n: u64) -> String {
    format!("@scope-{}/module-{n}", n % 977)
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

fn archive(path: &Path, records: u64, one: impl Fn(u64) -> String) -> Result<()> {
    let mut zip = ZipArchiveWriter::new(BufWriter::new(File::create(path)?));
    for n in 0..records {
        let name = format!("{n}.json");
        let (mut entry, config) = zip
            .new_file(&*name)
            .compression_method(CompressionMethod::DEFLATE)
            .start()?;
        let mut writer = config.wrap(DeflateEncoder::new(&mut entry, Compression::fast()));
        writer.write_all(one(n).as_bytes())?;
        let (deflated, descriptor) = writer.finish()?;
        deflated.finish()?;
        entry.finish(descriptor)?;
    }
    zip.finish()?.flush()?;
    Ok(())
}
