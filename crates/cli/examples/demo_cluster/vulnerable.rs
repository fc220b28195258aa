//! An image with a fault, and an advisory database that knows of it.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cise_testkit::images::{Format, Image};
use jiff::Timestamp;
use serde_json::json;

/// A distribution, and the packages that its package manager wrote down.
pub(crate) const DEBIAN: [(&str, &str); 2] = [
    (
        "etc/os-release",
        include_str!("../../../advisor/fixtures/detectors/os-release/debian"),
    ),
    (
        "var/lib/dpkg/status",
        include_str!("../../../advisor/fixtures/detectors/dpkg/status"),
    ),
];

/// An image of a distribution, one of whose packages has a published fix.
pub(crate) fn image() -> Result<Image, cise_testkit::Error> {
    Image::new(Format::Docker, &DEBIAN)
}

/// A database that knows of that fix and of nothing else, made by this `cise` in this folder.
pub(crate) fn database(cise: &Path, folder: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let (source, database) = (folder.join("advisories"), folder.join("advisories.db"));
    let modified = "2026-01-02T00:00:00Z";
    let record = json!({
        "id": "DSA-9001-1", "modified": modified, "published": modified, "upstream": ["CVE-2026-9001"],
        "affected": [{
            "package": { "ecosystem": "Debian:12", "name": "plain" },
            "ranges": [{ "type": "ECOSYSTEM", "events": [{ "introduced": "0" }, { "fixed": "1.2-4" }] }],
        }],
    });
    fs::create_dir(&source)?;
    fs::write(source.join("DSA-9001-1.json"), record.to_string())?;
    let built = Command::new(cise)
        .args(["db", "build", "--covers", "Debian", "--as-of"])
        .arg(Timestamp::now().to_string())
        .arg("-o")
        .args([&database, &source])
        .output()?;
    if !built.status.success() {
        return Err(String::from_utf8_lossy(&built.stderr).into());
    }
    Ok(database)
}
