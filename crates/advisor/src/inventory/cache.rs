//! What has been read of layers, kept by their diff ids.

mod disk;
mod form;
mod fronted;
mod memory;
mod shelf;
mod version;

use std::sync::Arc;

use cise_reference::Digest;

use super::layer::LayerInventory;

pub use disk::{CacheError, DiskCache};
pub use fronted::FrontedCache;
pub use memory::MemoryCache;

/// Keeps what layers say. Losing any of it costs time, never an answer.
///
/// What is put in is of a layer whose diff id has been verified, and is read by this version of the detectors only. Both may
/// wait for a disk: they are called from threads that may.
pub trait LayerCache: Send + Sync {
    /// What the layer with that diff id says, if it is kept.
    fn get(&self, diff_id: &Digest) -> Option<Arc<LayerInventory>>;

    /// Keeps what it says.
    fn put(&self, diff_id: &Digest, layer: Arc<LayerInventory>);
}
