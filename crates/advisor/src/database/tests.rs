//! Databases that were built, asked; and damaged, refused.

pub(super) mod world;

use std::collections::BTreeSet;
use std::fs;

use jiff::civil::date;

use self::world::{Record, World, at};
use super::build::{BuildError, Built, Outcome};
use super::*;
use crate::{Event, Range};

fn debian(release: u32) -> Ecosystem {
    Ecosystem::new(&format!("Debian:{release}"))
}

fn ids(database: &Database, ecosystem: &Ecosystem, package: &str) -> Vec<String> {
    let found = database.advisories(ecosystem, package).unwrap();
    found
        .iter()
        .map(|advisory| advisory.id.to_string())
        .collect()
}

fn source<'a>(built: &'a Built, name: &str) -> &'a SourceNote {
    built
        .manifest
        .sources
        .iter()
        .find(|source| &*source.name == name)
        .unwrap()
}

/// Two releases, some packages, a notice of several vulnerabilities.
fn sample() -> World {
    let mut world = World::new();
    world.archive(
        "Debian.zip",
        &[
            Record::new("DSA-1-1")
                .names(&["CVE-2024-1", "CVE-2024-2"])
                .fixed("Debian:12", "openssl", "3.0.11-1~deb12u2"),
            Record::new("DEBIAN-CVE-2024-3")
                .names(&["CVE-2024-3"])
                .fixed("Debian:12", "openssl", "3.0.9-1")
                .fixed("Debian:11", "openssl", "1.1.1n-0"),
            Record::new("DEBIAN-CVE-2024-4")
                .names(&["CVE-2024-4"])
                .fixed("Debian:12", "zlib", "1:1.2.13.dfsg-1"),
        ],
    );
    world
}

#[test]
fn a_package_has_the_advisories_of_its_release_and_no_others() {
    let world = sample();
    world.build();
    let database = world.open();
    assert_eq!(
        ids(&database, &debian(12), "openssl"),
        ["DEBIAN-CVE-2024-3", "DSA-1-1"]
    );
    assert_eq!(
        ids(&database, &debian(11), "openssl"),
        ["DEBIAN-CVE-2024-3"]
    );
    assert_eq!(ids(&database, &debian(12), "zlib"), ["DEBIAN-CVE-2024-4"]);
    for (ecosystem, package) in [
        ("Debian:11", "zlib"),
        ("Debian:12", "openss"),
        ("Debian:12", ""),
        ("Debian", "zlib"),
        ("Debian:13", "zlib"),
    ] {
        assert!(
            ids(&database, &Ecosystem::new(ecosystem), package).is_empty(),
            "{package} of {ecosystem}"
        );
    }
}

#[test]
fn an_advisory_comes_back_with_what_it_says_of_the_package_alone() {
    let world = sample();
    world.build();
    let found = world.open().advisories(&debian(11), "openssl").unwrap();
    let [advisory] = &*found else {
        panic!("{found:?}")
    };
    assert_eq!(&*advisory.id, "DEBIAN-CVE-2024-3");
    assert_eq!(advisory.vulnerabilities, ["CVE-2024-3".into()]);
    assert_eq!(advisory.modified, Some(world::CHANGED.parse().unwrap()));
    let [affected] = &*advisory.affected else {
        panic!("{advisory:?}")
    };
    assert_eq!(affected.ecosystem, debian(11));
    assert_eq!(&*affected.package, "openssl");
    assert_eq!(
        affected.ranges,
        [Range {
            events: vec![
                Event::Introduced("0".into()),
                Event::Fixed("1.1.1n-0".into())
            ]
        }]
    );
}

#[test]
fn a_package_with_more_advisories_than_a_block_holds_has_them_all() {
    let mut world = World::new();
    let records: Vec<_> = (0..3_000)
        .map(|n| {
            Record::new(&format!("DSA-{n:04}-1"))
                .fixed("Debian:12", "linux", &format!("6.1.{n}-1"))
                .fixed("Debian:12", "zlib", "1")
        })
        .collect();
    world.archive("Debian.zip", &records);
    world.build();
    let database = world.open();
    let expected: Vec<_> = (0..3_000).map(|n| format!("DSA-{n:04}-1")).collect();
    assert_eq!(ids(&database, &debian(12), "linux"), expected);
    assert_eq!(ids(&database, &debian(12), "zlib"), expected);
}

#[test]
fn the_same_sources_give_the_same_bytes_in_whatever_order() {
    let mut one = sample();
    one.folder(
        "more",
        &[Record::new("LOCAL-1").fixed("Debian:12", "zlib", "2")],
    );
    one.build();
    let mut other = World::new();
    other.folder(
        "more",
        &[Record::new("LOCAL-1").fixed("Debian:12", "zlib", "2")],
    );
    other.copy(&one, "Debian.zip");
    other.settings.sort_bytes = 300;
    other.build();
    assert_eq!(one.bytes(), other.bytes());
}

#[test]
fn of_two_states_of_a_record_the_later_one_counts() {
    for order in [["old", "new"], ["new", "old"]] {
        let mut world = World::new();
        for name in order {
            let (fixed, modified) = match name {
                "old" => ("1", "2024-01-01T00:00:00Z"),
                _ => ("2", "2024-02-01T00:00:00Z"),
            };
            world.folder(
                name,
                &[Record::new("DSA-1-1")
                    .modified(modified)
                    .fixed("Debian:12", "zlib", fixed)],
            );
        }
        world.build();
        let found = world.open().advisories(&debian(12), "zlib").unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(
            found[0].affected[0].ranges[0].events[1],
            Event::Fixed("2".into())
        );
    }
}

#[test]
fn only_selected_releases_are_kept() {
    let mut world = sample();
    world.settings.releases = Releases::Only(BTreeSet::from(["Debian:11".into()]));
    world.build();
    let database = world.open();
    assert_eq!(
        database
            .feeds()
            .map(|feed| feed.ecosystem.clone())
            .collect::<Vec<_>>(),
        [debian(11)]
    );
    world.settings.releases = Releases::Only(BTreeSet::from(["Alpine".into()]));
    assert!(matches!(world.try_build(), Err(BuildError::Empty(_))));
}

#[test]
fn texts_can_be_left_out() {
    let mut world = World::new();
    world.archive(
        "Debian.zip",
        &[Record::new("DSA-1-1")
            .summary("a line")
            .fixed("Debian:12", "zlib", "1")],
    );
    for (texts, summary) in [(Texts::Kept, "a line"), (Texts::LeftOut, "")] {
        world.settings.texts = texts;
        world.build();
        assert_eq!(
            &*world.open().advisories(&debian(12), "zlib").unwrap()[0].summary,
            summary
        );
    }
}

#[test]
fn a_withdrawn_record_is_counted_and_gone() {
    let mut world = sample();
    world.archive(
        "more.zip",
        &[Record::new("DSA-9-1")
            .withdrawn()
            .fixed("Debian:12", "gone", "1")],
    );
    let built = world.build();
    let note = source(&built, "more.zip");
    assert_eq!(
        (note.records, note.withdrawn, note.rejected.count()),
        (1, 1, 0)
    );
    assert!(ids(&world.open(), &debian(12), "gone").is_empty());
}

#[test]
fn malformed_records_are_counted_and_named_and_too_many_fail_the_build() {
    let mut world = sample();
    world.raw_archive(
        "bad.zip",
        &[
            ("A.json", "{"),
            ("B.json", r#"{"id": 7}"#),
            ("README", "not a record"),
        ],
    );
    world.settings.max_rejected = 2;
    for _ in ["built", "taken over"] {
        let built = world.build();
        let bad = source(&built, "bad.zip");
        let named: Vec<_> = bad.rejected.named().map(|one| &*one.record).collect();
        assert_eq!((bad.rejected.count(), named), (2, vec!["A.json", "B.json"]));
    }
    world.settings.max_rejected = 1;
    let Err(error) = world.try_build() else {
        panic!("it was built")
    };
    assert!(
        matches!(
            error,
            BuildError::TooManyRejected {
                count: 2,
                most: 1,
                ..
            }
        ),
        "{error}"
    );
    assert!(error.to_string().contains("bad.zip: A.json: "), "{error}");
}

#[test]
fn a_record_whose_checksum_is_wrong_is_rejected() {
    let mut world = sample();
    world.archive(
        "other.zip",
        &[Record::new("DSA-8-1").fixed("Debian:12", "zlib", "1")],
    );
    world.damage("other.zip", 60);
    assert_eq!(source(&world.build(), "other.zip").rejected.count(), 1);
}

#[test]
fn an_archive_of_more_files_than_sixteen_bits_count_is_read_to_its_end() {
    let mut world = World::new();
    let names: Vec<_> = (0..66_000).map(|n| format!("{n}.txt")).collect();
    let mut files: Vec<_> = names.iter().map(|name| (&**name, "")).collect();
    files.push((
        "last.json",
        r#"{"id": "DSA-1-1", "affected": [{"package": {"ecosystem": "Debian:12", "name": "zlib"}}]}"#,
    ));
    world.raw_archive("Debian.zip", &files);
    world.build();
    assert_eq!(ids(&world.open(), &debian(12), "zlib"), ["DSA-1-1"]);
}

#[test]
fn a_source_of_no_known_kind_is_refused_by_name() {
    let mut world = sample();
    world.raw("notes.txt", b"nothing that is known");
    let Err(error) = world.try_build() else {
        panic!("it was built")
    };
    assert!(
        matches!(error, BuildError::Kind { .. }) && error.to_string().contains("notes.txt"),
        "{error}"
    );
}

#[test]
fn a_zip_that_was_cut_fails_the_build() {
    let mut world = sample();
    let bytes = fs::read(world.path("Debian.zip")).unwrap();
    world.raw("cut.zip", &bytes[..bytes.len() - 10]);
    assert!(matches!(world.try_build(), Err(BuildError::Archive { .. })));
}

#[test]
fn a_vulnerability_joins_what_all_feeds_say() {
    let mut world = sample();
    let vector = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H";
    world.archive(
        "PyPI.zip",
        &[Record::new("PYSEC-1")
            .names(&["CVE-2024-1"])
            .severity(vector)
            .fixed("PyPI", "cryptography", "42.0.0")],
    );
    world.raw("kev.json", world::KEV.as_bytes());
    world.raw("epss.csv", world::EPSS.as_bytes());
    let built = world.build();
    assert_eq!(
        built
            .manifest
            .known_exploited
            .as_ref()
            .map(|catalogue| catalogue.vulnerabilities),
        Some(2)
    );
    let database = world.open();
    let known = KnownExploited {
        added: date(2024, 3, 1),
        due: Some(date(2024, 3, 22)),
        ransomware: Ransomware::Known,
    };
    assert_eq!(
        database.vulnerability("CVE-2024-1").unwrap(),
        Some(Vulnerability {
            severity: Some(vector.into()),
            advisories: vec!["DSA-1-1".into(), "PYSEC-1".into()],
            known_exploited: Some(known),
            exploitation: Some(Exploitation {
                probability: 94_358,
                percentile: 99_999
            }),
        })
    );
    assert_eq!(database.kev("CVE-2024-1").unwrap(), Some(known));
    assert_eq!(database.kev("CVE-2024-2").unwrap(), None);
    assert!(
        database.kev("CVE-2019-9").unwrap().is_some(),
        "known and named by no feed"
    );
    assert_eq!(
        database.vulnerability("CVE-2019-8").unwrap(),
        None,
        "scored, and named by no feed"
    );
}

#[test]
fn an_archive_covers_what_it_is_named_after_and_others_only_add() {
    let mut world = World::new();
    world.archive(
        "Debian.zip",
        &[Record::new("DSA-1-1")
            .fixed("Debian:12", "zlib", "1")
            .fixed("Alpine:v3.20", "zlib", "1")],
    );
    world.archive(
        "mine.zip",
        &[Record::new("LOCAL-1")
            .fixed("Debian:12", "zlib", "2")
            .fixed("Wolfi", "zlib", "2")],
    );
    world.declare("mine.zip", &["Wolfi"], Some("2024-05-01T00:00:00Z"));
    let built = world.build();
    let feeds: Vec<_> = built
        .manifest
        .feeds()
        .map(|feed| (feed.ecosystem.as_str(), feed.coverage, feed.as_of))
        .collect();
    assert_eq!(
        feeds,
        [
            ("Alpine:v3.20", Coverage::Partial, Some(at(world::CHANGED))),
            ("Debian:12", Coverage::Complete, Some(at(world::CHANGED))),
            (
                "Wolfi",
                Coverage::Complete,
                Some(at("2024-05-01T00:00:00Z"))
            ),
        ]
    );
}

#[test]
fn a_feed_tells_its_numbers_and_its_sources() {
    let mut world = sample();
    world.folder(
        "local",
        &[Record::new("LOCAL-1")
            .modified("2024-04-01T00:00:00Z")
            .fixed("Debian:12", "zlib", "2")],
    );
    let built = world.build();
    let feed = built
        .manifest
        .feeds()
        .find(|feed| feed.ecosystem == debian(12))
        .unwrap();
    assert_eq!((feed.advisories, feed.packages, feed.rows), (4, 2, 4));
    assert_eq!(feed.newest, Some(at("2024-04-01T00:00:00Z")));
    assert_eq!(
        feed.as_of,
        Some(at(world::CHANGED)),
        "the complete source tells the age"
    );
    assert_eq!(
        feed.sources,
        BTreeSet::from(["Debian.zip".into(), "local".into()])
    );
}

#[test]
fn a_source_whose_records_tell_no_time_is_of_unknown_age() {
    let mut world = World::new();
    world.archive(
        "Go.zip",
        &[Record::new("GO-1")
            .modified("0001-01-01T00:00:00Z")
            .fixed("Go", "stdlib", "1.22.2")],
    );
    world.build();
    let database = world.open();
    let feed = database.feed(&Ecosystem::new("Go")).unwrap();
    assert_eq!(
        feed.freshness(at(world::CHANGED), AgeRules::default()),
        Freshness::Unknown
    );
}

mod fix_dates;
mod rebuild;
mod refused;
mod sources;

#[test]
fn the_ends_of_releases_are_told_as_long_as_a_source_says_them() {
    let release = |version: &str| Release {
        id: "debian".into(),
        version: version.into(),
        ..Release::default()
    };
    let list = |day: &str| {
        let dates = format!(
            r#"{{"name": "12", "isEol": true, "eolFrom": "2026-07-11", "eoesFrom": "{day}"}}"#
        );
        format!(
            r#"{{"schema_version": "1.2.0", "result": {{"name": "debian", "releases": [{dates}]}}}}"#
        )
    };
    let mut world = sample();
    // From the second build on it is known that there was an earlier one.
    world.build();
    let without = world.build().digest;
    assert_eq!(world.open().life_span(&release("12")), None);
    for (day, expected) in [
        ("2028-06-30", date(2028, 6, 30)),
        ("2028-08-31", date(2028, 8, 31)),
    ] {
        world.raw("full", list(day).as_bytes());
        let built = world.build();
        assert_eq!(built.kept, 2, "both releases are taken over");
        assert_eq!(source(&built, "full").records, 1);
        let database = world.open();
        let span = database.life_span(&release("12"));
        assert_eq!(span.and_then(|span| span.ends), Some(expected));
        assert_eq!(database.life_span(&release("11")), None);
    }
    world.remove("full");
    assert_eq!(world.build().digest, without);
}
