//! Sources beside each other, odd records in them, and sources of nothing.

use super::*;

/// The fix that counts of one record, which an archive of Debian and a folder have.
fn fix_of(world: &World) -> Event {
    world.build();
    let found = world.open().advisories(&debian(12), "zlib").unwrap();
    assert_eq!(found.len(), 1);
    found[0].affected[0].ranges[0].events[1].clone()
}

#[test]
fn a_source_that_is_not_complete_takes_no_row_away() {
    let record = |modified: &str, fixed: &str| {
        [Record::new("DSA-1-1")
            .modified(modified)
            .fixed("Debian:12", "zlib", fixed)]
    };
    let (monday, tuesday) = ("2024-01-01T00:00:00Z", "2024-01-02T00:00:00Z");
    let future = "2199-01-01T00:00:00Z";
    for (archive, folder, covers, counts) in [
        (monday, tuesday, &[][..], "archive"),
        (monday, future, &[], "archive"),
        (tuesday, monday, &[], "archive"),
        (monday, tuesday, &["Debian:12"], "folder"),
        (tuesday, monday, &["Debian:12"], "archive"),
        (monday, future, &["Debian:12"], "archive"),
        (future, monday, &["Debian"], "folder"),
    ] {
        let mut world = World::new();
        world.archive("Debian.zip", &record(archive, "archive"));
        world.folder("local", &record(folder, "folder"));
        world.declare("local", covers, None);
        let told = format!("archive of {archive}, folder of {folder} complete for {covers:?}");
        assert_eq!(fix_of(&world), Event::Fixed(counts.into()), "{told}");
    }
}

#[test]
fn a_source_that_is_declared_complete_later_is_heard_without_a_change_of_it() {
    let mut world = World::new();
    let record = |modified: &str, fixed: &str| {
        [Record::new("DSA-1-1")
            .modified(modified)
            .fixed("Debian:12", "zlib", fixed)]
    };
    world.archive("Debian.zip", &record("2024-01-01T00:00:00Z", "1"));
    world.folder("local", &record("2024-01-02T00:00:00Z", "2"));
    for (covers, fix) in [(&[][..], "1"), (&["Debian:12"], "2"), (&[], "1")] {
        world.declare("local", covers, None);
        assert_eq!(fix_of(&world), Event::Fixed(fix.into()), "{covers:?}");
    }
}

#[test]
fn a_release_of_which_a_complete_source_has_nothing_is_covered_unless_it_was_left_out() {
    let mut world = sample();
    world.folder("local", &[Record::new("L-1").fixed("Wolfi", "zlib", "1")]);
    let covered = |world: &World| {
        world.build();
        let database = world.open();
        [
            "Debian:12",
            "Debian:11",
            "Debian:13",
            "Wolfi",
            "Alpine:v3.20",
        ]
        .map(|name| database.covers(&Ecosystem::new(name)))
    };
    assert_eq!(covered(&world), [true, true, true, false, false]);
    world.settings.releases = Releases::Only(["Debian:12".into(), "Wolfi".into()].into());
    assert_eq!(covered(&world), [true, false, false, false, false]);
}

#[test]
fn bounds_that_cannot_be_ordered_are_counted_and_named_of_the_releases_that_are_kept() {
    let mut world = World::new();
    world.archive(
        "Debian.zip",
        &[
            Record::new("DSA-1-1")
                .fixed("Debian:12", "openssl", "3.0.50_1")
                .fixed("Debian:11", "openssl", "1.1_1"),
            Record::new("DSA-2-1").fixed("Debian:12", "zlib", "1"),
        ],
    );
    world.settings.releases = Releases::Only(["Debian:12".into()].into());
    for _ in ["built", "taken over"] {
        let built = world.build();
        let odd = &source(&built, "Debian.zip").odd;
        let named: Vec<_> = odd.named().map(ToString::to_string).collect();
        assert_eq!(odd.count(), 1);
        let told = "DSA-1-1.json: openssl of Debian:12: `3.0.50_1` is no version that dpkg can order: \
                    it has a character that is not allowed there";
        assert_eq!(named, [told]);
    }
    let found = world.open().advisories(&debian(12), "openssl").unwrap();
    assert_eq!(found.len(), 1, "it is kept");
}

#[test]
fn a_record_that_concerns_nothing_is_counted_and_named() {
    let mut world = sample();
    world.folder("local", &[Record::new("DSA-9-1")]);
    let built = world.build();
    let odd: Vec<_> = source(&built, "local")
        .odd
        .named()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        odd,
        [
            "DSA-9-1.json: it says of no package that it is affected: expected `affected`, with `package` in it"
        ]
    );
}

#[test]
fn a_record_of_all_releases_is_kept_with_each_of_them() {
    let mut world = sample();
    world.folder(
        "local",
        &[Record::new("DSA-9-1").fixed("Debian", "zlib", "9")],
    );
    for releases in [Releases::All, Releases::Only(["Debian:12".into()].into())] {
        world.settings.releases = releases;
        world.build();
        let found = ids(&world.open(), &Ecosystem::new("Debian"), "zlib");
        assert_eq!(found, ["DSA-9-1"]);
    }
}

#[test]
fn a_build_of_nothing_says_what_was_expected_and_what_to_do() {
    let told = |world: &World| {
        let error = world.try_build().err().map(|error| {
            let hint = error.hint().unwrap_or("nothing to do");
            format!("{error}; {hint}")
        });
        error.unwrap_or_default()
    };
    let mut empty = sample();
    empty.folder("local", &[]);
    let mut bare = sample();
    bare.raw_archive("bare.zip", &[("README", "no record")]);
    let mut list = World::new();
    list.raw("kev.json", world::KEV.as_bytes());
    let mut other = sample();
    other.settings.releases = Releases::Only(["Alpine".into(), "Debian:7".into()].into());
    let mut object = sample();
    object.raw("some.json", b"{\"some\": \"object\"}");
    let mut cut = sample();
    let bytes = fs::read(cut.path("Debian.zip")).unwrap();
    cut.raw("cut.zip", &bytes[..bytes.len() / 2]);
    for (world, expected, hint) in [
        (
            &empty,
            "has no records: expected files `*.json`",
            "`osv:Debian` fetches",
        ),
        (
            &bare,
            "has no records: expected files `*.json`",
            "`osv:Debian` fetches",
        ),
        (
            &list,
            "the sources have no advisory of any release",
            "give at least one archive or folder",
        ),
        (
            &other,
            "the sources have no advisory of Alpine, Debian:7",
            "--release takes a full name",
        ),
        (
            &object,
            "expected CISA's catalogue of known exploited vulnerabilities or the dates of endoflife.date",
            "nothing to do",
        ),
        (&cut, "is damaged", "fetch it again"),
    ] {
        let told = told(world);
        assert!(told.contains(expected) && told.contains(hint), "{told}");
    }
}

#[test]
fn without_a_folder_for_the_output_nothing_is_read() {
    let world = sample();
    let output = world.path("missing").join("advisories.db");
    let parse = |_: &[u8]| -> Result<_, String> { panic!("it was read") };
    let inputs = [build::Input::new(world.path("Debian.zip"))];
    let built = build::build(&world.settings, &inputs, &output, &parse, &mut |_| {});
    let told = built.unwrap_err().to_string();
    assert!(told.starts_with("there is no folder `"), "{told}");
    assert!(
        told.ends_with("missing` for the advisory database"),
        "{told}"
    );
}
