//! Archives of advisories: what is read of those that somebody has, and those that are written of facts stated here.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use cise_advisor::{Event, osv};
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use jiff::Timestamp;
use rawzip::{CompressionMethod, RECOMMENDED_BUFFER_SIZE, ZipArchive, ZipArchiveWriter};
use serde_json::{Value, json};

use crate::tools;

/// Archives in the places where osv-scanner looks for them; `cise db build` is given the same files.
pub(crate) struct Archives(PathBuf);

impl Archives {
    pub(crate) fn new(folder: &Path) -> Result<Self> {
        tools::folder(folder).map(|folder| Self(folder.to_owned()))
    }

    /// The folder that osv-scanner is told.
    pub(crate) fn folder(&self) -> &Path {
        &self.0
    }

    /// Takes over an archive as the one of an ecosystem.
    pub(crate) fn take(&self, ecosystem: &str, archive: &Path) -> Result<()> {
        let place = self.place(ecosystem)?;
        fs::copy(archive, &place)
            .with_context(|| format!("copying {}", archive.display()))
            .map(drop)
    }

    /// Writes records as the archive of an ecosystem.
    pub(crate) fn write(&self, ecosystem: &str, records: &[Value]) -> Result<()> {
        let file = BufWriter::new(File::create(self.place(ecosystem)?)?);
        let mut zip = ZipArchiveWriter::new(file);
        for record in records {
            let id = record.get("id").and_then(Value::as_str).unwrap_or_default();
            let (mut entry, config) = zip
                .new_file(&*format!("{id}.json"))
                .compression_method(CompressionMethod::DEFLATE)
                .start()?;
            let mut writer = config.wrap(DeflateEncoder::new(&mut entry, Compression::default()));
            writer.write_all(record.to_string().as_bytes())?;
            let (deflated, descriptor) = writer.finish()?;
            deflated.finish()?;
            entry.finish(descriptor)?;
        }
        zip.finish()?.flush()?;
        Ok(())
    }

    /// All of them.
    pub(crate) fn files(&self) -> Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(self.0.join(LOCAL))? {
            files.push(entry?.path().join("all.zip"));
        }
        files.sort();
        Ok(files)
    }

    fn place(&self, ecosystem: &str) -> Result<PathBuf> {
        let folder = self.0.join(LOCAL).join(ecosystem);
        Ok(tools::folder(&folder)?.join("all.zip"))
    }
}

/// The folder below the one that osv-scanner is told.
const LOCAL: &str = "osv-scalibr";

/// The published fixes of the packages of a release, in the order of the archive. Records that are no advisories are passed over.
pub(crate) fn fixes(archive: &Path, ecosystem: &str) -> Result<BTreeMap<String, Vec<String>>> {
    let mut fixes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    each(archive, |record| {
        let affected = osv::parse(record, Timestamp::MAX).ok().flatten();
        for affected in affected.into_iter().flat_map(|advisory| advisory.affected) {
            if affected.ecosystem.as_str() != ecosystem {
                continue;
            }
            let known = fixes.entry(affected.package.into()).or_default();
            for event in affected.ranges.into_iter().flat_map(|range| range.events) {
                if let Event::Fixed(fix) = event
                    && !known.iter().any(|known| **known == *fix)
                {
                    known.push(fix.into());
                }
            }
        }
    })?;
    Ok(fixes)
}

/// Calls `take` with every record of an archive.
fn each(archive: &Path, mut take: impl FnMut(&[u8])) -> Result<()> {
    let about = || format!("reading {}", archive.display());
    let mut buffer = vec![0; RECOMMENDED_BUFFER_SIZE];
    let file = File::open(archive).with_context(about)?;
    let zip = ZipArchive::from_file(file, &mut buffer).with_context(about)?;
    let mut entries = zip.entries(&mut buffer);
    while let Some(header) = entries.next_entry().with_context(about)? {
        if header.is_dir() {
            continue;
        }
        let method = header.compression_method();
        let entry = zip.get_entry(header.wayfinder())?;
        let mut text = Vec::new();
        match method {
            CompressionMethod::STORE => entry.reader().read_to_end(&mut text),
            _ => DeflateDecoder::new(entry.reader()).read_to_end(&mut text),
        }
        .with_context(about)?;
        take(&text);
    }
    Ok(())
}

/// A fact about packages: from which version on they are not affected; nothing, where no fix is published.
pub(crate) struct Fact<'a> {
    pub(crate) advisory: String,
    pub(crate) vulnerability: String,
    pub(crate) ecosystem: &'a str,
    pub(crate) packages: &'a [&'a str],
    pub(crate) fix: Option<&'a str>,
    pub(crate) standing: Standing,
}

/// Whether an advisory still stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Stands,
    Withdrawn,
}

impl Fact<'_> {
    /// The fact as a record of osv.dev has it.
    pub(crate) fn record(&self) -> Value {
        let mut events = vec![json!({ "introduced": "0" })];
        events.extend(self.fix.map(|fix| json!({ "fixed": fix })));
        let affected: Vec<Value> = self
            .packages
            .iter()
            .map(|package| {
                json!({
                    "package": { "ecosystem": self.ecosystem, "name": package },
                    "ranges": [{ "type": "ECOSYSTEM", "events": events }],
                })
            })
            .collect();
        let mut record = json!({
            "schema_version": "1.7.0",
            "id": self.advisory,
            "modified": "2026-11-01T00:00:00Z",
            "published": "2026-11-01T00:00:00Z",
            "upstream": [self.vulnerability],
            "affected": affected,
        });
        if self.standing == Standing::Withdrawn
            && let Some(record) = record.as_object_mut()
        {
            record.insert("withdrawn".to_owned(), json!("2026-11-02T00:00:00Z"));
        }
        record
    }
}
