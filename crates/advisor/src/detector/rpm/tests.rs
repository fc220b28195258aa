use super::*;
use crate::detector::fixtures::{
    self, RPM_HEADER, RPM_PACKAGES, RPM_QUERY, RPM_SQLITE, SQLITE_512, SQLITE_65536, SQLITE_DEEP,
    inflate,
};

fn packages_of(database: &[u8]) -> Vec<Package> {
    let mut packages = sqlite(&"db".into(), Content::Held(&inflate(database))).unwrap();
    packages.sort();
    packages
}

fn queried() -> Vec<Package> {
    let written = |text: &str| Some(text).filter(|text| *text != "(none)").map(Box::from);
    let rows = fixtures::table(RPM_QUERY).filter(|row| row[0] != KEY);
    let mut packages: Vec<Package> = rows
        .map(|row| Package {
            source: source(row[3].as_bytes()).unwrap(),
            vendor: written(row[4]).unwrap_or_default(),
            module: written(row[5]),
            ..fixtures::package(Manager::Rpm, row[0], row[1], row[2])
        })
        .collect();
    packages.sort();
    packages
}

#[test]
fn the_database_says_what_rpm_says() {
    let expected = queried();
    assert_eq!(expected.len(), 6);
    assert_eq!(packages_of(RPM_SQLITE), expected);
    let modular = expected
        .iter()
        .find(|package| &*package.name == "libmodular")
        .unwrap();
    assert_eq!(
        modular.module.as_deref(),
        Some("nodejs:18:8090020240101:rhel9")
    );
    assert_eq!(
        (&*modular.source.name, &*modular.source.version),
        ("modular", "18.19.0-1.module+el9")
    );
}

#[test]
fn the_size_of_pages_changes_nothing() {
    for database in [SQLITE_512, SQLITE_65536] {
        assert_eq!(packages_of(database), queried());
    }
}

#[test]
fn a_header_is_one_package() {
    let package = package(&"db".into(), RPM_HEADER).unwrap();
    assert_eq!(
        package,
        queried()
            .into_iter()
            .find(|package| &*package.name == "epochal")
    );
}

#[test]
fn rows_that_are_no_headers_are_refused() {
    let error = sqlite(&"db".into(), Content::Held(&inflate(SQLITE_DEEP))).unwrap_err();
    assert_eq!(
        error,
        RpmError::BadHeader {
            row: 1,
            fault: HeaderError::Lengths
        }
    );
}

#[test]
fn a_source_rpm_names_its_package_and_version() {
    let table = [
        (
            "bash-5.1.8-6.el9_1.src.rpm",
            Some(("bash", "5.1.8-6.el9_1")),
        ),
        (
            "java-1.8.0-openjdk-1.8.0.412.b08-2.el9.src.rpm",
            Some(("java-1.8.0-openjdk", "1.8.0.412.b08-2.el9")),
        ),
        ("kernel-6.4.0-1.nosrc.rpm", Some(("kernel", "6.4.0-1"))),
        ("tool-1.2.src.rpm", None),
        ("tool.src.rpm", None),
        ("-1-2.src.rpm", None),
        ("tool--2.src.rpm", None),
        ("tool-1-.src.rpm", None),
        ("tool-1-2.x86_64.rpm", None),
        ("(none)", None),
        ("", None),
        ("a b-1-2.src.rpm", None),
    ];
    for (file, expected) in table {
        let expected = expected.map(|(name, version)| SourcePackage {
            name: name.into(),
            version: version.into(),
        });
        assert_eq!(source(file.as_bytes()), expected, "{file}");
    }
}

#[test]
fn databases_of_other_kinds_are_told_by_their_magic() {
    assert_eq!(kind_of_packages(RPM_PACKAGES), RpmError::BerkeleyDb);
    let mut swapped = RPM_PACKAGES.to_vec();
    swapped[12..16].reverse();
    assert_eq!(kind_of_packages(&swapped), RpmError::BerkeleyDb);
    assert_eq!(kind_of_packages(&RPM_PACKAGES[..15]), RpmError::UnknownKind);
    assert_eq!(kind_of_packages(b""), RpmError::UnknownKind);
    assert_eq!(kind_of_packages_db(b"RpmP\0\0\0\0"), RpmError::Ndb);
    assert_eq!(kind_of_packages_db(RPM_PACKAGES), RpmError::UnknownKind);
}
