//! Figures out of many measurements.

use std::time::Duration;

/// The value below which that share (0 to 1) of the samples is; zero where there is none.
pub(crate) fn quantile(samples: &mut [Duration], share: f64) -> Duration {
    samples.sort_unstable();
    let last = samples.len().saturating_sub(1);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index into samples that fit in memory, not below zero"
    )]
    let index = (last as f64 * share).round() as usize;
    samples.get(index).copied().unwrap_or_default()
}

/// The middle one.
pub(crate) fn median(samples: &mut [Duration]) -> Duration {
    quantile(samples, 0.5)
}

/// In microseconds.
pub(crate) fn microseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// In milliseconds.
pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
