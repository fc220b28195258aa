//! A build beside an earlier one: the same feeds as by a build from nothing, with what did not change taken over.

use super::*;

fn zlib(id: &str, ecosystem: &str, version: &str) -> Record {
    Record::new(id)
        .names(&[&format!("CVE-{id}")])
        .fixed(ecosystem, "zlib", version)
}

fn world() -> World {
    let mut world = World::new();
    world.archive(
        "Debian.zip",
        &[
            zlib("DSA-1-1", "Debian:12", "1"),
            zlib("DSA-2-1", "Debian:11", "1"),
        ],
    );
    world.archive("Alpine.zip", &[zlib("ALPINE-1", "Alpine:v3.20", "1")]);
    world.folder(
        "local",
        &[
            zlib("LOCAL-1", "Debian:12", "2"),
            zlib("LOCAL-2", "Wolfi", "2"),
        ],
    );
    world
}

/// Builds beside what is there, and from nothing: both have to give the same feeds, and leaves the former.
fn rebuilt(world: &World) -> Built {
    let built = world.build();
    let bytes = world.bytes();
    fs::remove_file(world.database()).unwrap();
    let from_nothing = world.build();
    assert_eq!(from_nothing.kept, 0);
    assert_eq!(
        feeds(&built),
        feeds(&from_nothing),
        "a rebuild gives other feeds than a build from nothing"
    );
    fs::write(world.database(), bytes).unwrap();
    built
}

/// All segments but those of dates, which tell of earlier builds.
fn feeds(built: &Built) -> Vec<&SegmentNote> {
    let notes = built.manifest.segments.iter();
    notes
        .filter(|note| !matches!(note.holds, Holds::FixDates { .. }))
        .collect()
}

#[test]
fn a_rebuild_of_the_same_sources_leaves_the_file_alone_once_it_says_that_there_was_an_earlier_one()
{
    let world = world();
    for (number, outcome, kept) in [
        (1, Outcome::Written, 0),
        (2, Outcome::Written, 5),
        (3, Outcome::Unchanged, 5),
    ] {
        let built = rebuilt(&world);
        assert_eq!(
            (built.outcome, built.kept),
            (outcome, kept),
            "build {number}"
        );
    }
}

#[test]
fn a_changed_source_makes_its_releases_anew_and_no_others() {
    let mut world = world();
    let before = world.build();
    world.archive("Alpine.zip", &[zlib("ALPINE-1", "Alpine:v3.20", "9")]);
    let after = rebuilt(&world);
    assert_eq!(after.outcome, Outcome::Written);
    assert_eq!(after.kept, 3);
    let pairs = feeds(&before).into_iter().zip(feeds(&after));
    let same = pairs.filter(|(a, b)| a.digest == b.digest).count();
    assert_eq!(same, 4, "the join names the same advisories");
}

#[test]
fn a_changed_source_makes_the_rows_of_unchanged_ones_anew_where_both_speak() {
    let mut world = world();
    world.build();
    world.folder("local", &[zlib("LOCAL-3", "Debian:12", "3")]);
    let built = rebuilt(&world);
    assert_eq!(built.kept, 2, "Debian:11 and Alpine");
    let database = world.open();
    assert_eq!(
        ids(&database, &debian(12), "zlib"),
        ["DSA-1-1", "LOCAL-1", "LOCAL-3"]
    );
    assert!(database.vulnerability("CVE-LOCAL-3").unwrap().is_some());
}

#[test]
fn a_source_that_is_gone_takes_its_rows_along() {
    let mut world = world();
    world.build();
    world.remove("local");
    rebuilt(&world);
    let database = world.open();
    assert_eq!(ids(&database, &debian(12), "zlib"), ["DSA-1-1"]);
    assert!(database.feed(&Ecosystem::new("Wolfi")).is_none());
    assert_eq!(database.vulnerability("CVE-LOCAL-1").unwrap(), None);
}

#[test]
fn a_new_list_changes_the_join_alone() {
    let mut world = world();
    world.build();
    world.raw("kev.json", world::KEV.as_bytes());
    assert_eq!(rebuilt(&world).kept, 4);
    assert!(world.open().kev("CVE-2024-1").unwrap().is_some());
    world.remove("kev.json");
    assert_eq!(rebuilt(&world).kept, 4);
    assert_eq!(world.open().kev("CVE-2024-1").unwrap(), None);
}

#[test]
fn a_new_source_is_seen_where_another_was_given_twice() {
    let mut world = world();
    world.raw("again.zip", &fs::read(world.path("Alpine.zip")).unwrap());
    world.build();
    world.remove("again.zip");
    world.raw("kev.json", world::KEV.as_bytes());
    rebuilt(&world);
    assert!(world.open().kev("CVE-2024-1").unwrap().is_some());
}

#[test]
fn a_list_that_stays_is_in_the_join_that_is_made_anew() {
    let mut world = world();
    world.raw("kev.json", world::KEV.as_bytes());
    world.build();
    world.archive("Alpine.zip", &[zlib("ALPINE-2", "Alpine:v3.20", "9")]);
    rebuilt(&world);
    assert!(world.open().kev("CVE-2024-1").unwrap().is_some());
    let again = rebuilt(&world);
    assert_eq!(again.outcome, Outcome::Unchanged);
    assert_eq!(
        again
            .manifest
            .known_exploited
            .map(|catalogue| catalogue.vulnerabilities),
        Some(2)
    );
}

#[test]
fn what_is_declared_of_a_source_changes_feeds_and_no_segment() {
    let mut world = world();
    world.build();
    world.declare("local", &["Wolfi"], Some("2024-05-05T00:00:00Z"));
    let built = rebuilt(&world);
    assert_eq!((built.kept, built.outcome), (5, Outcome::Written));
    let database = world.open();
    let feed = database.feed(&Ecosystem::new("Wolfi")).unwrap();
    assert_eq!(
        (feed.coverage, feed.as_of),
        (Coverage::Complete, Some(at("2024-05-05T00:00:00Z")))
    );
}

#[test]
fn another_selection_takes_nothing_over() {
    let mut world = world();
    world.build();
    world.settings.texts = Texts::LeftOut;
    assert_eq!(rebuilt(&world).kept, 0);
    world.settings.releases = Releases::Only(BTreeSet::from(["Debian".into()]));
    assert_eq!(rebuilt(&world).kept, 0);
}

#[test]
fn a_damaged_segment_is_made_anew_and_a_damaged_file_is_replaced() {
    let world = world();
    let whole = world.build();
    let size = world.bytes().len();
    for offset in [20, size / 2, size - 100, 3] {
        world.damage("advisories.db", offset);
        assert_eq!(feeds(&world.build()), feeds(&whole), "damaged at {offset}");
        world.open();
    }
}

#[test]
fn who_has_the_old_file_open_keeps_it() {
    let mut world = world();
    world.build();
    let old = world.open();
    world.archive("Alpine.zip", &[zlib("ALPINE-9", "Alpine:v3.20", "9")]);
    world.build();
    let alpine = Ecosystem::new("Alpine:v3.20");
    assert_eq!(ids(&old, &alpine, "zlib"), ["ALPINE-1"]);
    assert_eq!(ids(&world.open(), &alpine, "zlib"), ["ALPINE-9"]);
}

#[test]
fn a_failed_build_leaves_the_old_file_and_nothing_else() {
    let mut world = world();
    world.build();
    let before = world.bytes();
    world.raw_archive("bad.zip", &[("A.json", "{")]);
    world.settings.max_rejected = 0;
    world.try_build().unwrap_err();
    assert!(world.bytes() == before);
    let left = fs::read_dir(world.path(".")).unwrap().filter(|entry| {
        entry
            .as_ref()
            .unwrap()
            .file_name()
            .to_string_lossy()
            .starts_with('.')
    });
    assert_eq!(left.count(), 0);
}
