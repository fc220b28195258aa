use std::time::Duration;

/// How often a request is sent whose failure may pass, and after which pauses.
///
/// Where a server asks for a pause, that one is kept instead, and always the deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retries {
    /// How often it is sent in all. Zero is as one.
    pub attempts: u32,
    /// The pause after the first failure; each further one is three times as long as the one before.
    pub first_pause: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            attempts: 4,
            first_pause: Duration::from_millis(200),
        }
    }
}

impl Retries {
    /// The pause after that attempt, counted from one.
    pub(super) fn pause_after(self, attempt: u32) -> Duration {
        let times = 3_u32.saturating_pow(attempt.saturating_sub(1));
        self.first_pause.saturating_mul(times)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pause_is_three_times_the_one_before_and_none_overflows() {
        let pauses = |first_pause, attempt| {
            let retries = Retries {
                first_pause,
                ..Retries::default()
            };
            retries.pause_after(attempt)
        };
        let milliseconds = Duration::from_millis;
        for (attempt, expected) in [(1, 200), (2, 600), (3, 1800)] {
            assert_eq!(
                pauses(milliseconds(200), attempt),
                milliseconds(expected),
                "after attempt {attempt}"
            );
        }
        assert_eq!(pauses(Duration::MAX, u32::MAX), Duration::MAX);
    }
}
