//! When something that is done again and again is done next.

use std::time::Duration;

/// The pause after the first failure. Each further one is twice as long, up to the regular one.
const FIRST_RETRY: Duration = Duration::from_secs(5);

/// What is done at regular intervals, and sooner after a failure.
#[derive(Debug)]
pub(super) struct Schedule {
    every: Duration,
    failures: u32,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attempt {
    Succeeded,
    Failed,
}

impl Schedule {
    pub(super) fn new(every: Duration) -> Self {
        Self { every, failures: 0 }
    }

    /// The pause after an attempt, a tenth more or less, so that those who began together do not stay together. `draw` says how
    /// much, from 0 to 1.
    pub(super) fn pause(&mut self, attempt: Attempt, draw: f64) -> Duration {
        let pause = match attempt {
            Attempt::Succeeded => {
                self.failures = 0;
                self.every
            }
            Attempt::Failed => {
                let factor = 1_u32.checked_shl(self.failures).unwrap_or(u32::MAX);
                self.failures = self.failures.saturating_add(1);
                FIRST_RETRY.saturating_mul(factor).min(self.every)
            }
        };
        pause.mul_f64(0.9 + 0.2 * draw.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use Attempt::{Failed, Succeeded};

    use super::*;

    /// Pauses in seconds, in the middle of what may be drawn.
    fn pauses(every: u64, attempts: &[Attempt]) -> Vec<u64> {
        let mut schedule = Schedule::new(Duration::from_secs(every));
        let pauses = attempts.iter().map(|one| schedule.pause(*one, 0.5));
        pauses.map(|pause| pause.as_secs()).collect()
    }

    #[test]
    fn failures_wait_longer_and_longer_and_never_longer_than_usual() {
        assert_eq!(
            pauses(60, &[Failed, Failed, Failed, Failed, Failed, Failed]),
            [5, 10, 20, 40, 60, 60]
        );
        assert_eq!(
            pauses(60, &[Succeeded, Failed, Failed, Succeeded, Failed]),
            [60, 5, 10, 60, 5]
        );
        assert_eq!(pauses(60, &[Failed; 40]).last(), Some(&60));
    }

    #[test]
    fn a_pause_is_a_tenth_more_or_less() {
        let pause = |draw| Schedule::new(Duration::from_secs(100)).pause(Succeeded, draw);
        let seconds =
            [0.0, 1.0, -3.0, 7.0, 0.25].map(|draw| (pause(draw).as_millis() + 500) / 1000);
        assert_eq!(seconds, [90, 110, 90, 110, 95]);
    }
}
