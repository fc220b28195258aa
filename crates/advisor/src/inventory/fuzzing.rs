//! What of the inner parts the fuzz targets call. No part of the interface.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use cise_reference::{Algorithm, Digest};

use super::configuration::Configuration;
use super::layer::{self, Expected, LayerError, LayerInventory, Room};
use super::limits::Limits;
use super::overlay;
use super::source::SourceError;
use crate::Package;

pub use super::layer::fuzzing::{entries, inflate};

/// What the layer with this blob says, of which all is true that a manifest and a configuration say; `most` bytes are inflated.
pub fn layer(blob: &[u8], most: u64) -> Result<LayerInventory, LayerError> {
    let archive = inflate(blob, usize::MAX, most)?;
    let sha = |bytes: &[u8]| super::digest::sha(Algorithm::Sha256, bytes);
    let expected = Expected {
        digest: sha(blob),
        size: blob.len() as u64,
        diff_id: sha(&archive),
    };
    let limits = Limits {
        inflated: most,
        layers: 1,
        ..Limits::default()
    };
    let chunk = Ok::<_, SourceError>(Bytes::copy_from_slice(blob));
    layer::read(std::iter::once(chunk), &expected, Room::new(&limits, None))
}

/// Reads a blob of which nothing but the size is known, so that the end is an error at the latest.
pub fn stream(
    chunks: impl Iterator<Item = Bytes>,
    size: u64,
    limits: &Limits,
) -> Result<LayerInventory, LayerError> {
    let unknown = Digest::sha256([0; 32]);
    let expected = Expected {
        digest: unknown.clone(),
        size,
        diff_id: unknown,
    };
    layer::read(chunks.map(Ok), &expected, Room::new(limits, None))
}

/// What is said of a layer's table of contents, where a manifest says nothing of it.
pub fn table(layer: &LayerInventory, blob: &[u8]) -> Result<(), Box<str>> {
    let digest = super::digest::sha(Algorithm::Sha256, blob);
    layer.shows_the_same(&digest, &BTreeMap::new())
}

/// The packages of an image of these layers, and how many gaps it has.
pub fn stack(layers: &[LayerInventory]) -> (Vec<Package>, usize) {
    let layers: Vec<_> = layers.iter().cloned().map(Arc::new).map(Some).collect();
    let stacked = overlay::stack(&layers);
    (stacked.packages, stacked.gaps.len())
}

/// The diff ids of an image's configuration.
pub fn configuration(json: &[u8]) -> Result<Vec<Digest>, String> {
    Configuration::parse(json).map(|configuration| configuration.diff_ids)
}
