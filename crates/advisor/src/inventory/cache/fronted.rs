use std::sync::Arc;

use cise_reference::Digest;

use super::{LayerCache, LayerInventory, MemoryCache};

/// Keeps layers in two places, of which the first is the faster one, and the second the larger.
pub struct FrontedCache<B> {
    front: MemoryCache,
    back: B,
}

impl<B: LayerCache> FrontedCache<B> {
    /// What `back` keeps, with the memory in front of it.
    pub fn new(front: MemoryCache, back: B) -> Self {
        Self { front, back }
    }
}

impl<B: LayerCache> LayerCache for FrontedCache<B> {
    fn get(&self, diff_id: &Digest) -> Option<Arc<LayerInventory>> {
        if let Some(kept) = self.front.get(diff_id) {
            return Some(kept);
        }
        let kept = self.back.get(diff_id)?;
        self.front.put(diff_id, Arc::clone(&kept));
        Some(kept)
    }

    fn put(&self, diff_id: &Digest, layer: Arc<LayerInventory>) {
        self.front.put(diff_id, Arc::clone(&layer));
        self.back.put(diff_id, layer);
    }
}
