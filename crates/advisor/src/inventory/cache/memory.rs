use std::sync::Arc;

use cise_reference::Digest;
use moka::sync::Cache;

use super::{LayerCache, LayerInventory};

/// Keeps layers in memory, those that are asked for most.
pub struct MemoryCache(Cache<Digest, Arc<LayerInventory>>);

impl MemoryCache {
    /// One that takes about so many bytes.
    pub fn new(bytes: u64) -> Self {
        let weight = |_: &Digest, layer: &Arc<LayerInventory>| {
            u32::try_from(layer.weight()).unwrap_or(u32::MAX)
        };
        let cache = Cache::builder().weigher(weight).max_capacity(bytes);
        Self(cache.build())
    }
}

impl LayerCache for MemoryCache {
    fn get(&self, diff_id: &Digest) -> Option<Arc<LayerInventory>> {
        self.0.get(diff_id)
    }

    fn put(&self, diff_id: &Digest, layer: Arc<LayerInventory>) {
        self.0.insert(diff_id.clone(), layer);
    }
}
