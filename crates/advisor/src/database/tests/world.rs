//! A folder with sources and a database.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use jiff::Timestamp;
use rawzip::{CompressionMethod, ZipArchiveWriter};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::database::Database;
use crate::database::build::{Build, BuildError, Built, Input, build};
use crate::{Advisory, Affected, Ecosystem, Event, Range};

/// When records were changed, unless they say otherwise.
pub(in crate::database) const CHANGED: &str = "2024-03-20T12:00:00Z";

pub(in crate::database) const KEV: &str = r#"{
    "title": "a catalogue", "catalogVersion": "2024.03.20", "dateReleased": "2024-03-20T15:00:00.1234Z", "count": 2,
    "vulnerabilities": [
        {"cveID": "CVE-2024-1", "vendorProject": "v", "product": "p", "vulnerabilityName": "n", "dateAdded": "2024-03-01",
         "shortDescription": "s", "requiredAction": "r", "dueDate": "2024-03-22", "knownRansomwareCampaignUse": "Known",
         "notes": "", "cwes": []},
        {"cveID": "CVE-2019-9", "dateAdded": "2022-01-10", "dueDate": "2022-07-10", "knownRansomwareCampaignUse": "Unknown"}
    ]
}"#;

pub(in crate::database) const EPSS: &str =
    "#model_version:v2025.03.14,score_date:2026-03-20T12:55:00Z
cve,epss,percentile
CVE-2019-8,0.00042,0.1
CVE-2024-1,0.94358,0.99999
";

pub(in crate::database) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A record of OSV.
#[derive(Clone)]
pub(in crate::database) struct Record {
    id: String,
    json: Value,
}

impl Record {
    pub(in crate::database) fn new(id: &str) -> Self {
        let json = json!({"id": id, "modified": CHANGED, "published": CHANGED, "affected": []});
        Self {
            id: id.to_owned(),
            json,
        }
    }

    fn with(mut self, field: &str, value: Value) -> Self {
        self.json[field] = value;
        self
    }

    pub(in crate::database) fn names(self, vulnerabilities: &[&str]) -> Self {
        self.with("upstream", json!(vulnerabilities))
    }

    pub(in crate::database) fn modified(self, time: &str) -> Self {
        self.with("modified", json!(time))
    }

    pub(in crate::database) fn severity(self, vector: &str) -> Self {
        self.with("severity", json!([{"type": "CVSS_V3", "score": vector}]))
    }

    pub(in crate::database) fn summary(self, summary: &str) -> Self {
        self.with("summary", json!(summary))
    }

    pub(in crate::database) fn withdrawn(self) -> Self {
        self.with("withdrawn", json!(CHANGED))
    }

    pub(in crate::database) fn fixed(
        mut self,
        ecosystem: &str,
        package: &str,
        version: &str,
    ) -> Self {
        self.json["affected"].as_array_mut().unwrap().push(json!({
            "package": {"ecosystem": ecosystem, "name": package},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": version}]}],
        }));
        self
    }
}

/// Reads the records above, and no others.
fn parse(bytes: &[u8]) -> Result<Option<Advisory>, String> {
    let json: Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let text = |value: &Value| {
        value
            .as_str()
            .map(Box::from)
            .ok_or_else(|| format!("{value} is no text"))
    };
    if json["withdrawn"].is_string() {
        return Ok(None);
    }
    let id: Box<str> = text(&json["id"])?;
    let mut affected = Vec::new();
    for one in json["affected"].as_array().into_iter().flatten() {
        let events = one["ranges"][0]["events"].as_array().into_iter().flatten();
        let events = events.map(|event| match (&event["introduced"], &event["fixed"]) {
            (introduced, Value::Null) => text(introduced).map(Event::Introduced),
            (_, fixed) => text(fixed).map(Event::Fixed),
        });
        affected.push(Affected {
            ecosystem: Ecosystem::new(&text(&one["package"]["ecosystem"])?),
            package: text(&one["package"]["name"])?,
            ranges: vec![Range {
                events: events.collect::<Result<_, _>>()?,
            }],
            versions: Vec::new(),
            binaries: Vec::new(),
            module: None,
            severity: None,
        });
    }
    let names: Vec<Box<str>> = json["upstream"]
        .as_array()
        .into_iter()
        .flatten()
        .map(text)
        .collect::<Result<_, _>>()?;
    Ok(Some(Advisory {
        vulnerabilities: if names.is_empty() {
            vec![id.clone()]
        } else {
            names
        },
        id,
        published: json["published"].as_str().map(at),
        modified: json["modified"].as_str().map(at),
        severity: json["severity"][0]["score"].as_str().map(Box::from),
        summary: json["summary"].as_str().unwrap_or_default().into(),
        affected,
    }))
}

fn add(zip: &mut ZipArchiveWriter<Vec<u8>>, file: &str, content: &str) {
    let file = zip
        .new_file(file)
        .compression_method(CompressionMethod::DEFLATE);
    let (mut entry, config) = file.start().unwrap();
    let mut writer = config.wrap(DeflateEncoder::new(&mut entry, Compression::fast()));
    writer.write_all(content.as_bytes()).unwrap();
    let (deflated, descriptor) = writer.finish().unwrap();
    deflated.finish().unwrap();
    entry.finish(descriptor).unwrap();
}

fn add_empty(zip: &mut ZipArchiveWriter<Vec<u8>>, file: &str) {
    let file = zip
        .new_file(file)
        .compression_method(CompressionMethod::STORE);
    let (mut entry, config) = file.start().unwrap();
    let (_, descriptor) = config.wrap(&mut entry).finish().unwrap();
    entry.finish(descriptor).unwrap();
}

pub(in crate::database) struct World {
    folder: TempDir,
    inputs: BTreeMap<String, Input>,
    pub(in crate::database) settings: Build,
}

impl World {
    pub(in crate::database) fn new() -> Self {
        let mut settings = Build::new(at("2024-06-01T00:00:00Z"));
        settings.sort_bytes = 100_000;
        Self {
            folder: tempfile::tempdir().unwrap(),
            inputs: BTreeMap::new(),
            settings,
        }
    }

    pub(in crate::database) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn input(&mut self, name: &str) {
        let input = Input::new(self.path(name));
        self.inputs.entry(name.to_owned()).or_insert(input);
    }

    pub(in crate::database) fn raw(&mut self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
        self.input(name);
    }

    pub(in crate::database) fn raw_archive(&mut self, name: &str, files: &[(&str, &str)]) {
        let mut zip = ZipArchiveWriter::new(Vec::new());
        for (file, content) in files {
            match *content {
                "" => add_empty(&mut zip, file),
                content => add(&mut zip, file, content),
            }
        }
        self.raw(name, &zip.finish().unwrap());
    }

    pub(in crate::database) fn archive(&mut self, name: &str, records: &[Record]) {
        let files: Vec<_> = records
            .iter()
            .map(|record| (format!("{}.json", record.id), record.json.to_string()))
            .collect();
        let files: Vec<_> = files
            .iter()
            .map(|(name, json)| (&**name, &**json))
            .collect();
        self.raw_archive(name, &files);
    }

    pub(in crate::database) fn folder(&mut self, name: &str, records: &[Record]) {
        fs::create_dir_all(self.path(name)).unwrap();
        for record in records {
            let file = self.path(name).join(format!("{}.json", record.id));
            fs::write(file, record.json.to_string()).unwrap();
        }
        self.input(name);
    }

    pub(in crate::database) fn copy(&mut self, other: &Self, name: &str) {
        self.raw(name, &fs::read(other.path(name)).unwrap());
    }

    pub(in crate::database) fn remove(&mut self, name: &str) {
        self.inputs.remove(name);
    }

    pub(in crate::database) fn declare(
        &mut self,
        name: &str,
        covers: &[&str],
        as_of: Option<&str>,
    ) {
        let input = self.inputs.get_mut(name).unwrap();
        input.covers = covers.iter().map(|name| Box::from(*name)).collect();
        input.as_of = as_of.map(at);
    }

    /// Changes one byte of a file.
    pub(in crate::database) fn damage(&self, name: &str, offset: usize) {
        let mut bytes = fs::read(self.path(name)).unwrap();
        bytes[offset] ^= 0x55;
        fs::write(self.path(name), bytes).unwrap();
    }

    pub(in crate::database) fn try_build(&self) -> Result<Built, BuildError> {
        let inputs: Vec<_> = self.inputs.values().cloned().collect();
        build(
            &self.settings,
            &inputs,
            &self.database(),
            &parse,
            &mut |_| {},
        )
    }

    pub(in crate::database) fn build(&self) -> Built {
        self.try_build().unwrap()
    }

    pub(in crate::database) fn database(&self) -> PathBuf {
        self.path("advisories.db")
    }

    pub(in crate::database) fn bytes(&self) -> Vec<u8> {
        fs::read(self.database()).unwrap()
    }

    pub(in crate::database) fn open(&self) -> Database {
        Database::open(&self.database()).unwrap()
    }
}
