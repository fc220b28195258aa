//! How a database is laid out as an artifact.

use cise_registry::{Descriptor, Image, Manifest as OciManifest};

use super::error::Unfit;
use super::oci::{self, Annotations, Part};
use crate::database::container::{Contents, MAX_MANIFEST_BYTES, parse_manifest};
use crate::database::manifest::{Holds, Manifest, SegmentNote};
use crate::database::{Coverage, Sha256};

/// What the artifact is.
const ARTIFACT: &str = "application/vnd.cise.advisories.v1";
/// The manifest of the database, as its file has it.
const MANIFEST: &str = "application/vnd.cise.advisories.manifest.v1+json";
/// A segment, as the file of the database has it.
const SEGMENT: &str = "application/vnd.cise.advisories.segment.v1";

/// As many layers as are read of a manifest.
const MAX_SEGMENTS: usize = 4096;
/// Some hundred times what all advisories of OSV take.
const MAX_BYTES: u64 = 64 << 30;

const TITLE: &str = "org.opencontainers.image.title";
const DESCRIPTION: &str = "org.opencontainers.image.description";
const CREATED: &str = "org.opencontainers.image.created";

/// The manifest by which a registry knows the database.
pub(super) fn compose(contents: &Contents) -> Result<oci::Image, Unfit> {
    let manifest = &contents.manifest;
    check_size(manifest)?;
    let config = Part::of(MANIFEST, &contents.json);
    let layers = manifest.segments.iter().map(layer).collect();
    Ok(oci::Image::new(config, layers).artifact(ARTIFACT, annotations(manifest)))
}

fn layer(note: &SegmentNote) -> Part {
    let description = match &note.holds {
        Holds::Feed(feed) => {
            let coverage = match feed.coverage {
                Coverage::Complete => "complete",
                Coverage::Partial => "partial",
            };
            let of = feed
                .as_of
                .map_or_else(String::new, |as_of| format!(", as of {as_of}"));
            format!("{} advisories, {coverage}{of}", feed.advisories)
        }
        Holds::FixDates { ecosystem, fixes } => format!("dates of {fixes} fixes of {ecosystem}"),
        Holds::Vulnerabilities { count } => format!("{count} vulnerabilities"),
    };
    let annotations = [(TITLE, title(note).to_owned()), (DESCRIPTION, description)];
    Part {
        media_type: SEGMENT.to_owned(),
        digest: note.digest.digest(),
        size: note.bytes,
        annotations: written(annotations),
    }
}

/// A segment by what it holds.
pub(super) fn title(note: &SegmentNote) -> &str {
    match &note.holds {
        Holds::Feed(feed) => feed.ecosystem.as_str(),
        Holds::FixDates { ecosystem, .. } => ecosystem.as_str(),
        Holds::Vulnerabilities { .. } => "vulnerabilities",
    }
}

/// For people. The time is that of the newest feed, so that equal databases are equal artifacts.
fn annotations(manifest: &Manifest) -> Annotations {
    let feeds = manifest.feeds().count();
    let created = manifest.feeds().filter_map(|feed| feed.as_of).max();
    let about = [
        (TITLE, "Advisory database".to_owned()),
        (DESCRIPTION, format!("Advisories of {feeds} releases")),
    ];
    let created = created.map(|created| (CREATED, created.to_string()));
    written(about.into_iter().chain(created))
}

fn written(annotations: impl IntoIterator<Item = (&'static str, String)>) -> Annotations {
    annotations
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// The artifact that a manifest of a registry is of, if it is a database, and where the database's own manifest is.
pub(super) fn recognise(manifest: OciManifest) -> Result<Image, Unfit> {
    let OciManifest::Image(image) = manifest else {
        return Err(Unfit::Index);
    };
    if image.config.media_type != MANIFEST {
        let kind = image.artifact_type.unwrap_or(image.config.media_type);
        return Err(Unfit::Kind(kind.chars().take(100).collect()));
    }
    if image.config.size > MAX_MANIFEST_BYTES {
        return Err(Unfit::Size {
            bytes: image.config.size,
            most: MAX_MANIFEST_BYTES,
        });
    }
    Ok(image)
}

/// The database's manifest, if the layers of the artifact are its segments.
pub(super) fn read(image: &Image, json: &[u8]) -> Result<Manifest, Unfit> {
    let manifest = parse_manifest(json, Sha256::of(json))
        .map_err(|fault| Unfit::Manifest(fault.to_string()))?;
    check_size(&manifest)?;
    let is_layer = |(note, layer): (&SegmentNote, &Descriptor)| {
        layer.media_type == SEGMENT
            && layer.digest == note.digest.digest()
            && layer.size == note.bytes
    };
    let has_all = manifest.segments.len() == image.layers.len()
        && manifest.segments.iter().zip(&image.layers).all(is_layer);
    has_all.then_some(manifest).ok_or(Unfit::Layers)
}

fn check_size(manifest: &Manifest) -> Result<(), Unfit> {
    let segments = manifest.segments.len();
    if segments > MAX_SEGMENTS {
        return Err(Unfit::Segments {
            segments,
            most: MAX_SEGMENTS,
        });
    }
    let bytes = manifest
        .segments
        .iter()
        .fold(0, |sum: u64, note| sum.saturating_add(note.bytes));
    if bytes > MAX_BYTES {
        return Err(Unfit::Size {
            bytes,
            most: MAX_BYTES,
        });
    }
    Ok(())
}
