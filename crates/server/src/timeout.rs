//! How long the API server waits for an answer.

use std::time::Duration;

/// `timeoutSeconds` of a webhook that sets none (Kubernetes API reference, `ValidatingWebhook` v1).
const DEFAULT: Duration = Duration::from_secs(10);
/// The most that `timeoutSeconds` may be (same place).
const MAXIMUM: Duration = Duration::from_secs(30);
/// The margin never takes more than this from a review.
const LARGEST_MARGIN: Duration = Duration::from_secs(1);

/// The time that the caller gives one review, counted from the arrival of the request's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timeout(Duration);

impl Timeout {
    /// Reads `timeout` from a query string, as the API server writes it: a Go duration such as `10s` or `1m30s`.
    /// 10 seconds if there is none; more than 30 seconds count as 30.
    pub(crate) fn from_query(query: Option<&str>) -> Result<Self, BadTimeout> {
        let value = query
            .into_iter()
            .flat_map(|query| query.split('&'))
            .find_map(|pair| pair.strip_prefix("timeout="));
        let Some(value) = value else {
            return Ok(Self(DEFAULT));
        };
        let duration = go_duration(value)
            .filter(|duration| !duration.is_zero())
            .ok_or(BadTimeout)?;
        Ok(Self(duration.min(MAXIMUM)))
    }

    /// The time for the decision: what the caller waits less a tenth, at most a second, for the way back.
    pub(crate) fn for_the_decision(self) -> Duration {
        self.0.saturating_sub(self.margin())
    }

    /// The time after which the server answers in the place of a reviewer that has missed its deadline.
    pub(crate) fn for_the_answer(self) -> Duration {
        self.0.saturating_sub(self.margin() / 2)
    }

    fn margin(self) -> Duration {
        (self.0 / 10).min(LARGEST_MARGIN)
    }
}

/// A `timeout` that is no positive duration. Refused rather than guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadTimeout;

/// A duration in the syntax of Go's `time.ParseDuration`, without a sign and without the two spellings of `us` that need
/// percent-encoding.
fn go_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit() && c != '.')?);
        let (unit, after) = after.split_at(
            after
                .find(|c: char| !c.is_ascii_alphabetic())
                .unwrap_or(after.len()),
        );
        let seconds = number.parse::<f64>().ok()? * seconds_per(unit)?;
        total = total.checked_add(Duration::try_from_secs_f64(seconds).ok()?)?;
        rest = after;
    }
    Some(total)
}

fn seconds_per(unit: &str) -> Option<f64> {
    match unit {
        "ns" => Some(1e-9),
        "us" => Some(1e-6),
        "ms" => Some(1e-3),
        "s" => Some(1.0),
        "m" => Some(60.0),
        "h" => Some(3600.0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_timeout_is_read_as_the_api_server_writes_it() {
        for (query, milliseconds) in [
            (None, 10_000),
            (Some(""), 10_000),
            (Some("pretty=true"), 10_000),
            (Some("timeout=10s"), 10_000),
            (Some("a=b&timeout=3s&c=d"), 3_000),
            (Some("timeout=500ms"), 500),
            (Some("timeout=1.5s"), 1_500),
            (Some("timeout=2s500ms"), 2_500),
            (Some("timeout=1m30s"), 30_000),
            (Some("timeout=99999999h"), 30_000),
        ] {
            assert_eq!(
                Timeout::from_query(query),
                Ok(Timeout(Duration::from_millis(milliseconds))),
                "{query:?}"
            );
        }
    }

    #[test]
    fn a_timeout_that_cannot_be_read_is_refused() {
        for value in [
            "", "10", "s", "ten", "-1s", "0s", "0", "1e3s", "infs", "NaNs", "1.2.3s", "1 s", "1d",
            "1s%20", "9e999s",
        ] {
            assert_eq!(
                Timeout::from_query(Some(&format!("timeout={value}"))),
                Err(BadTimeout),
                "{value:?}"
            );
        }
    }

    #[test]
    fn the_margin_is_a_tenth_and_at_most_a_second() {
        for (timeout, decision, answer) in [
            (1_000, 900, 950),
            (10_000, 9_000, 9_500),
            (30_000, 29_000, 29_500),
        ] {
            let timeout = Timeout(Duration::from_millis(timeout));
            assert_eq!(timeout.for_the_decision(), Duration::from_millis(decision));
            assert_eq!(timeout.for_the_answer(), Duration::from_millis(answer));
        }
    }
}
