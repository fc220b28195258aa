use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use super::*;
use crate::inventory::digest::sha;
use crate::inventory::layer::blob::Blob;
use crate::inventory::source::SourceError;

const AMPLE: Bounds = Bounds {
    inflated: u64::MAX,
    by_ratio: u64::MAX,
    window: 64 << 20,
};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("room");
    encoder.finish().expect("room")
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec(bytes, CompressionLevel::Fastest)
}

fn skippable(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).expect("small");
    [
        &[0x5a, 0x2a, 0x4d, 0x18],
        length.to_le_bytes().as_slice(),
        bytes,
    ]
    .concat()
}

/// What comes out of a blob whose bytes come in pieces of some size, and the two digests.
fn inflate(blob: &[u8], piece: usize, bounds: Bounds) -> Result<Vec<u8>, LayerError> {
    let chunks = blob
        .chunks(piece)
        .map(|chunk| Ok::<_, SourceError>(Bytes::copy_from_slice(chunk)));
    let mut blob_reader = Blob::new(chunks, Algorithm::Sha256, blob.len() as u64);
    let start = blob_reader.start()?;
    let mut inflated = Inflated::new(blob_reader, start, Algorithm::Sha256, bounds);
    let mut bytes = Vec::new();
    loop {
        let there = inflated.fill()?;
        if there.is_empty() {
            break;
        }
        bytes.extend_from_slice(there);
        let taken = there.len();
        inflated.consume(taken);
    }
    let ended = inflated.finish()?;
    assert_eq!(ended.diff_id, sha(Algorithm::Sha256, &bytes));
    assert_eq!(ended.blob.finish()?.0, sha(Algorithm::Sha256, blob));
    Ok(bytes)
}

fn text() -> Vec<u8> {
    (0..60_000_u32)
        .flat_map(|number| format!("{}\n", number.wrapping_mul(2_654_435_761)).into_bytes())
        .collect()
}

#[test]
fn a_blob_is_inflated_by_what_its_first_bytes_show() {
    let text = text();
    let (half, rest) = text.split_at(text.len() / 2);
    let table = [
        ("plain", text.clone()),
        ("gzip", gzip(&text)),
        (
            "gzip of several members",
            [gzip(half), gzip(b""), gzip(rest)].concat(),
        ),
        ("zstd", zstd(&text)),
        ("zstd of several frames", [zstd(half), zstd(rest)].concat()),
        (
            "zstd with frames of something else",
            [
                skippable(b"first"),
                zstd(half),
                skippable(b""),
                zstd(rest),
                skippable(b"last"),
            ]
            .concat(),
        ),
    ];
    for (what, blob) in table {
        for piece in [1, 3, 4096, 1 << 20] {
            assert!(
                inflate(&blob, piece, AMPLE) == Ok(text.clone()),
                "{what} in pieces of {piece}"
            );
        }
    }
    assert_eq!(inflate(b"", 1, AMPLE), Ok(Vec::new()));
    assert_eq!(inflate(&gzip(b""), 1, AMPLE), Ok(Vec::new()));
}

#[test]
fn what_follows_or_is_missing_is_told() {
    let (gzip, zstd) = (gzip(&text()), zstd(&text()));
    let cut = |bytes: &[u8]| bytes[..bytes.len() - 5].to_vec();
    let followed = |bytes: &[u8], by: &[u8]| [bytes, by].concat();
    let table = [
        ("gzip cut short", cut(&gzip), LayerError::Ended),
        (
            "gzip followed by text",
            followed(&gzip, b"more"),
            LayerError::Trailing,
        ),
        (
            "gzip followed by zeros",
            followed(&gzip, &[0; 512]),
            LayerError::Trailing,
        ),
        (
            "zstd followed by text",
            followed(&zstd, b"more"),
            LayerError::Trailing,
        ),
        (
            "zstd followed by zeros",
            followed(&zstd, &[0; 512]),
            LayerError::Trailing,
        ),
        (
            "a frame of something else cut short",
            followed(&zstd, &skippable(b"long")[..9]),
            LayerError::Ended,
        ),
    ];
    for (what, blob, expected) in table {
        assert_eq!(inflate(&blob, 1000, AMPLE), Err(expected), "{what}");
    }
    for (what, blob) in [
        ("zstd cut short", cut(&zstd)),
        ("a false checksum", {
            let mut bytes = gzip.clone();
            let at = bytes.len() - 6;
            bytes[at] ^= 1;
            bytes
        }),
    ] {
        let error = inflate(&blob, 1000, AMPLE);
        assert!(
            matches!(error, Err(LayerError::Compression(_))),
            "{what}: {error:?}"
        );
    }
}

#[test]
fn a_bomb_is_stopped_at_its_bound() {
    let bomb = gzip(&vec![0; 8 << 20]);
    let bounds = |inflated, by_ratio| Bounds {
        inflated,
        by_ratio,
        ..AMPLE
    };
    let table = [
        (
            bounds(1 << 20, u64::MAX),
            LayerError::Inflated { limit: 1 << 20 },
        ),
        (bounds(u64::MAX, 1 << 20), LayerError::Ratio),
    ];
    for (bounds, expected) in table {
        assert_eq!(inflate(&bomb, 100, bounds), Err(expected));
    }
}

#[test]
fn a_window_larger_than_memory_is_refused() {
    // Magic, a descriptor without a single segment, and a window of 2^(10+21) bytes.
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3, 0, 0, 0];
    let error = inflate(&frame, 100, AMPLE).expect_err("too large");
    assert!(
        matches!(&error, LayerError::Compression(why) if why.to_lowercase().contains("window")),
        "{error}"
    );
}

#[test]
fn a_failure_below_keeps_its_reason() {
    let digest = sha(Algorithm::Sha256, b"");
    for blob in [gzip(&text()), zstd(&text()), text()] {
        let failure = SourceError::NoCopy {
            digest: digest.clone(),
        };
        let first = Bytes::copy_from_slice(&blob[..1000]);
        let chunks = [Ok(first), Err(failure.clone())].into_iter();
        let mut reader = Blob::new(chunks, Algorithm::Sha256, blob.len() as u64);
        let start = reader.start().expect("the first bytes");
        let inflated = Inflated::new(reader, start, Algorithm::Sha256, AMPLE);
        assert_eq!(inflated.finish().err(), Some(LayerError::Source(failure)));
    }
}

#[test]
fn a_blob_longer_than_it_should_be_is_not_read_on() {
    let chunks = std::iter::repeat_with(|| Ok(Bytes::from_static(&[b'x'; 1000])));
    let mut reader = Blob::new(chunks, Algorithm::Sha256, 5000);
    let start = reader.start().expect("the first bytes");
    let inflated = Inflated::new(reader, start, Algorithm::Sha256, AMPLE);
    assert_eq!(
        inflated.finish().err(),
        Some(LayerError::Long { claimed: 5000 })
    );
}
