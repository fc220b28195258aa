use super::*;
use crate::detector::fixtures::{
    self, DPKG_CONTROL, DPKG_QUERY, DPKG_STATUS, DPKG_STATUS_WITHOUT_BLANKS, package,
};

const MAINTAINER: &str = "Fixture Makers <fixtures@example.com>";

fn read(stanzas: &str) -> Result<Vec<Package>, RecordError> {
    status(&"db".into(), stanzas.as_bytes())
}

fn fault(stanzas: &str) -> Result<Vec<Package>, String> {
    read(stanzas).map_err(|error| error.to_string())
}

#[test]
fn the_status_file_says_what_dpkg_query_says() {
    let rows = fixtures::table(DPKG_QUERY)
        .filter(|row| !matches!(row[0], "config-files" | "not-installed"));
    let expected: Vec<Package> = rows
        .map(|row| Package {
            source: SourcePackage {
                name: row[4].into(),
                version: row[5].into(),
            },
            vendor: MAINTAINER.into(),
            ..package(Manager::Dpkg, row[1], row[2], row[3])
        })
        .collect();
    assert_eq!(expected.len(), 6);
    assert_eq!(status(&"db".into(), DPKG_STATUS), Ok(expected));
}

#[test]
fn a_control_file_is_an_installed_package() {
    let expected = Package {
        source: SourcePackage {
            name: "plain".into(),
            version: "1.2-3".into(),
        },
        vendor: MAINTAINER.into(),
        ..package(Manager::Dpkg, "libplain2", "1:1.2-3+b1", "amd64")
    };
    assert_eq!(control(&"db".into(), DPKG_CONTROL), Ok(vec![expected]));
    let error = status(&"db".into(), DPKG_CONTROL).unwrap_err();
    assert_eq!(error, RecordFault::Missing("Status").at(1));
}

#[test]
fn a_description_whose_lines_lost_their_blanks_is_passed_over() {
    let packages = status(&"db".into(), DPKG_STATUS_WITHOUT_BLANKS).unwrap();
    let names: Vec<&str> = packages.iter().map(|package| &*package.name).collect();
    assert_eq!(names, ["plain", "libplain2"]);
}

#[test]
fn every_state_but_two_counts() {
    let table = [
        ("install ok installed", true),
        ("hold ok installed", true),
        ("deinstall ok installed", true),
        ("install reinstreq half-installed", true),
        ("install ok unpacked", true),
        ("install ok half-configured", true),
        ("install ok triggers-awaiting", true),
        ("install ok triggers-pending", true),
        ("install ok  installed", true),
        ("install ok a-state-of-tomorrow", true),
        ("deinstall ok config-files", false),
        ("purge ok not-installed", false),
    ];
    for (state, counts) in table {
        let stanza = format!("Package: a\nStatus: {state}\nVersion: 1\n\n");
        assert_eq!(
            read(&stanza).map(|packages| packages.len()),
            Ok(usize::from(counts)),
            "{state}"
        );
    }
}

#[test]
fn a_source_may_carry_a_version_of_its_own() {
    let table = [
        ("", Some(("a", "2:1-1+b1"))),
        ("Source: s\n", Some(("s", "2:1-1+b1"))),
        ("Source: s (1-1)\n", Some(("s", "1-1"))),
        ("source:  s   ( 1-1 ) \n", Some(("s", "1-1"))),
        ("Source: s(1-1)\n", Some(("s", "1-1"))),
        ("Source:\n", None),
        ("Source: (1-1)\n", None),
        ("Source: s (1-1\n", None),
        ("Source: s ()\n", None),
        ("Source: s t\n", None),
        ("Source: s) (1-1)\n", None),
        ("Source: -s\n", None),
        ("Source: s (1 1)\n", None),
    ];
    for (source, expected) in table {
        let stanza =
            format!("Package: a\nStatus: install ok installed\n{source}Version: 2:1-1+b1\n");
        let expected = expected
            .map(|(name, version)| SourcePackage {
                name: name.into(),
                version: version.into(),
            })
            .ok_or_else(|| RecordFault::BadValue("Source").at(1));
        assert_eq!(
            read(&stanza).map(|packages| packages[0].source.clone()),
            expected,
            "{source}"
        );
    }
}

#[test]
fn stanzas_are_read_as_dpkg_reads_them() {
    let expected = || Ok(vec![package(Manager::Dpkg, "a", "1", "")]);
    let table = [
        "Package: a\nStatus: install ok installed\nVersion: 1\n",
        "\n\nPackage: a\nStatus: install ok installed\nVersion: 1\n\n\n\n",
        "package:a\nSTATUS:install ok installed\nVersion :\t1 \n",
        "Package: a\nStatus: install ok installed\nVersion: 1\nConffiles:\n /etc/a 00 obsolete\n\tPackage: b\n",
        "Package: a\nStatus: install ok installed\nVersion: 1\nX-Package: b\nDescription: \u{fffd}\n",
        "Package: a\r\nStatus: install ok installed\r\nVersion: 1\r\n",
    ];
    for stanza in table {
        assert_eq!(read(stanza), expected(), "{stanza:?}");
    }
    let bytes = b"Package: a\nStatus: install ok installed\nMaintainer: J\xfcrgen\nVersion: 1\n";
    assert_eq!(
        &*status(&"db".into(), bytes).unwrap()[0].vendor,
        "J\u{fffd}rgen"
    );
}

#[test]
fn a_broken_stanza_is_told_by_its_line() {
    let good = "Package: a\nStatus: install ok installed\nVersion: 1\n\n";
    let table = [
        (
            "Status: install ok installed\nVersion: 1\n",
            "line 5: the record has no `Package`",
        ),
        (
            "Package: b\nVersion: 1\n",
            "line 5: the record has no `Status`",
        ),
        (
            "Package: b\nStatus: install ok installed\n",
            "line 5: the record has no `Version`",
        ),
        (
            "Status: purge ok not-installed\n",
            "line 5: the record has no `Package`",
        ),
        (
            "Package: b\nPackage: c\n",
            "line 6: the record has `Package` twice",
        ),
        (
            "Package: b\nstatus: a b c\nStatus: a b c\n",
            "line 7: the record has `Status` twice",
        ),
        (
            "Package: b\nStatus: installed\n",
            "line 5: the value of `Status` is not one that a package manager writes",
        ),
        (
            "Package: b\nStatus: a b c d\n",
            "line 5: the value of `Status` is not one that a package manager writes",
        ),
        (
            "Package: b c\n",
            "line 5: the value of `Package` is not one that a package manager writes",
        ),
        (
            "Package: b(1)\n",
            "line 5: the value of `Package` is not one that a package manager writes",
        ),
        (
            "Package: +b\n",
            "line 5: the value of `Package` is not one that a package manager writes",
        ),
        (
            "Package:\n",
            "line 5: the value of `Package` is not one that a package manager writes",
        ),
        (
            "Package: b\nStatus: a b c\nVersion: 1 2\n",
            "line 5: the value of `Version` is not one that a package manager writes",
        ),
        (
            "Package: b\nStatus: a b c\nVersion: 1\nArchitecture: \u{1b}[2J\n",
            "line 5: the value of `Architecture` is not one that a package manager writes",
        ),
        (" Package: b\n", "line 5: the line is not a field"),
        ("Package\n", "line 5: the line is not a field"),
        (
            "Package: b\n \nStatus: a b c\nVersion: 1\n",
            "line 6: the line is not a field",
        ),
        ("Package: b\n\r\n", "line 6: the line is not a field"),
        (
            "Package: b",
            "line 5: the file ends in the middle of a record",
        ),
        (
            "Package: b\nStatus: a b c\nVersion: 1",
            "line 7: the file ends in the middle of a record",
        ),
    ];
    for (stanza, expected) in table {
        assert_eq!(
            fault(&format!("{good}{stanza}")),
            Err(expected.to_owned()),
            "{stanza:?}"
        );
    }
}

#[test]
fn no_more_packages_than_the_bound_are_read() {
    let stanza = "Package: a\nStatus: install ok installed\nVersion: 1\n\n";
    assert_eq!(
        read(&stanza.repeat(MAX_PACKAGES)).map(|packages| packages.len()),
        Ok(MAX_PACKAGES)
    );
    let line = 4 * MAX_PACKAGES + 1;
    assert_eq!(
        read(&stanza.repeat(MAX_PACKAGES + 1)),
        Err(RecordFault::TooManyPackages.at(line))
    );
}
