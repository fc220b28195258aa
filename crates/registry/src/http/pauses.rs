//! Pauses that servers ask for. All requests to a host keep them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// No server is believed a longer pause.
const LONGEST: Duration = Duration::from_secs(5 * 60);
const MAX_HOSTS: usize = 4096;

/// Until when each host is left alone. Cloning shares it.
#[derive(Clone, Default)]
pub(super) struct Pauses(Arc<Mutex<HashMap<Arc<str>, Instant>>>);

impl Pauses {
    /// Until when `host` is to be left alone, if it is.
    pub(super) fn until(&self, host: &str) -> Option<Instant> {
        let pauses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pauses
            .get(host)
            .copied()
            .filter(|until| Instant::now() < *until)
    }

    /// Leaves `host` alone for so long; never shorter than it was before.
    pub(super) fn pause(&self, host: &str, time: Duration) {
        let now = Instant::now();
        let until = now + time.min(LONGEST);
        let mut pauses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if pauses.len() >= MAX_HOSTS {
            pauses.retain(|_, until| now < *until);
        }
        if pauses.len() < MAX_HOSTS {
            let entry = pauses.entry(host.into()).or_insert(until);
            *entry = until.max(*entry);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_pause_holds_for_its_host_alone_and_ends() {
        let pauses = Pauses::default();
        pauses.pause("one", Duration::from_secs(10));
        pauses.pause("one", Duration::from_secs(2));
        assert!(pauses.until("one").is_some());
        assert!(pauses.until("two").is_none());
        tokio::time::advance(Duration::from_secs(9)).await;
        assert!(pauses.until("one").is_some());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(pauses.until("one").is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn no_server_silences_us_for_long() {
        let pauses = Pauses::default();
        pauses.pause("one", Duration::from_secs(u64::MAX / 4));
        tokio::time::advance(LONGEST).await;
        assert!(pauses.until("one").is_none());
    }
}
