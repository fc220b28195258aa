//! How far the reading of one layer is.

use cise_registry::Progress;

use crate::inventory::queue::Place;

/// What is counted of one layer on the note of an image. It is taken back if nothing comes of it.
pub(super) struct Share<'a> {
    pub(super) progress: &'a Progress,
    pub(super) place: &'a Place,
    counted: u64,
}

impl<'a> Share<'a> {
    pub(super) fn of(progress: &'a Progress, place: &'a Place) -> Self {
        Self {
            progress,
            place,
            counted: 0,
        }
    }

    pub(super) fn count(&mut self, bytes: usize) {
        self.counted += bytes as u64;
        self.progress.advance(bytes as u64);
    }

    pub(super) fn start_over(&mut self) {
        self.progress.retreat(self.counted);
        self.counted = 0;
    }

    /// All of the layer is done, however little of it was read.
    pub(super) fn complete(mut self, bytes: u64) {
        self.progress.advance(bytes);
        self.start_over();
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.start_over();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::queue::Queue;

    #[test]
    fn what_comes_to_nothing_is_not_counted() {
        let progress = Progress::new();
        let queue = Queue::new(0, 1);
        let place = queue.enter([].into(), &progress).expect("nothing to read");
        progress.expect(100);
        let done = |progress: &Progress| progress.amount().map(|amount| amount.done);
        let mut share = Share::of(&progress, &place);
        share.count(40);
        assert_eq!(done(&progress), Some(40));
        share.start_over();
        share.count(30);
        assert_eq!(done(&progress), Some(30));
        share.complete(60);
        assert_eq!(done(&progress), Some(60));
        let mut lost = Share::of(&progress, &place);
        lost.count(10);
        drop(lost);
        assert_eq!(done(&progress), Some(60));
    }
}
