//! What reading a layer takes of memory, whatever somebody put into it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write as _;
use std::iter;

use bytes::Bytes;
use cise_advisor::inventory::{LayerError, Limits, fuzzing};
use flate2::Compression;
use flate2::write::GzEncoder;

const MIB: u64 = 1024 * 1024;

/// Bounds that are reached soon. What is kept of an entry does not depend on how many there are.
fn limits() -> Limits {
    Limits {
        inflated: 64 * MIB,
        entries: 250_000,
        file: 16 * MIB,
        layers: 1,
        ..Limits::default()
    }
}

/// A layer that comes in chunks, and how many bytes it is said to have.
type Blob = (Box<dyn Iterator<Item = Bytes>>, u64);

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The header of an entry of the kind that a letter stands for.
fn header(path: &str, kind: u8, size: u64) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    header.set_path(path).unwrap();
    header.set_entry_type(tar::EntryType::new(kind));
    header.set_size(size);
    header.set_cksum();
    header.as_bytes().to_vec()
}

/// Some bytes, and then others again and again.
fn repeated(first: Vec<u8>, again: Vec<u8>, times: usize) -> Blob {
    let size = first.len() as u64 + again.len() as u64 * times as u64;
    let again = iter::repeat_n(Bytes::from(again), times);
    (Box::new(iter::once(Bytes::from(first)).chain(again)), size)
}

fn many_entries() -> Blob {
    let count = 250_001_u32;
    let entry = |number| header(&format!("usr/share/{}/{number:07}", number / 1000), b'0', 0);
    let chunks = (0..count).map(move |number| Bytes::from(entry(number)));
    (Box::new(chunks), u64::from(count) * 512)
}

/// A frame that decoders of Zstandard pass over.
fn skippable(content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_le_bytes();
    [&[0x50, 0x2a, 0x4d, 0x18], length.as_slice(), content].concat()
}

/// A Zstandard frame of one block that repeats a byte.
fn frame(byte: u8, length: u32) -> Vec<u8> {
    let [a, b, c, _] = ((length << 3) | 0b011).to_le_bytes();
    vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 7 << 3, a, b, c, byte]
}

#[test]
fn a_hostile_layer_takes_no_more_than_its_bounds() {
    let endless = header("zeros", b'0', 1 << 40);
    let database = header("var/lib/dpkg/status", b'0', 16 * MIB);
    let record = [header("x", b'x', MIB), vec![b'x'; 1 << 20]].concat();
    let aside = [[0x28, 0xb5, 0x2f, 0xfd].as_slice(), &vec![0; 4 << 20]].concat();
    let cases: [(&str, Blob, u64); 8] = [
        (
            "a bomb",
            repeated(gzip(&endless), gzip(&vec![0; 8 << 20]), 40),
            2 * MIB,
        ),
        ("a flood of entries", many_entries(), 250_000 * 110),
        (
            "a file without an end",
            repeated(endless, vec![0; 1 << 20], 100),
            4 * MIB,
        ),
        (
            "a database as large as may be",
            repeated(database, vec![b'x'; 1 << 20], 17),
            50 * MIB,
        ),
        (
            "members of nothing",
            repeated(gzip(&header("a", b'0', 1 << 30)), gzip(b""), 100_000),
            4 * MIB,
        ),
        (
            "frames of nothing",
            repeated(frame(0, 1024), frame(0, 0), 100_000),
            4 * MIB,
        ),
        (
            "frames beside the archive",
            repeated(frame(0, 1024), skippable(&aside), 30),
            60 * MIB,
        ),
        (
            "extended headers without an entry",
            repeated(Vec::new(), record, 30),
            6 * MIB,
        ),
    ];
    for (what, (chunks, size), most) in cases {
        let mut error = None;
        let allocated = allocation_counter::measure(|| {
            error = fuzzing::stream(chunks, size, &limits()).err();
        });
        let error = error.unwrap();
        assert!(error != LayerError::Lost);
        let bytes = allocated.bytes_max;
        assert!(bytes < most, "{what}: {bytes} bytes at once, {error}");
    }
}

#[test]
fn a_table_that_inflates_without_an_end_is_not_held() {
    let table = frame(b' ', 128 * 1024).repeat(2000);
    let blob = [frame(0, 1024), skippable(&table)].concat();
    let mut layer = None;
    let allocated = allocation_counter::measure(|| {
        layer = fuzzing::layer(&blob, MIB).ok();
    });
    assert!(layer.is_some());
    let bytes = allocated.bytes_max;
    assert!(bytes < 4 * MIB, "{bytes} bytes at once");
}
