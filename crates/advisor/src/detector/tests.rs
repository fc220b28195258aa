use proptest::prelude::*;

use super::*;
use crate::detector::fixtures::{self, DATABASES, Fixture};

#[test]
fn a_file_is_known_by_its_name_and_its_folders() {
    let table = [
        ("var/lib/dpkg/status", Some(Detector::DpkgStatus)),
        ("usr/lib/sysimage/dpkg/status", Some(Detector::DpkgStatus)),
        ("var/lib/dpkg/status-old", None),
        ("var/lib/dpkg/available", None),
        ("opt/app/status", None),
        ("status", None),
        (
            "var/lib/dpkg/status.d/base-files",
            Some(Detector::DpkgControl),
        ),
        (
            "var/lib/dpkg/status.d/bGliYzY=",
            Some(Detector::DpkgControl),
        ),
        (
            "var/lib/dpkg/status.d/base-files/control",
            Some(Detector::DpkgControl),
        ),
        ("var/lib/dpkg/status.d/base-files/md5sums", None),
        ("var/lib/dpkg/status.d/base-files.md5sums", None),
        ("etc/app/status.d/one", None),
        ("var/lib/dpkg/updates/0001", Some(Detector::DpkgUpdate)),
        ("var/lib/dpkg/updates/tmp.i", None),
        ("lib/apk/db/installed", Some(Detector::ApkInstalled)),
        ("usr/lib/apk/db/installed", Some(Detector::ApkInstalled)),
        ("lib/apk/db/triggers", None),
        ("var/lib/rpm/rpmdb.sqlite", Some(Detector::RpmSqlite)),
        (
            "usr/lib/sysimage/rpm/rpmdb.sqlite",
            Some(Detector::RpmSqlite),
        ),
        ("usr/share/rpm/rpmdb.sqlite", Some(Detector::RpmSqlite)),
        ("var/lib/rpm/rpmdb.sqlite-wal", Some(Detector::RpmSqliteLog)),
        (
            "var/lib/rpm/rpmdb.sqlite-journal",
            Some(Detector::RpmSqliteLog),
        ),
        ("var/lib/rpm/rpmdb.sqlite-shm", None),
        ("var/lib/rpm/Packages", Some(Detector::RpmPackages)),
        ("var/lib/rpm/Packages.db", Some(Detector::RpmNdb)),
        ("var/lib/rpm/Name", None),
        ("mirror/dists/stable/Packages", None),
        (
            "var/lib/rpmmanifest/container-manifest-2",
            Some(Detector::RpmManifest),
        ),
        ("etc/os-release", Some(Detector::OsRelease)),
        ("usr/lib/os-release", Some(Detector::OsRelease)),
        ("etc/initrd-release", None),
        ("", None),
    ];
    for (path, expected) in table {
        assert_eq!(Detector::of(path), expected, "{path}");
    }
}

#[test]
fn every_place_of_a_database_has_a_parser() {
    let names = [
        "status",
        "installed",
        "rpmdb.sqlite",
        "container-manifest-1",
    ];
    for folder in DATABASE_FOLDERS {
        let known = names
            .iter()
            .any(|name| Detector::of(&format!("{folder}/{name}")).is_some());
        assert!(known, "{folder}");
    }
    for file in RELEASE_FILES {
        assert_eq!(Detector::of(file), Some(Detector::OsRelease));
    }
}

#[test]
fn what_may_hold_changes_is_refused_unless_it_is_empty() {
    let table = [
        (Detector::DpkgUpdate, DetectorError::UnmergedUpdate),
        (Detector::RpmSqliteLog, RpmError::UnmergedLog.into()),
    ];
    for (detector, error) in table {
        assert_eq!(detector.parse("a", b""), Ok(Detected::Nothing));
        assert_eq!(detector.parse("a", b"\0"), Err(error));
    }
}

#[test]
fn a_database_without_packages_is_told_from_one_that_has_some() {
    for detector in [
        Detector::DpkgStatus,
        Detector::DpkgControl,
        Detector::ApkInstalled,
    ] {
        assert_eq!(detector.parse("a", b""), Ok(Detected::EmptyDatabase));
    }
    let removed = b"Package: a\nStatus: deinstall ok config-files\nVersion: 1\n";
    assert_eq!(
        Detector::DpkgStatus.parse("a", removed),
        Ok(Detected::EmptyDatabase)
    );
}

/// The packages of a fixture that was cut off after so many bytes, or nothing where that is an error.
fn cut(fixture: &Fixture, bytes: usize) -> Option<Vec<Package>> {
    match fixture.detector.parse("a", &fixture.content[..bytes]) {
        Ok(Detected::Packages(packages)) => Some(packages),
        Ok(Detected::EmptyDatabase) => Some(Vec::new()),
        Ok(other) => panic!("{other:?}"),
        Err(_) => None,
    }
}

#[test]
fn a_database_that_was_cut_off_never_passes_for_a_shorter_one() {
    for fixture in DATABASES.iter() {
        let whole = cut(fixture, fixture.content.len()).expect(fixture.name);
        assert!(!whole.is_empty(), "{}", fixture.name);
        for bytes in 0..fixture.content.len() {
            if let Some(packages) = cut(fixture, bytes) {
                // Text that ends after a whole record is what the tool would write of fewer packages.
                let begun = fixture.records_begun(bytes);
                assert_eq!(packages.len(), begun, "{} of {bytes} bytes", fixture.name);
                for (package, whole) in packages.iter().zip(&whole) {
                    let known = |package: &Package| {
                        (
                            package.name.clone(),
                            package.version.clone(),
                            package.source.clone(),
                        )
                    };
                    assert_eq!(
                        known(package),
                        known(whole),
                        "{} of {bytes} bytes",
                        fixture.name
                    );
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for detector in fixtures::PARSERS {
            let _ = detector.parse("a", &bytes);
        }
    }

    #[test]
    fn no_damage_makes_a_parser_panic(
        which in any::<prop::sample::Index>(),
        damages in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut fixture = which.get(&*DATABASES).clone();
        for (place, byte) in damages {
            let place = place.index(fixture.content.len());
            fixture.content[place] = byte;
        }
        let _ = fixture.detector.parse("a", &fixture.content);
    }
}
