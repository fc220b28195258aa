use std::fmt::Write as _;

use cise_advisor::detector::fuzzing::{rpm_header, sqlite_blobs};
use cise_advisor::detector::{Detected, Detector, MAX_PACKAGES};
use cise_advisor::{Package, Release};

use crate::assert_message;

/// Where the databases are said to be.
const PATH: &str = "db";

/// The stanzas of dpkg: packages that are written as stanzas are read as they were, and one more stanza is one more package.
pub(crate) fn dpkg(bytes: &[u8]) {
    let of_control = packages(Detector::DpkgControl, bytes);
    let Some(packages) = packages(Detector::DpkgStatus, bytes) else {
        return;
    };
    assert_eq!(
        of_control.as_ref(),
        Some(&packages),
        "a status is a control file with more fields"
    );
    assert_grows(
        Detector::DpkgStatus,
        bytes,
        "Package: more\nStatus: install ok installed\nVersion: 1\n",
    );
    let mut stanzas = String::new();
    for package in &packages {
        let Package {
            name,
            version,
            architecture,
            source,
            vendor,
            ..
        } = package;
        let (source, source_version) = (&source.name, &source.version);
        // An architecture that is not there is not empty.
        let field = if architecture.is_empty() {
            "X-None"
        } else {
            "Architecture"
        };
        let written = writeln!(
            stanzas,
            "Package: {name}\nStatus: install ok installed\nSource: {source} ({source_version})\nVersion: {version}\n\
             {field}: {architecture}\nMaintainer: {vendor}\n"
        );
        assert!(written.is_ok());
    }
    assert_same(Detector::DpkgStatus, &stanzas, &packages);
}

/// The records of apk, as the stanzas of dpkg.
pub(crate) fn apk(bytes: &[u8]) {
    let Some(packages) = packages(Detector::ApkInstalled, bytes) else {
        return;
    };
    assert_grows(Detector::ApkInstalled, bytes, "P:more\nV:1\n\n");
    let mut records = String::new();
    for package in &packages {
        let Package {
            name,
            version,
            architecture,
            source,
            vendor,
            ..
        } = package;
        let origin = &source.name;
        let field = if architecture.is_empty() { "X" } else { "A" };
        let written = writeln!(
            records,
            "P:{name}\nV:{version}\n{field}:{architecture}\no:{origin}\nm:{vendor}\n"
        );
        assert!(written.is_ok());
    }
    assert_same(Detector::ApkInstalled, &records, &packages);
}

/// A header is whole or broken: with a byte more or less it is not read.
pub(crate) fn header(bytes: &[u8]) {
    match rpm_header(bytes) {
        Ok(package) => {
            package.iter().for_each(assert_shown);
            let shorter = bytes.split_last().map_or(bytes, |(_, shorter)| shorter);
            assert!(rpm_header(shorter).is_err(), "read without its last byte");
            assert!(
                rpm_header(&[bytes, &[0]].concat()).is_err(),
                "read with a byte more"
            );
        }
        Err(error) => assert_message(&error),
    }
}

/// rpm's database: its rows are in order and fit into the file, and pages that belong to no table say nothing.
pub(crate) fn sqlite(bytes: &[u8]) {
    /// A whole number of pages, whatever their size.
    static MORE: [u8; 65_536] = [0; 65_536];
    packages(Detector::RpmSqlite, bytes);
    match sqlite_blobs(bytes) {
        Ok(blobs) => {
            assert!(
                blobs.is_sorted_by(|(one, _), (other, _)| one < other),
                "out of order"
            );
            let size: usize = blobs.iter().map(|(_, size)| size).sum();
            assert!(
                size <= bytes.len(),
                "{size} bytes of rows in {} bytes",
                bytes.len()
            );
            assert_eq!(sqlite_blobs(&[bytes, &MORE].concat()), Ok(blobs));
        }
        Err(error) => assert_message(&error),
    }
}

/// A release that is written with quotes is read as it was.
pub(crate) fn os_release(bytes: &[u8]) {
    match Detector::OsRelease.parse(PATH, bytes) {
        Ok(Detected::Release(release)) => {
            let quoted = |text: &str| {
                let escaped = text.chars().flat_map(|character| {
                    let escape = matches!(character, '"' | '\\' | '$' | '`').then_some('\\');
                    escape.into_iter().chain([character])
                });
                format!("\"{}\"", escaped.collect::<String>())
            };
            let Release {
                id,
                version,
                codename,
                pretty,
                cpe,
            } = &release;
            let fields = [
                ("ID", id),
                ("VERSION_ID", version),
                ("VERSION_CODENAME", codename),
                ("PRETTY_NAME", pretty),
                ("CPE_NAME", cpe),
            ];
            let mut text = String::new();
            for (name, value) in fields {
                assert!(writeln!(text, "{name}={}", quoted(value)).is_ok());
            }
            assert_eq!(
                Detector::OsRelease.parse(PATH, text.as_bytes()),
                Ok(Detected::Release(release))
            );
        }
        Ok(other) => assert!(matches!(other, Detected::Release(_)), "{other:?}"),
        Err(error) => assert_message(&error),
    }
}

/// The packages of a database that is in order.
fn packages(detector: Detector, bytes: &[u8]) -> Option<Vec<Package>> {
    match detector.parse(PATH, bytes) {
        Ok(Detected::Packages(packages)) => {
            assert!((1..=MAX_PACKAGES).contains(&packages.len()));
            packages.iter().for_each(assert_shown);
            Some(packages)
        }
        Ok(Detected::EmptyDatabase) => Some(Vec::new()),
        Ok(other) => {
            assert!(matches!(other, Detected::Packages(_)), "{other:?}");
            None
        }
        Err(error) => {
            assert_message(&error);
            None
        }
    }
}

/// What is compared is a word, and what is shown drives no terminal.
fn assert_shown(package: &Package) {
    let words = [
        &package.name,
        &package.version,
        &package.source.name,
        &package.source.version,
    ];
    for word in words.into_iter().chain(&package.module) {
        assert!(
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_graphic()),
            "{word:?}"
        );
    }
    assert!(
        !package.vendor.contains(char::is_control),
        "{:?}",
        package.vendor
    );
}

fn assert_grows(detector: Detector, bytes: &[u8], record: &str) {
    let count = |bytes: &[u8]| packages(detector, bytes).map(|packages| packages.len());
    let longer = [bytes, b"\n", record.as_bytes()].concat();
    assert_eq!(count(&longer), count(bytes).map(|count| count + 1));
}

fn assert_same(detector: Detector, written: &str, expected: &[Package]) {
    assert_eq!(
        packages(detector, written.as_bytes()).as_deref(),
        Some(expected),
        "{written}"
    );
}
