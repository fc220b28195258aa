//! Who may have how many questions open.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cise_policy::Namespace;

/// The most questions of one namespace that are open at one time. It is a part of what the server takes on in all, so that
/// images of one namespace do not keep those of others waiting.
pub(super) const MOST: usize = 16;

/// Counts the open questions of each namespace. Cloning shares the counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Turns(Arc<Mutex<HashMap<Namespace, usize>>>);

/// One open question, for as long as it lives.
#[derive(Debug)]
pub(super) struct Turn {
    turns: Turns,
    namespace: Namespace,
}

impl Turns {
    /// A turn for a question of that namespace; nothing, if it has as many open as it may.
    pub(super) fn take(&self, namespace: &Namespace) -> Option<Turn> {
        let mut open = self.lock();
        let count = open.entry(namespace.clone()).or_default();
        (*count < MOST).then(|| {
            *count += 1;
            Turn {
                turns: self.clone(),
                namespace: namespace.clone(),
            }
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Namespace, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Entry::Occupied(mut count) = self.turns.lock().entry(self.namespace.clone()) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_with_many_open_questions_leaves_others_theirs() {
        let turns = Turns::default();
        let [busy, quiet] = ["busy", "quiet"].map(|name| Namespace::parse(name).unwrap());
        let mut open: Vec<_> = (0..MOST).map(|_| turns.take(&busy).unwrap()).collect();
        assert!(turns.take(&busy).is_none());
        assert!(turns.take(&quiet).is_some());
        open.pop();
        assert!(turns.take(&busy).is_some());
        drop(open);
        assert!(turns.lock().is_empty());
    }
}
