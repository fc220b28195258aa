//! How much of the reading each namespace has had.

use std::collections::HashMap;
use std::sync::Arc;

/// A clock of bytes for each namespace (start-time fair queueing: Goyal, Vin and Cheng, 1996). Whose clock is behind the others' is next;
/// whoever comes anew starts where the others are, so that nobody saves up turns.
#[derive(Debug, Default)]
pub(super) struct Shares {
    now: u64,
    clocks: HashMap<Arc<str>, u64>,
}

impl Shares {
    /// Where the namespace's clock is.
    pub(super) fn clock(&self, namespace: &str) -> u64 {
        let clock = self.clocks.get(namespace).copied();
        clock.unwrap_or_default().max(self.now)
    }

    /// So many bytes are read for it now.
    pub(super) fn charge(&mut self, namespace: &Arc<str>, bytes: u64) {
        self.now = self.clock(namespace);
        let clock = self.now.saturating_add(bytes);
        self.clocks.insert(Arc::clone(namespace), clock);
        self.clocks.retain(|_, clock| *clock > self.now);
    }

    /// Nobody is in line: nobody has had more than another.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_who_had_less_is_next_and_nobody_saves_up() {
        let mut shares = Shares::default();
        let [busy, calm, late] = ["busy", "calm", "late"].map(Arc::<str>::from);
        shares.charge(&busy, 100);
        assert_eq!((shares.clock(&busy), shares.clock(&calm)), (100, 0));
        for _ in 0..3 {
            shares.charge(&calm, 40);
        }
        assert_eq!((shares.clock(&busy), shares.clock(&calm)), (100, 120));
        shares.charge(&busy, 100);
        assert_eq!(
            shares.clock(&late),
            100,
            "it has had nothing, and gets no more than others for that"
        );
        shares.charge(&late, 1000);
        assert_eq!(shares.clock(&calm), 120);
        shares.charge(&calm, u64::MAX);
        shares.charge(&calm, u64::MAX);
        assert_eq!(
            shares.clocks.len(),
            0,
            "who is not ahead of the others is not remembered"
        );
        shares.clear();
        assert_eq!(shares.clock(&busy), 0);
    }
}
