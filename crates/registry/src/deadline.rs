//! The moment by which an answer is needed.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

/// The moment by which an answer is needed. It is given in with each request; nothing here decides how long one may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

/// What stands for a time that no clock can count.
const FAR_AWAY: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The time that was given has run out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the time given for this request has run out")]
pub struct DeadlinePassed;

impl Deadline {
    /// The deadline that is `time` from now.
    pub fn after(time: Duration) -> Self {
        let now = Instant::now();
        Self(now.checked_add(time).unwrap_or(now + FAR_AWAY))
    }

    /// The deadline at that instant.
    pub const fn at(instant: Instant) -> Self {
        Self(instant)
    }

    /// The instant at which the time is over.
    pub const fn instant(self) -> Instant {
        self.0
    }

    /// How much time is left; zero once it has passed.
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Whether the time is over.
    pub fn has_passed(self) -> bool {
        self.remaining().is_zero()
    }

    /// Waits for `work`, but not beyond the deadline. Work that is ready at once is returned even when the time is over.
    pub async fn bound<T>(self, work: impl Future<Output = T>) -> Result<T, DeadlinePassed> {
        timeout_at(self.0, work).await.map_err(|_| DeadlinePassed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn work_that_outlives_the_deadline_is_given_up() {
        let deadline = Deadline::after(Duration::from_secs(3));
        let slow = tokio::time::sleep(Duration::from_secs(4));
        assert_eq!(deadline.bound(slow).await, Err(DeadlinePassed));
        assert!(deadline.has_passed());
    }

    #[tokio::test]
    async fn no_time_is_too_long() {
        assert!(!Deadline::after(Duration::MAX).has_passed());
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_ready_counts_even_when_the_time_is_over() {
        let deadline = Deadline::after(Duration::ZERO);
        assert_eq!(deadline.bound(async { 7 }).await, Ok(7));
    }
}
