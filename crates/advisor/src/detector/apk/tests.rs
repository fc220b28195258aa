use super::*;
use crate::detector::fixtures::{APK_INSTALLED, APK_QUERY, package};

fn read(records: &str) -> Result<Vec<Package>, RecordError> {
    installed(&"db".into(), records.as_bytes())
}

#[test]
fn the_database_says_what_apk_query_says() {
    let query: serde_json::Value = serde_json::from_slice(APK_QUERY).unwrap();
    let expected: Vec<_> = query
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let text = |field: &str| row[field].as_str();
            let mut expected = package(
                Manager::Apk,
                text("name").unwrap(),
                text("version").unwrap(),
                text("arch").unwrap(),
            );
            expected.source.name = text("origin").unwrap_or(&expected.name).into();
            expected
        })
        .collect();
    let mut packages = installed(&"db".into(), APK_INSTALLED).unwrap();
    let vendors: Vec<_> = packages
        .iter_mut()
        .map(|package| std::mem::take(&mut package.vendor))
        .collect();
    assert_eq!(packages, expected);
    assert_eq!(packages.len(), 4);
    assert_eq!(
        vendors.iter().map(|vendor| &**vendor).collect::<Vec<_>>(),
        ["", "", "", "Fixture Makers <fixtures@example.com>"]
    );
}

#[test]
fn fields_of_files_are_not_fields_of_the_package() {
    let record = "P:a\nV:1-r0\nA:x86_64\nF:usr\nM:0:0:755\nR:a\na:0:0:755\nZ:Q1x\n\n";
    assert_eq!(
        read(record),
        Ok(vec![package(Manager::Apk, "a", "1-r0", "x86_64")])
    );
    assert_eq!(read(&format!("\n\n{record}\n\n")), read(record));
}

#[test]
fn a_broken_record_is_told_by_its_line() {
    let good = "P:a\nV:1-r0\nA:x86_64\n\n";
    let table = [
        ("V:1-r0\nA:x86_64\n\n", RecordFault::Missing("P").at(5)),
        ("P:b\nA:x86_64\n\n", RecordFault::Missing("V").at(5)),
        ("F:usr\nR:a\n\n", RecordFault::Missing("P").at(5)),
        ("P:b\nV:1\nP:c\n\n", RecordFault::Repeated("P").at(7)),
        ("P:b\nV:1\no:c\no:d\n\n", RecordFault::Repeated("o").at(8)),
        ("P:\nV:1\n\n", RecordFault::BadValue("P").at(5)),
        ("P:b\nV:1 2\n\n", RecordFault::BadValue("V").at(5)),
        ("P:b\nV:1\no:\n\n", RecordFault::BadValue("o").at(5)),
        (
            "P:b\nV:1\nA:\u{1b}[2J\n\n",
            RecordFault::BadValue("A").at(5),
        ),
        ("P:b\nversion\n\n", RecordFault::NotAField.at(6)),
        ("P:b\nV:1\n \n", RecordFault::NotAField.at(7)),
        ("P:b\nV:1\n", RecordFault::Unterminated.at(5)),
        ("P:b\nV:1", RecordFault::Unterminated.at(6)),
    ];
    for (record, expected) in table {
        assert_eq!(
            read(&format!("{good}{record}")),
            Err(expected),
            "{record:?}"
        );
    }
}

#[test]
fn no_more_packages_than_the_bound_are_read() {
    let record = "P:a\nV:1\n\n";
    assert_eq!(
        read(&record.repeat(MAX_PACKAGES)).map(|packages| packages.len()),
        Ok(MAX_PACKAGES)
    );
    let line = 3 * MAX_PACKAGES + 1;
    assert_eq!(
        read(&record.repeat(MAX_PACKAGES + 1)),
        Err(RecordFault::TooManyPackages.at(line))
    );
}
