//! Layers, indexed, beside what cannot be avoided: inflating the same bytes and hashing them twice, on as many threads. The budget
//! is 80 % of that speed. Inflating alone is shown beside it.

#![expect(
    clippy::expect_used,
    reason = "a benchmark that cannot be set up has nothing to measure"
)]

use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::thread;

use aws_lc_rs::digest::{Context, SHA256, digest};
use cise_advisor::inventory::{Indexer, Layout, Limits, MemoryCache, Platform};
use cise_reference::Digest;
use divan::Bencher;
use divan::counter::BytesCount;
use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

fn main() {
    divan::main();
}

/// As many as there are threads, so that each has its own.
const LAYERS: u8 = 2;
/// Files of a layer, and bytes of a file.
const FILES: u32 = 1_500;
const FILE_BYTES: usize = 32 * 1024;

#[divan::bench]
fn index(bencher: Bencher<'_, '_>) {
    let image = Image::on_disk();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .build()
        .expect("a runtime");
    let platform = Platform::new("linux", "amd64", "");
    let layout = runtime
        .block_on(Layout::folder(image.folder.path()))
        .expect("a layout");
    let limits = Limits {
        layers: LAYERS.into(),
        ..Limits::default()
    };
    bencher.counter(BytesCount::new(image.inflated)).bench(|| {
        let indexer = Indexer::new(Arc::new(MemoryCache::new(0)), limits);
        let platforms = [platform.clone()];
        let indexing = indexer.inventories(&layout, &image.digest, &platforms);
        let found = runtime.block_on(indexing).expect("an inventory");
        assert!(found.gaps.is_empty() && found.images.iter().all(|image| image.gaps.is_empty()));
    });
}

#[divan::bench]
fn inflate_and_hash_twice(bencher: Bencher<'_, '_>) {
    let image = Image::on_disk();
    bencher
        .counter(BytesCount::new(image.inflated))
        .bench(|| image.each_layer(inflated_and_hashed));
}

#[divan::bench]
fn inflate_alone(bencher: Bencher<'_, '_>) {
    let image = Image::on_disk();
    bencher.counter(BytesCount::new(image.inflated)).bench(|| {
        image.each_layer(|blob| {
            io::copy(&mut GzDecoder::new(blob), &mut io::sink()).expect("a layer");
        });
    });
}

/// In pieces of the size in which a layer is read, so that both sides go through the caches alike.
fn inflated_and_hashed(blob: &[u8]) {
    let mut outer = Context::new(&SHA256);
    blob.chunks(256 * 1024)
        .for_each(|chunk| outer.update(chunk));
    let (mut inner, mut room) = (Context::new(&SHA256), vec![0; 128 * 1024]);
    let mut inflated = GzDecoder::new(blob);
    loop {
        let read = inflated.read(&mut room).expect("a layer");
        if read == 0 {
            break;
        }
        inner.update(room.get(..read).unwrap_or_default());
    }
    divan::black_box((outer.finish(), inner.finish()));
}

/// An image in a layout on disk.
struct Image {
    folder: tempfile::TempDir,
    digest: Digest,
    layers: Vec<std::path::PathBuf>,
    inflated: usize,
}

impl Image {
    fn on_disk() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut parts = Vec::new();
        let mut image = Self {
            digest: Digest::sha256([0; 32]),
            layers: Vec::new(),
            inflated: 0,
            folder,
        };
        for number in 0..LAYERS {
            let archive = archive(number);
            let mut packed = GzEncoder::new(Vec::new(), Compression::new(6));
            packed.write_all(&archive).expect("memory");
            let blob = packed.finish().expect("memory");
            image.inflated += archive.len();
            let part = blob_of(
                image.folder.path(),
                &blob,
                "application/vnd.oci.image.layer.v1.tar+gzip",
            );
            image
                .layers
                .push(blob_path(image.folder.path(), &sha256(&blob)));
            parts.push((part, sha256(&archive)));
        }
        image.digest = Digest::parse(&write_layout(image.folder.path(), &parts)).expect("a digest");
        image
    }

    /// Does the work for each layer, on a thread for each.
    fn each_layer(&self, work: impl Fn(&[u8]) + Sync) {
        thread::scope(|scope| {
            for layer in &self.layers {
                let work = &work;
                scope.spawn(move || work(&fs::read(layer).expect("a layer")));
            }
        });
    }
}

/// Files that shrink to a third, as programs do, and a package database.
fn archive(number: u8) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut state = u32::from(number) + 1;
    for file in 0..FILES {
        let content: Vec<u8> = (0..FILE_BYTES)
            .map(|at| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let byte = state.to_be_bytes()[0];
                if at % 4 == 0 { byte } else { byte & 0x07 }
            })
            .collect();
        append(
            &mut tar,
            &format!("usr/lib/part{number}/file{file}.so"),
            &content,
        );
    }
    if number == 0 {
        append(
            &mut tar,
            "etc/os-release",
            b"ID=debian\nVERSION_ID=\"12\"\n",
        );
        append(&mut tar, "var/lib/dpkg/status", status().as_bytes());
    }
    tar.into_inner().expect("memory")
}

fn status() -> String {
    let package = |number| {
        format!(
            "Package: package{number}\nStatus: install ok installed\nMaintainer: Debian <a@debian.org>\nArchitecture: amd64\nVersion: 1.2.{number}-1\nDescription: nothing\n\n"
        )
    };
    (0..300).map(package).collect()
}

fn append(tar: &mut tar::Builder<Vec<u8>>, path: &str, content: &[u8]) {
    let mut header = tar::Header::new_ustar();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    tar.append_data(&mut header, path, content).expect("memory");
}

fn write_layout(folder: &Path, layers: &[(Value, String)]) -> String {
    let diff_ids: Vec<&str> = layers.iter().map(|(_, diff_id)| diff_id.as_str()).collect();
    let config = json!({
        "architecture": "amd64",
        "os": "linux",
        "rootfs": { "type": "layers", "diff_ids": diff_ids },
    });
    let config = config.to_string();
    let config = blob_of(
        folder,
        config.as_bytes(),
        "application/vnd.oci.image.config.v1+json",
    );
    let layers: Vec<&Value> = layers.iter().map(|(part, _)| part).collect();
    let media_type = "application/vnd.oci.image.manifest.v1+json";
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": config,
        "layers": layers,
    });
    let manifest = manifest.to_string();
    let part = blob_of(folder, manifest.as_bytes(), media_type);
    let index = json!({ "schemaVersion": 2, "manifests": [part] });
    fs::write(folder.join("index.json"), index.to_string()).expect("a file");
    fs::write(
        folder.join("oci-layout"),
        r#"{"imageLayoutVersion":"1.0.0"}"#,
    )
    .expect("a file");
    sha256(manifest.as_bytes())
}

/// Writes a blob, and gives what refers to it.
fn blob_of(folder: &Path, bytes: &[u8], media_type: &str) -> Value {
    let path = blob_path(folder, &sha256(bytes));
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(&path, bytes).expect("a file");
    json!({ "mediaType": media_type, "digest": sha256(bytes), "size": bytes.len() })
}

fn blob_path(folder: &Path, digest: &str) -> std::path::PathBuf {
    folder.join("blobs").join(digest.replace(':', "/"))
}

fn sha256(bytes: &[u8]) -> String {
    let hash = digest(&SHA256, bytes);
    let hash = hash.as_ref().first_chunk().copied().unwrap_or_default();
    Digest::sha256(hash).to_string()
}
