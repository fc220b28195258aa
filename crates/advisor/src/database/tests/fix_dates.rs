//! Since when fixes are known, over several builds.

use jiff::Timestamp;

use super::*;

const FIRST: &str = "2024-06-01T00:00:00Z";
const SECOND: &str = "2024-06-02T00:00:00Z";
const THIRD: &str = "2024-06-03T00:00:00Z";

fn cve(number: u32) -> Record {
    Record::new(&format!("DEBIAN-CVE-2024-{number}"))
}

fn built_at(world: &mut World, time: &str) -> Built {
    world.settings.now = at(time);
    world.build()
}

/// Since when a fix of `zlib` is known.
fn date(world: &World, feed: &str, advisory: &str, version: &str) -> Option<Timestamp> {
    let dates = world.open().fix_dates(&Ecosystem::new(feed), "zlib");
    dates.unwrap().of(advisory, version)
}

/// The digest of a segment by its name.
fn digest(built: &Built, name: &str) -> Option<Sha256> {
    let mut notes = built.manifest.segments.iter();
    let note = notes.find(|note| SegmentName::from(&note.holds).to_string() == name);
    note.map(|note| note.digest)
}

#[test]
fn the_date_of_a_fix_is_that_of_the_first_build_that_held_it() {
    let zlib = |number, version| cve(number).fixed("Debian:12", "zlib", version);
    let mut world = World::new();
    world.archive(
        "Debian.zip",
        &[zlib(1, "1"), zlib(2, "1"), zlib(3, "1"), zlib(4, "1")],
    );
    built_at(&mut world, FIRST);
    let changed = zlib(2, "1")
        .summary("another line")
        .modified("2024-05-01T00:00:00Z");
    let second = [
        zlib(1, "1"),
        changed.clone(),
        zlib(3, "2"),
        zlib(4, "1"),
        zlib(5, "1"),
    ];
    let after_first: Vec<_> = [(1, "1"), (2, "1"), (3, "1"), (4, "1")]
        .map(|(number, version)| {
            date(
                &world,
                "Debian:12",
                &format!("DEBIAN-CVE-2024-{number}"),
                version,
            )
        })
        .into();
    assert_eq!(after_first, [None; 4], "there was no earlier database");

    world.archive("Debian.zip", &second);
    world.archive(
        "Alpine.zip",
        &[Record::new("ALPINE-CVE-1").fixed("Alpine:v3.20", "zlib", "1")],
    );
    built_at(&mut world, SECOND);
    let dates_of = |world: &World, expected: &[(&str, &str, &str, Option<&str>)]| {
        for (feed, advisory, version, time) in expected {
            let date = date(world, feed, advisory, version);
            assert_eq!(date, time.map(at), "{advisory} in {version} of {feed}");
        }
    };
    dates_of(
        &world,
        &[
            ("Debian:12", "DEBIAN-CVE-2024-1", "1", Some(FIRST)),
            ("Debian:12", "DEBIAN-CVE-2024-2", "1", Some(FIRST)),
            ("Debian:12", "DEBIAN-CVE-2024-3", "2", Some(SECOND)),
            ("Debian:12", "DEBIAN-CVE-2024-4", "1", Some(FIRST)),
            ("Debian:12", "DEBIAN-CVE-2024-5", "1", Some(SECOND)),
            ("Alpine:v3.20", "ALPINE-CVE-1", "1", None),
        ],
    );

    let mut third = Vec::from(second);
    third[0] = zlib(1, "1").modified("2024-05-02T00:00:00Z");
    third[3] = zlib(4, "1").fixed("Debian:12", "zlib", "1.1");
    third[4] = zlib(5, "1").summary("changed as well");
    third.push(
        cve(6)
            .fixed("Debian:12", "zlib", "6")
            .fixed("Debian:11", "zlib", "6"),
    );
    world.archive("Debian.zip", &third);
    built_at(&mut world, THIRD);
    dates_of(
        &world,
        &[
            ("Debian:12", "DEBIAN-CVE-2024-1", "1", Some(FIRST)),
            ("Debian:12", "DEBIAN-CVE-2024-2", "1", Some(FIRST)),
            ("Debian:12", "DEBIAN-CVE-2024-3", "2", Some(SECOND)),
            ("Debian:12", "DEBIAN-CVE-2024-4", "1", Some(FIRST)),
            ("Debian:12", "DEBIAN-CVE-2024-4", "1.1", Some(THIRD)),
            ("Debian:12", "DEBIAN-CVE-2024-5", "1", Some(SECOND)),
            ("Debian:12", "DEBIAN-CVE-2024-6", "6", Some(THIRD)),
            ("Debian:11", "DEBIAN-CVE-2024-6", "6", None),
            ("Alpine:v3.20", "ALPINE-CVE-1", "1", Some(SECOND)),
        ],
    );
}

#[test]
fn time_alone_changes_no_segment() {
    let zlib = |number| cve(number).fixed("Debian:12", "zlib", "1");
    let openssl = cve(9).fixed("Debian:11", "openssl", "1");
    let mut world = World::new();
    world.archive("Debian.zip", &[zlib(1), openssl.clone()]);
    built_at(&mut world, FIRST);
    world.archive("Debian.zip", &[zlib(1), zlib(2), openssl.clone()]);
    let second = built_at(&mut world, SECOND);
    let [feed, dates] = ["the feed of Debian:12", "the dates of Debian:12's fixes"];
    assert!(digest(&second, dates).is_some());

    // The archive is another, so that both releases are made anew; and what is in Debian 12 is the same.
    world.archive(
        "Debian.zip",
        &[
            zlib(1),
            zlib(2),
            openssl,
            cve(10).fixed("Debian:11", "openssl", "2"),
        ],
    );
    let third = built_at(&mut world, THIRD);
    assert_eq!(third.kept, 0);
    for name in [feed, dates] {
        assert_eq!(digest(&third, name), digest(&second, name), "{name}");
    }
    let fourth = built_at(&mut world, "2024-06-04T00:00:00Z");
    assert_eq!(
        (fourth.outcome, fourth.digest),
        (Outcome::Unchanged, third.digest)
    );
}

#[test]
fn a_notice_that_says_when_it_was_published_is_not_noted() {
    let mut world = World::new();
    let record = |id| Record::new(id).fixed("Debian:12", "zlib", "1");
    world.archive("Debian.zip", &[record("DEBIAN-CVE-2024-1")]);
    built_at(&mut world, FIRST);
    for (id, noted) in [("DSA-1-1", false), ("DEBIAN-CVE-2024-2", true)] {
        world.archive("Debian.zip", &[record("DEBIAN-CVE-2024-1"), record(id)]);
        let built = built_at(&mut world, SECOND);
        let is_noted = digest(&built, "the dates of Debian:12's fixes").is_some();
        assert_eq!(is_noted, noted, "{id}");
    }
}

#[test]
fn a_fix_that_was_gone_is_known_since_it_came_back() {
    let zlib = |number| cve(number).fixed("Debian:12", "zlib", "1");
    let mut world = World::new();
    for (time, records) in [
        (FIRST, vec![zlib(1), zlib(2)]),
        (SECOND, vec![zlib(1)]),
        (THIRD, vec![zlib(1), zlib(2)]),
    ] {
        world.archive("Debian.zip", &records);
        built_at(&mut world, time);
    }
    assert_eq!(
        date(&world, "Debian:12", "DEBIAN-CVE-2024-1", "1"),
        Some(at(FIRST))
    );
    assert_eq!(
        date(&world, "Debian:12", "DEBIAN-CVE-2024-2", "1"),
        Some(at(THIRD))
    );
}

/// Two builds, so that one fix is as old as its feed and one joined later.
fn two_builds() -> World {
    let zlib = |number| cve(number).fixed("Debian:12", "zlib", "1");
    let mut world = World::new();
    world.archive("Debian.zip", &[zlib(1)]);
    built_at(&mut world, FIRST);
    world.archive("Debian.zip", &[zlib(1), zlib(2)]);
    built_at(&mut world, SECOND);
    world
}

fn both(world: &World) -> [Option<Timestamp>; 2] {
    [1, 2].map(|number| {
        date(
            world,
            "Debian:12",
            &format!("DEBIAN-CVE-2024-{number}"),
            "1",
        )
    })
}

#[test]
fn another_selection_makes_the_feeds_anew_and_keeps_the_dates() {
    let mut world = two_builds();
    world.settings.texts = Texts::LeftOut;
    world.settings.releases = Releases::Only(BTreeSet::from(["Debian".into()]));
    assert_eq!(built_at(&mut world, THIRD).kept, 0);
    assert_eq!(both(&world), [Some(at(FIRST)), Some(at(SECOND))]);
}

#[test]
fn where_the_earlier_file_does_not_say_nothing_has_a_date_until_the_next_build() {
    // The first bytes of the file are the feed; the dates follow it.
    let feed = 20;
    let whole = two_builds();
    let notes = whole.open();
    let notes = &notes.status().manifest.segments;
    let dates = usize::try_from(notes[0].bytes).unwrap() + 20;
    for (what, offset) in [("the feed", feed), ("the dates", dates), ("the file", 3)] {
        let mut world = two_builds();
        world.damage("advisories.db", offset);
        world.build();
        assert_eq!(both(&world), [None, None], "{what} was damaged");
        built_at(&mut world, THIRD);
        assert_eq!(both(&world), [Some(at(SECOND)); 2], "{what} was damaged");
    }
}

#[test]
fn a_file_of_the_first_version_is_read_and_has_no_dates() {
    let mut world = two_builds();
    let built = world.build();
    let mut manifest = built.manifest;
    manifest.followed.clear();
    manifest
        .segments
        .retain(|note| !matches!(note.holds, Holds::FixDates { .. }));
    let feed = usize::try_from(manifest.segments[0].bytes).unwrap();
    let whole = world.bytes();
    let dates: u64 = world.open().status().manifest.segments[1].bytes;
    let rest = 16 + feed + usize::try_from(dates).unwrap();
    let join = usize::try_from(manifest.segments[1].bytes).unwrap();
    let mut old = [&whole[..16 + feed], &whole[rest..rest + join]].concat();
    old[15] = 1;
    container::write_end(&mut old, &manifest).unwrap();
    fs::write(world.database(), old).unwrap();
    assert_eq!(ids(&world.open(), &debian(12), "zlib").len(), 2);
    assert_eq!(both(&world), [None, None]);

    let zlib = |number| cve(number).fixed("Debian:12", "zlib", "1");
    world.archive("Debian.zip", &[zlib(1), zlib(2), zlib(3)]);
    built_at(&mut world, THIRD);
    assert_eq!(both(&world), [None, None]);
    assert_eq!(
        date(&world, "Debian:12", "DEBIAN-CVE-2024-3", "1"),
        Some(at(THIRD))
    );
}

#[test]
fn a_package_with_more_fixes_than_a_row_holds_has_the_dates_of_all() {
    let records = |count: u32| -> Vec<_> {
        (0..count)
            .map(|n| cve(n).fixed("Debian:12", "zlib", &format!("1.{n}")))
            .collect()
    };
    let mut world = World::new();
    world.archive("Debian.zip", &records(1));
    built_at(&mut world, FIRST);
    world.archive("Debian.zip", &records(2_000));
    built_at(&mut world, SECOND);
    let dates = world.open().fix_dates(&debian(12), "zlib").unwrap();
    for n in 0..2_000 {
        let expected = if n == 0 { FIRST } else { SECOND };
        let date = dates.of(&format!("DEBIAN-CVE-2024-{n}"), &format!("1.{n}"));
        assert_eq!(date, Some(at(expected)), "{n}");
    }
}
