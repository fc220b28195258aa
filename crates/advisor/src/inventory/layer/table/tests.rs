//! Layers that the real tools wrote, and such whose tables somebody changed.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};

use bytes::Bytes;
use cise_reference::{Algorithm, Digest};
use cise_testkit::components::CHUNKED;
use cise_testkit::images::{Chunked, ChunkedLayer};
use flate2::Compression;
use flate2::read::{GzDecoder, MultiGzDecoder};
use flate2::write::GzEncoder;
use ruzstd::decoding::StreamingDecoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use serde_json::{Value, json};
use tar::EntryType as Type;

use super::super::{Expected, LayerError, LayerInventory, Room, read};
use super::*;
use crate::inventory::digest::sha;
use crate::inventory::limits::Limits;

const STATUS: &str = "var/lib/dpkg/status";

/// A database of more than one part.
fn status() -> String {
    let stanza = |number: u32| {
        let noise = number.wrapping_mul(2_654_435_761);
        format!(
            "Package: p{number}\nStatus: install ok installed\nVersion: 1.{noise}\nArchitecture: amd64\nMaintainer: x\n\n"
        )
    };
    (0..200).map(stanza).collect()
}

fn archive() -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut append = |path: &str, kind: Type, link: &str, content: &str| {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_device_major(0).expect("GNU has it");
        header.set_device_minor(0).expect("GNU has it");
        let done = match link {
            "" => builder.append_data(&mut header, path, content.as_bytes()),
            link => builder.append_link(&mut header, path, link),
        };
        done.expect("room");
    };
    append("etc/", Type::Directory, "", "");
    append(
        "etc/os-release",
        Type::Regular,
        "",
        "ID=debian\nVERSION_ID=12\n",
    );
    append("etc/empty", Type::Regular, "", "");
    append("etc/link", Type::Symlink, "os-release", "");
    append("etc/same", Type::Link, "etc/os-release", "");
    append("etc/.wh.gone", Type::Regular, "", "");
    append("run/pipe", Type::Fifo, "", "");
    append("dev/null", Type::Char, "", "");
    append(STATUS, Type::Regular, "", &status());
    append("usr/bin/tool", Type::Regular, "", &"0".repeat(9000));
    builder.into_inner().expect("an archive")
}

fn written(by: Chunked) -> ChunkedLayer {
    by.layer(&archive()).expect("a layer")
}

fn inventory(layer: &ChunkedLayer) -> Result<LayerInventory, LayerError> {
    let expected = Expected {
        digest: digest(layer),
        size: layer.content.len() as u64,
        diff_id: Digest::parse(&layer.diff_id).expect("a digest"),
    };
    let pieces = layer.content.chunks(1000);
    let chunks = pieces.map(|chunk| Ok(Bytes::copy_from_slice(chunk)));
    read(chunks, &expected, Room::new(&Limits::default(), None))
}

fn digest(layer: &ChunkedLayer) -> Digest {
    sha(Algorithm::Sha256, &layer.content)
}

/// What is said of a layer's table.
fn judged(layer: &ChunkedLayer) -> Result<(), Box<str>> {
    let inventory = inventory(layer).expect("a layer in order");
    assert!(inventory.was_read_from(&digest(layer)));
    inventory.shows_the_same(&digest(layer), &layer.annotations)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("room");
    encoder.finish().expect("room")
}

fn table_archive(table: &[u8]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(table.len() as u64);
    builder.append_data(&mut header, FILE, table).expect("room");
    builder.into_inner().expect("an archive")
}

fn estargz_footer(position: usize) -> Vec<u8> {
    let field = format!("SG\u{16}\0{position:016x}STARGZ");
    let mut footer = vec![0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, 26, 0];
    footer.extend_from_slice(field.as_bytes());
    footer.extend_from_slice(&[1, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0]);
    footer
}

fn position(layer: &ChunkedLayer) -> usize {
    let footer = &layer.content[layer.content.len() - 51..];
    let digits = str::from_utf8(&footer[16..32]).expect("digits");
    usize::from_str_radix(digits, 16).expect("a number")
}

fn inflated(blob: &[u8]) -> String {
    let mut archive = Vec::new();
    let read = MultiGzDecoder::new(blob).read_to_end(&mut archive);
    read.expect("gzip");
    cise_testkit::images::sha256(&archive)
}

/// The table of an eStargz layer.
fn table(layer: &ChunkedLayer) -> Value {
    let mut archive = tar::Archive::new(GzDecoder::new(&layer.content[position(layer)..]));
    let mut entries = archive.entries().expect("an archive");
    let table = entries.next().expect("an entry").expect("an entry");
    serde_json::from_reader(table).expect("JSON")
}

/// An eStargz layer with another table, of which all is true that is said of it.
fn with_table(layer: &ChunkedLayer, table: &[u8]) -> ChunkedLayer {
    let position = position(layer);
    let mut content = layer.content[..position].to_vec();
    content.extend(gzip(&table_archive(table)));
    content.extend(estargz_footer(position));
    let digest = cise_testkit::images::sha256(table);
    ChunkedLayer {
        diff_id: inflated(&content),
        content,
        annotations: [(ESTARGZ.to_owned(), digest)].into(),
    }
}

/// The place of podman's table, and the table.
fn chunked_table(layer: &ChunkedLayer) -> (usize, Value) {
    let footer = &layer.content[layer.content.len() - 64..];
    let number = |at: usize| {
        let bytes = footer[at * 8..at * 8 + 8].try_into().expect("eight bytes");
        usize::try_from(u64::from_le_bytes(bytes)).expect("small")
    };
    let (start, length) = (number(0), number(1));
    let frame = &layer.content[start..start + length];
    let table = StreamingDecoder::new(frame).expect("a frame");
    (start, serde_json::from_reader(table).expect("JSON"))
}

/// A layer of podman's with another table.
fn with_chunked_table(layer: &ChunkedLayer, table: &[u8]) -> ChunkedLayer {
    let (start, _) = chunked_table(layer);
    let frame = compress_to_vec(table, CompressionLevel::Fastest);
    let skippable = |bytes: &[u8]| {
        let length = u32::try_from(bytes.len()).expect("small").to_le_bytes();
        [&[0x50, 0x2a, 0x4d, 0x18], length.as_slice(), bytes].concat()
    };
    let numbers = [start, frame.len(), table.len(), 1, 0, 0, 0];
    let footer: Vec<u8> = numbers
        .iter()
        .flat_map(|number| (*number as u64).to_le_bytes())
        .chain(*b"GNUlInUx")
        .collect();
    let mut content = layer.content[..start - 8].to_vec();
    content.extend(skippable(&frame));
    content.extend(skippable(&footer));
    let (checksum, place) = ZSTD_CHUNKED[0];
    let annotations = [
        (checksum.to_owned(), cise_testkit::images::sha256(&frame)),
        (
            place.to_owned(),
            format!("{start}:{}:{}:1", frame.len(), table.len()),
        ),
    ];
    ChunkedLayer {
        content,
        diff_id: layer.diff_id.clone(),
        annotations: annotations.into(),
    }
}

/// The first entry of a table with that name.
fn entry<'t>(table: &'t mut Value, name: &str) -> &'t mut Value {
    let entries = table["entries"].as_array_mut().expect("entries");
    let found = entries.iter_mut().find(|entry| entry["name"] == name);
    found.expect("an entry")
}

#[test]
fn a_table_that_a_real_tool_wrote_says_the_same() {
    if CHUNKED.require().is_none() {
        return;
    }
    for by in Chunked::ALL {
        let layer = written(by);
        let read = inventory(&layer).expect("a layer");
        assert_eq!(read.files.len(), 2, "{by:?}");
        assert_eq!(judged(&layer), Ok(()), "{by:?}");
        // A manifest may leave out what it says of the table: the blob is the same.
        let silent = ChunkedLayer {
            annotations: BTreeMap::new(),
            ..layer
        };
        assert_eq!(judged(&silent), Ok(()), "{by:?}");
    }
}

/// What is done to a table, and what is said of it then.
type Change = (&'static str, fn(&mut Value), &'static str);

const CHANGES: [Change; 14] = [
    (
        "another digest",
        |table| entry(table, STATUS)["digest"] = json!(format!("sha256:{:064}", 0)),
        "another digest of `var/lib/dpkg/status`",
    ),
    (
        "no digest",
        |table| {
            let entry = entry(table, STATUS).as_object_mut();
            entry.expect("an entry").remove("digest");
        },
        "another digest of `var/lib/dpkg/status`",
    ),
    (
        "another place",
        |table| {
            let other = entry(table, "usr/bin/tool")["offset"].clone();
            entry(table, STATUS)["offset"] = other;
        },
        "finds `var/lib/dpkg/status` elsewhere",
    ),
    (
        "another place within the same member",
        |table| entry(table, STATUS)["innerOffset"] = json!(512),
        "finds `var/lib/dpkg/status` elsewhere",
    ),
    (
        "another size",
        |table| entry(table, STATUS)["size"] = json!(7),
        "says of `var/lib/dpkg/status`",
    ),
    (
        "another name",
        |table| entry(table, "usr/bin/tool")["name"] = json!("usr/lib/os-release"),
        "says of `usr/lib/os-release`",
    ),
    (
        "another kind",
        |table| entry(table, "run/pipe")["type"] = json!("char"),
        "says of `run/pipe`",
    ),
    (
        "another device",
        |table| entry(table, "dev/null")["devMajor"] = json!(1),
        "says of `dev/null`",
    ),
    (
        "another target",
        |table| entry(table, "etc/link")["linkName"] = json!("empty"),
        "says of `etc/link`",
    ),
    (
        "an entry less",
        |table| {
            let entries = table["entries"].as_array_mut().expect("entries");
            entries.retain(|entry| entry["name"] != "usr/bin/tool");
        },
        "entries, and the archive has 10",
    ),
    (
        "an entry more",
        |table| {
            let more = json!({"type": "reg", "name": "etc/.wh.os-release"});
            table["entries"].as_array_mut().expect("entries").push(more);
        },
        "says of `etc/.wh.os-release`",
    ),
    (
        "an attribute of overlay file systems",
        |table| entry(table, "etc/")["xattrs"] = json!({"trusted.overlay.opaque": "eQ=="}),
        "attributes by which overlay file systems",
    ),
    (
        "a name in capitals, which runtimes read too",
        |table| entry(table, STATUS)["Name"] = json!("var/lib/dpkg/other"),
        "cannot be read: unknown field `Name`",
    ),
    (
        "another version",
        |table| table["version"] = json!(2),
        "of a version that is not known",
    ),
];

fn expect(what: &str, layer: &ChunkedLayer, why: &str) {
    let found = judged(layer).expect_err(what);
    assert!(found.contains(why), "{what}: {found}");
}

#[test]
fn a_table_that_says_anything_else_is_told_with_what_it_says() {
    if CHUNKED.require().is_none() {
        return;
    }
    let (estargz, podman) = (written(Chunked::Estargz), written(Chunked::ZstdPodman));
    let unchanged = table(&estargz).to_string();
    assert_eq!(judged(&with_table(&estargz, unchanged.as_bytes())), Ok(()));
    let unchanged = chunked_table(&podman).1.to_string();
    assert_eq!(
        judged(&with_chunked_table(&podman, unchanged.as_bytes())),
        Ok(())
    );
    for (what, change, why) in CHANGES {
        let mut changed = table(&estargz);
        change(&mut changed);
        let changed = with_table(&estargz, changed.to_string().as_bytes());
        expect(what, &changed, why);
        // The manifest need not say that there is a table.
        let annotations = BTreeMap::new();
        expect(
            what,
            &ChunkedLayer {
                annotations,
                ..changed
            },
            why,
        );
        let (_, mut changed) = chunked_table(&podman);
        change(&mut changed);
        expect(
            what,
            &with_chunked_table(&podman, changed.to_string().as_bytes()),
            why,
        );
    }
}

/// What is done to entries, of which the one at that place is the second part of the database.
type Parts = fn(&mut Vec<Value>, usize);

#[test]
fn parts_of_a_file_that_leave_a_gap_or_overlap_are_told() {
    if CHUNKED.require().is_none() {
        return;
    }
    let layer = written(Chunked::Estargz);
    let part = |table: &mut Value, number: usize| {
        let entries = table["entries"].as_array().expect("entries");
        let at = entries.iter().position(|entry| entry["name"] == STATUS);
        at.expect("an entry") + number
    };
    let cases: [(&str, Parts); 4] = [
        ("a part less", |entries, second| {
            entries.remove(second);
        }),
        ("two parts swapped", |entries, second| {
            entries.swap(second, second + 1);
        }),
        ("a part twice", |entries, second| {
            entries.insert(second, entries[second].clone());
        }),
        ("a part that is longer", |entries, second| {
            entries[second]["chunkSize"] = json!(5000);
        }),
    ];
    for (what, change) in cases {
        let mut changed = table(&layer);
        let second = part(&mut changed, 1);
        change(changed["entries"].as_array_mut().expect("entries"), second);
        let changed = with_table(&layer, changed.to_string().as_bytes());
        expect(what, &changed, "finds `var/lib/dpkg/status` elsewhere");
    }
}

/// A layer of gzip members, of which nothing is said.
fn of_gzip(content: Vec<u8>) -> ChunkedLayer {
    ChunkedLayer {
        diff_id: inflated(&content),
        content,
        annotations: BTreeMap::new(),
    }
}

#[test]
fn whatever_a_runtime_may_take_for_a_table_counts() {
    if CHUNKED.require().is_none() {
        return;
    }
    let layer = written(Chunked::Estargz);
    let good = table(&layer).to_string();
    let (rest, _) = layer.content.split_at(layer.content.len() - 51);
    let footed = |footer: Vec<u8>| of_gzip([rest, footer.as_slice()].concat());
    let mut of_another_make = estargz_footer(position(&layer));
    of_another_make[9] = 3;
    let mut apart = vec![0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, 21, 0];
    apart.extend_from_slice(b"SG\x11\0STARGZEXTERNALTOC");
    apart.extend_from_slice(&[1, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0]);
    let mut unpacked = Vec::new();
    let read = MultiGzDecoder::new(layer.content.as_slice()).read_to_end(&mut unpacked);
    read.expect("gzip");
    let one_member = [gzip(&unpacked), estargz_footer(0)].concat();
    let table: [(&str, ChunkedLayer, &str); 5] = [
        (
            "two tables in one file",
            with_table(&layer, format!("{good}{good}").as_bytes()),
            "cannot be read: trailing characters",
        ),
        (
            "a footer that leads elsewhere",
            footed(estargz_footer(0)),
            "where there is none",
        ),
        (
            "a footer of another make",
            footed(of_another_make),
            "as no tool writes it",
        ),
        (
            "a table that is kept apart",
            footed(apart),
            "not in the layer",
        ),
        (
            "the same archive in one member",
            of_gzip(one_member),
            "where there is none",
        ),
    ];
    for (what, layer, why) in table {
        expect(what, &layer, why);
    }
}

/// A layer, what a manifest says of it, and what is said of that.
type Case<'a> = (&'a ChunkedLayer, &'a [(&'a str, &'a str)], &'a str);

#[test]
fn what_a_manifest_says_of_a_table_has_to_be_so() {
    if CHUNKED.require().is_none() {
        return;
    }
    let (estargz, podman) = (written(Chunked::Estargz), written(Chunked::ZstdPodman));
    let plain = of_gzip(gzip(&archive()));
    let (checksum, place) = ZSTD_CHUNKED[0];
    let good = podman.annotations[checksum].as_str();
    let (start, _) = chunked_table(&podman);
    let (here, elsewhere) = (format!("{start}:5:5:1"), format!("{}:5:5:1", start + 1));
    let digest = estargz.annotations[ESTARGZ].as_str();
    let nydus = "containerd.io/snapshot/nydus-bootstrap";
    let table: [Case<'_>; 6] = [
        (
            &estargz,
            &[(ESTARGZ, "sha256:00")],
            "where the layer has none",
        ),
        (&plain, &[(ESTARGZ, digest)], "where the layer has none"),
        (
            &podman,
            &[(checksum, good), (place, &elsewhere)],
            "where the layer has none",
        ),
        (&podman, &[(place, &here)], "where the layer has none"),
        (&podman, &[(checksum, good)], "where the layer has none"),
        (&podman, &[(nydus, "true")], "of a kind that is not read"),
    ];
    for (layer, annotations, why) in table {
        let said = annotations.iter();
        let said = said.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let layer = ChunkedLayer {
            annotations: said.collect(),
            ..layer.clone()
        };
        expect(&format!("{annotations:?}"), &layer, why);
    }
}

#[test]
fn a_table_of_an_archive_that_runtimes_read_in_different_ways_does_not_count() {
    if CHUNKED.require().is_none() {
        return;
    }
    let mut twice = archive();
    twice.truncate(twice.len() - 1024);
    let mut header = tar::Header::new_ustar();
    header.set_path("etc/os-release").expect("short");
    header.set_size(0);
    header.set_cksum();
    twice.extend_from_slice(header.as_bytes());
    twice.resize(twice.len() + 1024, 0);
    let layer = Chunked::EstargzKept.layer(&twice).expect("a layer");
    expect(
        "a file twice",
        &layer,
        "the archive has `etc/os-release` twice",
    );
}

#[test]
fn a_file_with_the_name_of_a_table_is_a_file_where_nothing_names_it() {
    let mut archive = archive();
    archive.truncate(archive.len() - 1024);
    archive.extend(table_archive(b"{}"));
    for content in [archive.clone(), gzip(&archive)] {
        let layer = ChunkedLayer {
            content,
            diff_id: cise_testkit::images::sha256(&archive),
            annotations: BTreeMap::new(),
        };
        assert_eq!(judged(&layer), Ok(()));
    }
}

#[test]
fn what_follows_the_end_mark_is_a_table_or_an_error() {
    let appended = |more: &[u8]| {
        let content = [gzip(&archive()), gzip(more)].concat();
        let layer = ChunkedLayer {
            diff_id: inflated(&content),
            content,
            annotations: BTreeMap::new(),
        };
        inventory(&layer).map(|inventory| inventory.files.len())
    };
    let trailing = Err(LayerError::Tar(super::super::TarError::Trailing));
    assert_eq!(appended(&table_archive(b"{}")), Ok(2));
    assert_eq!(appended(&archive()), trailing);
    let both = [table_archive(b"{}"), table_archive(b"{}")].concat();
    assert_eq!(appended(&both), trailing);
    let mut two = table_archive(b"{}");
    two.truncate(1024);
    two.extend(archive());
    assert_eq!(appended(&two), trailing);
}
