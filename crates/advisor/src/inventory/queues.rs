//! One reading of a layer at a time: whoever else wants it waits for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use cise_reference::Digest;
use cise_registry::Progress;
use tokio::sync::OwnedMutexGuard;

/// A queue before each layer that is being read. Cloning shares them.
#[derive(Clone, Default)]
pub(super) struct Queues(Arc<Mutex<HashMap<Digest, Queue>>>);

#[derive(Default)]
struct Queue {
    lock: Weak<tokio::sync::Mutex<()>>,
    /// Whose work it is that reads the layer, or waits for it.
    by: Vec<Progress>,
}

impl Queues {
    /// The lock of a layer, once nobody else has it. Work that somebody waits for is not held up by that which nobody does: those
    /// before it in the queue are waited for too, from then on.
    pub(super) async fn turn(&self, layer: &Digest, progress: &Progress) -> OwnedMutexGuard<()> {
        let turn = self.join(layer, progress).lock_owned();
        tokio::pin!(turn);
        tokio::select! {
            biased;
            guard = &mut turn => return guard,
            () = progress.hurried() => self.hurry(layer),
        }
        turn.await
    }

    fn join(&self, layer: &Digest, progress: &Progress) -> Arc<tokio::sync::Mutex<()>> {
        let mut queues = self.queues();
        queues.retain(|_, queue| queue.lock.strong_count() > 0);
        let queue = queues.entry(layer.clone()).or_default();
        let lock = queue.lock.upgrade().unwrap_or_default();
        queue.lock = Arc::downgrade(&lock);
        queue.by.push(progress.clone());
        lock
    }

    fn hurry(&self, layer: &Digest) {
        if let Some(queue) = self.queues().get(layer) {
            queue.by.iter().for_each(Progress::hurry);
        }
    }

    fn queues(&self) -> MutexGuard<'_, HashMap<Digest, Queue>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn whoever_waits_for_a_layer_hurries_those_who_read_it_for_nobody() {
        let queues = Queues::default();
        let (layer, other) = (Digest::sha256([1; 32]), Digest::sha256([2; 32]));
        let [reading, elsewhere, ahead] = [(); 3].map(|()| {
            let progress = Progress::new();
            progress.defer();
            progress
        });
        let is_hurried = |progress: &Progress| progress.hurried().now_or_never().is_some();
        let guard = queues.turn(&layer, &reading).await;
        let _other = queues.turn(&other, &elsewhere).await;
        let mut second = Box::pin(queues.turn(&layer, &ahead));
        assert!((&mut second).now_or_never().is_none());
        assert!(!is_hurried(&reading), "nobody waits yet");

        let waited = Progress::new();
        let mut third = Box::pin(queues.turn(&layer, &waited));
        assert!((&mut third).now_or_never().is_none());
        assert!(is_hurried(&reading) && is_hurried(&ahead));
        assert!(!is_hurried(&elsewhere));
        drop(guard);
        drop(second.await);
        drop(third.await);
        let _new = queues.turn(&other, &waited).now_or_never();
        assert!(!queues.queues().contains_key(&layer), "nothing stays");
    }
}
