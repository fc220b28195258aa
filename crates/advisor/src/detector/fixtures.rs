//! What real tools wrote; `fixtures/detectors/README.md` says how.

use std::io::Read as _;
use std::sync::{Arc, LazyLock};

use flate2::read::GzDecoder;

use super::Detector;
use crate::{Manager, Package, SourcePackage};

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../../fixtures/detectors/", $name))
    };
}

pub(super) const DPKG_STATUS: &[u8] = fixture!("dpkg/status");
pub(super) const DPKG_STATUS_WITHOUT_BLANKS: &[u8] = fixture!("dpkg/status-without-blanks");
pub(super) const DPKG_QUERY: &[u8] = fixture!("dpkg/status.tsv");
pub(super) const DPKG_CONTROL: &[u8] = fixture!("dpkg/control");
pub(super) const APK_INSTALLED: &[u8] = fixture!("apk/installed");
pub(super) const APK_QUERY: &[u8] = fixture!("apk/installed.json");
pub(super) const RPM_SQLITE: &[u8] = fixture!("rpm/rpmdb.sqlite.gz");
pub(super) const RPM_QUERY: &[u8] = fixture!("rpm/rpmdb.tsv");
pub(super) const RPM_HEADER: &[u8] = fixture!("rpm/header");
pub(super) const RPM_PACKAGES: &[u8] = fixture!("rpm/Packages");
pub(super) const SQLITE_512: &[u8] = fixture!("sqlite/rpmdb-512.sqlite.gz");
pub(super) const SQLITE_65536: &[u8] = fixture!("sqlite/rpmdb-65536.sqlite.gz");
pub(super) const SQLITE_DEEP: &[u8] = fixture!("sqlite/deep.sqlite.gz");

pub(super) const PARSERS: [Detector; 10] = [
    Detector::DpkgStatus,
    Detector::DpkgControl,
    Detector::DpkgUpdate,
    Detector::ApkInstalled,
    Detector::RpmSqlite,
    Detector::RpmSqliteLog,
    Detector::RpmPackages,
    Detector::RpmNdb,
    Detector::RpmManifest,
    Detector::OsRelease,
];

/// A package database.
#[derive(Clone, Debug)]
pub(super) struct Fixture {
    pub(super) name: &'static str,
    pub(super) detector: Detector,
    pub(super) content: Vec<u8>,
    /// How a record begins, where whole records are a whole database.
    start: Option<&'static str>,
}

impl Fixture {
    /// How many records of installed packages begin in the first `bytes`.
    pub(super) fn records_begun(&self, bytes: usize) -> usize {
        let start = self
            .start
            .expect("a part of the database was taken for the whole");
        let text = str::from_utf8(&self.content[..bytes]).unwrap();
        let records = text.split("\n\n").filter(|record| record.contains(start));
        records
            .filter(|record| !record.contains("config-files") && !record.contains("not-installed"))
            .count()
    }
}

pub(super) static DATABASES: LazyLock<[Fixture; 7]> = LazyLock::new(|| {
    let fixture = |name, detector, content: &[u8], start| Fixture {
        name,
        detector,
        content: content.to_vec(),
        start,
    };
    [
        fixture(
            "status",
            Detector::DpkgStatus,
            DPKG_STATUS,
            Some("Package: "),
        ),
        fixture(
            "status without blanks",
            Detector::DpkgStatus,
            DPKG_STATUS_WITHOUT_BLANKS,
            Some("Package: "),
        ),
        fixture(
            "control",
            Detector::DpkgControl,
            DPKG_CONTROL,
            Some("Package: "),
        ),
        fixture(
            "installed",
            Detector::ApkInstalled,
            APK_INSTALLED,
            Some("P:"),
        ),
        fixture(
            "rpmdb.sqlite",
            Detector::RpmSqlite,
            &inflate(RPM_SQLITE),
            None,
        ),
        fixture(
            "pages of 512 bytes",
            Detector::RpmSqlite,
            &inflate(SQLITE_512),
            None,
        ),
        fixture(
            "pages of 65536 bytes",
            Detector::RpmSqlite,
            &inflate(SQLITE_65536),
            None,
        ),
    ]
});

pub(super) fn inflate(gzip: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    GzDecoder::new(gzip).read_to_end(&mut content).unwrap();
    content
}

/// The columns of a table that a tool printed, a row each line.
pub(super) fn table(tsv: &'static [u8]) -> impl Iterator<Item = Vec<&'static str>> {
    let lines = str::from_utf8(tsv).unwrap().lines();
    lines.map(|line| line.split('\t').collect())
}

/// A package of the database `db`, without a vendor and a module, built from a source of its own name and version.
pub(super) fn package(manager: Manager, name: &str, version: &str, architecture: &str) -> Package {
    Package {
        manager,
        name: name.into(),
        version: version.into(),
        architecture: architecture.into(),
        source: SourcePackage {
            name: name.into(),
            version: version.into(),
        },
        vendor: Box::default(),
        module: None,
        recorded_in: Arc::from("db"),
    }
}
