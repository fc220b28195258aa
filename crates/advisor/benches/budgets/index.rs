//! Layers, indexed, beside what cannot be avoided: inflating the same bytes and hashing them twice, on as many threads. Inflating
//! alone is shown beside it.

use std::fs;
use std::hint::black_box;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use aws_lc_rs::digest::{Context, SHA256, digest};
use cise_advisor::inventory::{Indexer, Layout, Limits, MemoryCache, Platform};
use cise_reference::Digest;
use cise_registry::Progress;
use cise_testkit::figures::{Row, Unit};
use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::database::approximate;
use crate::images;

/// As many as there are threads, so that each has its own.
const LAYERS: u8 = 2;
/// Files of a layer, and bytes of a file.
const FILES: u32 = 1_500;
const FILE_BYTES: usize = 32 * 1024;

/// How often each is done, in turns.
const ROUNDS: usize = 10;

pub(crate) fn measure() -> Result<Vec<Row>> {
    let image = Image::on_disk()?;
    let runtime = Runtime::new()?;
    let layout = runtime.block_on(Layout::folder(image.folder.path()))?;
    let (mut indexing, mut unavoidable, mut inflating) = (LONGEST, LONGEST, LONGEST);
    for _ in 0..ROUNDS {
        indexing = indexing.min(time(|| runtime.block_on(index(&layout, &image.digest)))?);
        unavoidable = unavoidable.min(time(|| image.each_layer(inflated_and_hashed))?);
        inflating = inflating.min(time(|| image.each_layer(inflated))?);
    }
    let speed = approximate(image.inflated as u64) / 1_048_576.0 / indexing.as_secs_f64();
    Ok(vec![
        Row::new(
            "indexing layers: speed, to inflating and hashing them twice on as many threads",
            unavoidable.as_secs_f64() / indexing.as_secs_f64(),
            Unit::Times,
        )
        .at_least(0.8)
        .remark(format!(
            "{speed:.0} MiB of archives a second, {LAYERS} threads"
        )),
        Row::new(
            "indexing layers: speed, to inflating them",
            inflating.as_secs_f64() / indexing.as_secs_f64(),
            Unit::Times,
        ),
    ])
}

const LONGEST: Duration = Duration::MAX;

fn time(work: impl FnOnce() -> Result<()>) -> Result<Duration> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed())
}

async fn index(layout: &Layout, image: &Digest) -> Result<()> {
    let limits = Limits {
        layers: LAYERS.into(),
        ..Limits::default()
    };
    let indexer = Indexer::new(Arc::new(MemoryCache::new(0)), limits);
    let (platforms, progress) = ([Platform::new("linux", "amd64", "")], Progress::new());
    let indexing = indexer.inventories(layout, image, &platforms, &progress);
    let found = indexing.await?;
    let is_whole = found.gaps.is_empty() && found.images.iter().all(|image| image.gaps.is_empty());
    ensure!(is_whole, "the image is not read whole");
    Ok(())
}

fn inflated(blob: &[u8]) -> io::Result<()> {
    io::copy(&mut GzDecoder::new(blob), &mut io::sink()).map(drop)
}

/// In pieces of the size in which a layer is read, so that both sides go through the caches alike.
fn inflated_and_hashed(blob: &[u8]) -> io::Result<()> {
    let mut outer = Context::new(&SHA256);
    blob.chunks(256 * 1024)
        .for_each(|chunk| outer.update(chunk));
    let (mut inner, mut room) = (Context::new(&SHA256), vec![0; 128 * 1024]);
    let mut inflated = GzDecoder::new(blob);
    loop {
        let read = inflated.read(&mut room)?;
        if read == 0 {
            break;
        }
        inner.update(room.get(..read).unwrap_or_default());
    }
    black_box((outer.finish(), inner.finish()));
    Ok(())
}

/// An image in a layout on disk.
struct Image {
    folder: tempfile::TempDir,
    digest: Digest,
    layers: Vec<PathBuf>,
    inflated: usize,
}

impl Image {
    fn on_disk() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut parts = Vec::new();
        let mut image = Self {
            digest: Digest::sha256([0; 32]),
            layers: Vec::new(),
            inflated: 0,
            folder,
        };
        for number in 0..LAYERS {
            let archive = archive(number)?;
            let mut packed = GzEncoder::new(Vec::new(), Compression::new(6));
            packed.write_all(&archive)?;
            let blob = packed.finish()?;
            image.inflated += archive.len();
            let part = blob_of(
                image.folder.path(),
                &blob,
                "application/vnd.oci.image.layer.v1.tar+gzip",
            )?;
            image
                .layers
                .push(blob_path(image.folder.path(), &sha256(&blob)));
            parts.push((part, sha256(&archive)));
        }
        image.digest = Digest::parse(&write_layout(image.folder.path(), &parts)?)?;
        Ok(image)
    }

    /// Does the work for each layer, on a thread for each.
    fn each_layer(&self, work: fn(&[u8]) -> io::Result<()>) -> Result<()> {
        thread::scope(|scope| {
            let threads: Vec<_> = self
                .layers
                .iter()
                .map(|layer| scope.spawn(move || work(&fs::read(layer)?)))
                .collect();
            for thread in threads {
                thread
                    .join()
                    .map_err(|_| anyhow::anyhow!("a thread ended early"))??;
            }
            Ok(())
        })
    }
}

/// Files that shrink to a third, as programs do, and a package database.
fn archive(number: u8) -> Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut state = u32::from(number) + 1;
    for file in 0..FILES {
        let content: Vec<u8> = (0..FILE_BYTES)
            .map(|at| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let [byte, ..] = state.to_be_bytes();
                if at % 4 == 0 { byte } else { byte & 0x07 }
            })
            .collect();
        append(
            &mut tar,
            &format!("usr/lib/part{number}/file{file}.so"),
            &content,
        )?;
    }
    if number == 0 {
        let packages =
            (0..300).map(|package| (format!("package{package}"), format!("1.2.{package}-1")));
        append(&mut tar, "etc/os-release", images::RELEASE.as_bytes())?;
        append(
            &mut tar,
            "var/lib/dpkg/status",
            images::status(packages).as_bytes(),
        )?;
    }
    Ok(tar.into_inner()?)
}

fn append(tar: &mut tar::Builder<Vec<u8>>, path: &str, content: &[u8]) -> io::Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    tar.append_data(&mut header, path, content)
}

fn write_layout(folder: &Path, layers: &[(Value, String)]) -> Result<String> {
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
    )?;
    let layers: Vec<&Value> = layers.iter().map(|(part, _)| part).collect();
    let media_type = "application/vnd.oci.image.manifest.v1+json";
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": config,
        "layers": layers,
    });
    let manifest = manifest.to_string();
    let part = blob_of(folder, manifest.as_bytes(), media_type)?;
    let index = json!({ "schemaVersion": 2, "manifests": [part] });
    fs::write(folder.join("index.json"), index.to_string())?;
    fs::write(
        folder.join("oci-layout"),
        r#"{"imageLayoutVersion":"1.0.0"}"#,
    )?;
    Ok(sha256(manifest.as_bytes()))
}

/// Writes a blob, and gives what refers to it.
fn blob_of(folder: &Path, bytes: &[u8], media_type: &str) -> Result<Value> {
    let path = blob_path(folder, &sha256(bytes));
    fs::create_dir_all(path.parent().unwrap_or(&path))?;
    fs::write(&path, bytes)?;
    Ok(json!({ "mediaType": media_type, "digest": sha256(bytes), "size": bytes.len() }))
}

fn blob_path(folder: &Path, digest: &str) -> PathBuf {
    folder.join("blobs").join(digest.replace(':', "/"))
}

fn sha256(bytes: &[u8]) -> String {
    let hash = digest(&SHA256, bytes);
    let hash = hash.as_ref().first_chunk().copied().unwrap_or_default();
    Digest::sha256(hash).to_string()
}
