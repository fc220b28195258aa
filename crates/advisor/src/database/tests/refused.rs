//! Files that were cut, damaged or made up: refused by name, or the answer that needs the damaged block is.

use super::*;

fn open(world: &World) -> Result<Database, DatabaseFault> {
    Database::open(&world.database()).map_err(|error| {
        assert!(error.to_string().contains("advisories.db"), "{error}");
        error.fault
    })
}

#[test]
fn a_file_that_was_cut_anywhere_is_refused() {
    let world = sample();
    world.build();
    let whole = world.bytes();
    for length in 0..whole.len() {
        fs::write(world.database(), &whole[..length]).unwrap();
        let fault = open(&world).err();
        let expected = match length {
            0..16 => matches!(fault, Some(DatabaseFault::Foreign)),
            _ => matches!(fault, Some(DatabaseFault::Cut)),
        };
        assert!(expected, "{length} of {} bytes: {fault:?}", whole.len());
    }
}

#[test]
fn one_changed_byte_is_refused_when_the_file_is_opened_or_when_it_is_asked() {
    let world = sample();
    world.build();
    let whole = world.bytes();
    let asked = |database: &Database| {
        for (release, package) in [(11, "openssl"), (12, "openssl"), (12, "zlib")] {
            database.advisories(&debian(release), package)?;
        }
        (1..=4).try_for_each(|n| database.vulnerability(&format!("CVE-2024-{n}")).map(drop))
    };
    for offset in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[offset] ^= 1;
        fs::write(world.database(), &bytes).unwrap();
        if let Ok(database) = open(&world) {
            assert!(
                asked(&database).is_err(),
                "a change at {offset} is not seen"
            );
        }
    }
}

#[test]
fn a_damaged_block_is_named_and_the_others_still_answer() {
    let world = sample();
    world.build();
    world.damage("advisories.db", 20);
    let database = world.open();
    let error = database.advisories(&debian(11), "openssl").unwrap_err();
    assert!(
        matches!(
            &error.fault,
            DatabaseFault::Block {
                block: 0,
                fault: BlockError::Fault(BlockFault::Hash),
                ..
            }
        ),
        "{error}"
    );
    assert!(
        error
            .to_string()
            .contains("block 0 of the feed of Debian:11"),
        "{error}"
    );
    assert_eq!(ids(&database, &debian(12), "zlib"), ["DEBIAN-CVE-2024-4"]);
}

#[test]
fn a_file_that_shrinks_while_it_is_open_gives_an_error_and_no_silence() {
    let world = sample();
    world.build();
    let database = world.open();
    fs::File::options()
        .write(true)
        .open(world.database())
        .unwrap()
        .set_len(16)
        .unwrap();
    let error = database.advisories(&debian(12), "zlib").unwrap_err();
    assert!(
        matches!(
            error.fault,
            DatabaseFault::Block {
                fault: BlockError::Read(_),
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn a_file_of_another_version_says_so() {
    let world = sample();
    world.build();
    let mut bytes = world.bytes();
    bytes[15] = 9;
    fs::write(world.database(), &bytes).unwrap();
    assert!(matches!(
        open(&world),
        Err(DatabaseFault::Version { found: 9 })
    ));
}

#[test]
fn a_file_that_is_not_there_is_told_by_name() {
    let error = Database::open(&sample().database()).unwrap_err();
    assert!(
        matches!(error.fault, DatabaseFault::Read(_))
            && error.to_string().contains("advisories.db")
    );
}

/// A file as its writer would have sealed it, around a manifest that was changed.
fn sealed(world: &World, change: impl Fn(&mut Manifest)) {
    let built = world.build();
    let mut manifest = built.manifest;
    let segments: u64 = manifest.segments.iter().map(|note| note.bytes).sum();
    let end = usize::try_from(container::PREAMBLE_BYTES + segments).unwrap();
    let mut bytes = world.bytes();
    bytes.truncate(end);
    change(&mut manifest);
    container::write_end(&mut bytes, &manifest).unwrap();
    fs::write(world.database(), bytes).unwrap();
}

#[test]
fn a_manifest_that_lies_about_its_segments_is_refused() {
    let world = sample();
    sealed(&world, |_| {});
    assert!(open(&world).is_ok());
    sealed(&world, |manifest| manifest.segments[0].bytes += 1);
    assert!(matches!(open(&world), Err(DatabaseFault::Room { .. })));
    sealed(&world, |manifest| manifest.segments[0].bytes = u64::MAX);
    assert!(matches!(open(&world), Err(DatabaseFault::Room { .. })));
    sealed(&world, |manifest| {
        manifest.segments[0].head_bytes = manifest.segments[0].bytes + 1;
    });
    assert!(matches!(open(&world), Err(DatabaseFault::Head { .. })));
    sealed(&world, |manifest| {
        manifest.segments[0].head_bytes = u64::MAX;
    });
    assert!(matches!(open(&world), Err(DatabaseFault::HeadSize { .. })));
    sealed(&world, |manifest| {
        manifest.segments[1].holds = manifest.segments[0].holds.clone();
    });
    assert!(matches!(open(&world), Err(DatabaseFault::Twice(_))));
    sealed(&world, |manifest| {
        let note = &mut manifest.segments[0];
        note.head_bytes = 0;
        note.head_digest = Sha256::of(b"");
    });
    assert!(matches!(open(&world), Err(DatabaseFault::Head { .. })));
}
