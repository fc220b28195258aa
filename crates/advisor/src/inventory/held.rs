//! What the layers of images say that are being put together, bounded in all.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::queue::Busy;

/// The account of what is held. Cloning shares it.
#[derive(Clone)]
pub(super) struct Hands {
    most: u64,
    held: Arc<Mutex<u64>>,
}

/// What is held of one image, until this is dropped.
pub(super) struct Handful {
    hands: Hands,
    bytes: Mutex<u64>,
}

impl Hands {
    /// Hands that hold so many bytes at most.
    pub(super) fn new(most: u64) -> Self {
        Self {
            most,
            held: Arc::default(),
        }
    }

    /// Begins to hold an image.
    pub(super) fn take_up(&self) -> Handful {
        Handful {
            hands: self.clone(),
            bytes: Mutex::new(0),
        }
    }
}

impl Handful {
    /// So many bytes more of the image are held. Where that is too much, the image has to come again when fewer are; one that is too
    /// much by itself has to be given more memory.
    pub(super) fn hold(&self, bytes: u64) -> Result<(), Busy> {
        let mut own = lock(&self.bytes);
        let mut held = lock(&self.hands.held);
        let most = self.hands.most;
        if own.saturating_add(bytes) > most {
            return Err(Busy::Wordy { most });
        }
        if held.saturating_add(bytes) > most {
            return Err(Busy::Hands { most });
        }
        *own += bytes;
        *held += bytes;
        Ok(())
    }
}

impl Drop for Handful {
    fn drop(&mut self) {
        let own = *lock(&self.bytes);
        let mut held = lock(&self.hands.held);
        *held -= own;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_hold_no_more_than_the_bound_and_give_it_back() {
        let hands = Hands::new(100);
        let (one, two) = (hands.take_up(), hands.take_up());
        assert_eq!(one.hold(60), Ok(()));
        assert_eq!(two.hold(40), Ok(()));
        assert_eq!(two.hold(1), Err(Busy::Hands { most: 100 }));
        assert_eq!(one.hold(41), Err(Busy::Wordy { most: 100 }));
        drop(one);
        assert_eq!(two.hold(60), Ok(()));
        assert_eq!(two.hold(1), Err(Busy::Wordy { most: 100 }));
        drop(two);
        assert_eq!(*lock(&hands.held), 0);
    }
}
