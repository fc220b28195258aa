use std::io::Write as _;

use cise_reference::Algorithm;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;
use crate::inventory::digest::sha;

const STATUS: &str = "Package: tar\nStatus: install ok installed\nVersion: 1.34\nArchitecture: amd64\nMaintainer: x\n\n";

fn archive(files: &[(&str, &str)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder
            .append_data(&mut header, path, content.as_bytes())
            .expect("room");
    }
    builder.into_inner().expect("an archive")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("room");
    encoder.finish().expect("room")
}

fn limits() -> Limits {
    Limits {
        layers: 1,
        large_file: 0,
        ..Limits::default()
    }
}

fn expected(blob: &[u8], archive: &[u8]) -> Expected {
    Expected {
        digest: sha(Algorithm::Sha256, blob),
        size: blob.len() as u64,
        diff_id: sha(Algorithm::Sha256, archive),
    }
}

fn read_as(
    blob: &[u8],
    expected: &Expected,
    limits: &Limits,
) -> Result<LayerInventory, LayerError> {
    let chunks = blob
        .chunks(4096)
        .map(|chunk| Ok(Bytes::copy_from_slice(chunk)));
    read(chunks, expected, Room::new(limits, None))
}

fn items(layer: &LayerInventory) -> Vec<String> {
    let mut cursor = layer.listing.cursor();
    let next = || {
        let entry = cursor.next().expect("a listing in order");
        entry.map(|(path, item)| format!("{path} {item:?}"))
    };
    std::iter::from_fn(next).collect()
}

#[test]
fn a_layer_says_what_is_in_it() {
    let archive = archive(&[
        ("./var/lib/dpkg/status", STATUS),
        ("./etc/motd", "hello"),
        ("etc/.wh.passwd", ""),
        ("var/.wh..wh..opq", ""),
        ("etc/.wh.", ""),
        ("lib64/ld-linux-x86-64.so.2", ""),
    ]);
    let blob = gzip(&archive);
    let layer = read_as(&blob, &expected(&blob, &archive), &limits()).expect("a layer");
    assert_eq!(
        items(&layer),
        [
            "var/lib/dpkg/status Read(0)",
            "etc/motd File",
            "etc/passwd Whiteout",
            "var Opaque",
            "lib64/ld-linux-x86-64.so.2 File",
        ]
    );
    assert_eq!(
        layer.marks,
        [Mark::PackageDatabase, Mark::DynamicLoader].into()
    );
    assert_eq!(layer.files.len(), 1);
    assert_eq!(layer.files[0].manager, Some(Manager::Dpkg));
    let Content::Packages(packages) = &layer.files[0].content else {
        panic!("expected packages, got {:?}", layer.files);
    };
    assert_eq!((&*packages[0].name, &*packages[0].version), ("tar", "1.34"));
    let json = serde_json::to_string(&layer).expect("JSON");
    let kept: LayerInventory = serde_json::from_str(&json).expect("a layer");
    assert_eq!(kept, layer);
}

#[test]
fn a_layer_that_is_not_what_it_should_be_is_refused() {
    let archive = archive(&[("etc/motd", "hello")]);
    let blob = gzip(&archive);
    let right = expected(&blob, &archive);
    assert!(read_as(&blob, &right, &limits()).is_ok());
    let other = sha(Algorithm::Sha256, b"other");
    let size = right.size;
    let table = [
        (
            Expected {
                digest: other.clone(),
                ..right.clone()
            },
            LayerError::Digest {
                found: right.digest.clone(),
            },
        ),
        (
            Expected {
                diff_id: other,
                ..right.clone()
            },
            LayerError::DiffId {
                found: right.diff_id.clone(),
            },
        ),
        (
            Expected {
                size: size + 1,
                ..right.clone()
            },
            LayerError::Short {
                claimed: size + 1,
                found: size,
            },
        ),
        (
            Expected {
                size: size - 1,
                ..right.clone()
            },
            LayerError::Long { claimed: size - 1 },
        ),
        (
            Expected {
                size: u64::MAX,
                ..right.clone()
            },
            LayerError::Compressed {
                limit: limits().compressed,
            },
        ),
    ];
    for (expected, error) in table {
        assert_eq!(read_as(&blob, &expected, &limits()), Err(error));
    }
    let sha512 = Expected {
        digest: sha(Algorithm::Sha512, &blob),
        diff_id: sha(Algorithm::Sha512, &archive),
        size,
    };
    assert!(read_as(&blob, &sha512, &limits()).is_ok());
}

#[test]
fn a_layer_without_an_end_is_given_up_at_its_size() {
    let endless = std::iter::repeat_with(|| Ok(Bytes::from_static(&[0; 4096])));
    let claimed = 1 << 20;
    let expected = Expected {
        size: claimed,
        ..expected(b"", b"")
    };
    assert_eq!(
        read(endless, &expected, Room::new(&limits(), None)),
        Err(LayerError::Long { claimed })
    );
}

#[test]
fn bombs_and_floods_end_at_their_bounds() {
    let zeros = archive(&[("zeros", &"\0".repeat(3 << 20))]);
    let many: Vec<String> = (0..100).map(|number| format!("{number}")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|name| (name.as_str(), "")).collect();
    let many = archive(&many);
    let deep = archive(&[(&"d/".repeat(2100), "")]);
    let small = Limits {
        inflated: 1 << 20,
        entries: 99,
        ..limits()
    };
    let table = [
        (zeros, LayerError::Inflated { limit: 1 << 20 }),
        (many, LayerError::Entries { limit: 99 }),
        (deep, LayerError::LongPath),
    ];
    for (archive, error) in table {
        let blob = gzip(&archive);
        assert_eq!(
            read_as(&blob, &expected(&blob, &archive), &small),
            Err(error)
        );
    }
    let low = Limits {
        ratio: 2,
        ..limits()
    };
    assert_eq!(low.inflated_by_ratio(1000), 256 << 20);
    assert_eq!(low.inflated_by_ratio(1 << 30), 2 << 30);
}

#[test]
fn what_is_at_the_place_of_a_database_and_cannot_be_read_is_told() {
    let mut builder = tar::Builder::new(Vec::new());
    let mut append = |path: &str, kind: tar::EntryType, content: &str| {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(content.len() as u64);
        builder
            .append_data(&mut header, path, content.as_bytes())
            .expect("room");
    };
    append("var/lib/dpkg/status", tar::EntryType::Fifo, "");
    append("lib/apk/db/installed", tar::EntryType::GNUSparse, "x");
    append(
        "var/lib/rpm/rpmdb.sqlite",
        tar::EntryType::Regular,
        "far too large",
    );
    append("etc/os-release", tar::EntryType::Regular, "ID=\"");
    append("usr/lib/os-release", tar::EntryType::Directory, "");
    let archive = builder.into_inner().expect("an archive");
    let small = Limits {
        file: 12,
        ..limits()
    };
    let layer = read_as(&archive, &expected(&archive, &archive), &small).expect("a layer");
    let why: Vec<_> = layer
        .files
        .iter()
        .map(|file| match &file.content {
            Content::Broken(why) => &**why,
            other => panic!("expected a reason, got {other:?}"),
        })
        .collect();
    assert_eq!(why[0], "it is not a file");
    assert!(why[1].contains("sparse"), "{}", why[1]);
    assert!(why[2].contains("12 bytes"), "{}", why[2]);
    assert_eq!(why.len(), 4);
    assert_eq!(items(&layer)[4], "usr/lib/os-release Directory");
}

#[test]
fn a_hundred_thousand_entries_are_read_and_not_one_more() {
    let bound = Limits {
        entries: 100_000,
        ..limits()
    };
    let mut archive = Vec::new();
    let mut header = tar::Header::new_gnu();
    header.set_size(0);
    for number in 0..100_000_u32 {
        header
            .set_path(format!("usr/share/data/{}/{number:07}", number / 1000))
            .expect("a path");
        header.set_cksum();
        archive.extend_from_slice(header.as_bytes());
    }
    let layer = read_as(&archive, &expected(&archive, &archive), &bound).expect("a layer");
    assert!(layer.weight() < 2 << 20, "{}", layer.weight());
    archive.extend_from_slice(header.as_bytes());
    let flooded = read_as(&archive, &expected(&archive, &archive), &bound);
    assert_eq!(flooded, Err(LayerError::Entries { limit: 100_000 }));
}

#[test]
fn a_layer_that_says_more_than_there_is_memory_for_is_not_read_with_that_reason() {
    let paths: Vec<String> = (0..2000)
        .map(|number| format!("usr/share/{number}/x"))
        .collect();
    let files: Vec<_> = paths.iter().map(|path| (path.as_str(), "")).collect();
    let layer = cise_testkit::images::Layer::new(&files).expect("a layer");
    let expected = Expected {
        digest: sha(Algorithm::Sha256, &layer.content),
        size: layer.content.len() as u64,
        diff_id: Digest::parse(&layer.diff_id).expect("a digest"),
    };
    for (said, fits) in [(1 << 20, true), (1 << 14, false)] {
        let limits = Limits { said, ..limits() };
        let read = read_as(&layer.content, &expected, &limits);
        assert_eq!(read.is_ok(), fits);
        if let Err(error) = read {
            assert_eq!(error, LayerError::Said { limit: said });
            assert!(!error.may_pass(), "it would be the same again");
        }
    }
}

#[test]
fn a_database_that_is_too_large_to_be_held_is_read_from_a_disk_within_its_bound() {
    let database = cise_testkit::fixtures::packages::rpm_database().expect("a database");
    let layer = cise_testkit::images::Layer::new(&[
        ("var/lib/rpm/rpmdb.sqlite", database.as_slice()),
        ("lib/apk/db/installed", &[b'x'; 5000]),
    ])
    .expect("a layer");
    let expected = Expected {
        digest: sha(Algorithm::Sha256, &layer.content),
        size: layer.content.len() as u64,
        diff_id: Digest::parse(&layer.diff_id).expect("a digest"),
    };
    let folder = tempfile::tempdir().expect("a folder");
    let scratch = Scratch::new(folder.path()).expect("a folder");
    let read = |file: u64, put: u64, scratch: Option<&Scratch>| {
        let limits = Limits {
            file,
            scratch: put,
            ..limits()
        };
        let chunks = std::iter::once(Ok(Bytes::from(layer.content.clone())));
        let inventory = read(chunks, &expected, Room::new(&limits, scratch));
        inventory.map(|inventory| {
            let [rpm, apk] = inventory.files.as_slice() else {
                panic!("expected two files, got {inventory:?}");
            };
            (rpm.content.clone(), apk.content.clone())
        })
    };
    let size = database.len() as u64;
    let (held, _) = read(size, 0, None).expect("a layer");
    assert!(matches!(held, Content::Packages(_)), "{held:?}");
    let (put, text) = read(4096, size, Some(&scratch)).expect("a layer");
    assert_eq!(put, held);
    let refused = |content: &Content, most: u64| matches!(content, Content::Broken(why) if why.contains(&format!("more than the {most} bytes")));
    assert!(refused(&text, 4096), "a text is not read here and there");
    let (larger, _) = read(4096, size - 1, Some(&scratch)).expect("a layer");
    assert!(refused(&larger, size - 1), "{larger:?}");
    let (without, _) = read(4096, size, None).expect("a layer");
    assert!(refused(&without, 4096), "{without:?}");
    let large = Limits {
        file: 4096,
        large_file: size,
        ..limits()
    };
    let whole = read_as(&layer.content, &expected, &large).expect("a layer");
    assert_eq!(
        whole.files[0].content, held,
        "of one layer at a time, it is held"
    );
    let left = std::fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(left, 0, "nothing stays");

    // A disk that fails says nothing about the image.
    drop(folder);
    let failed = read(4096, size, Some(&scratch)).expect_err("no folder");
    assert!(matches!(failed, LayerError::Scratch(_)) && failed.may_pass());
    assert!(Scratch::new(&std::path::Path::new("/proc").join("none")).is_err());
}
