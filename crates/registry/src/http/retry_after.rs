//! How long a server wants to be left alone.

use std::time::Duration;

use http::HeaderMap;
use http::header::RETRY_AFTER;
use jiff::Timestamp;

use super::date::http_date;

/// Seconds, or a date that is compared with our clock (RFC 9110 §10.2.3).
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let wait = http_date(text)?.as_second() - Timestamp::now().as_second();
    Some(Duration::from_secs(u64::try_from(wait).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_pause_is_asked_for_in_seconds_or_by_a_date() {
        let table = [
            (Some("0"), Some(0)),
            (Some("120"), Some(120)),
            (Some("Thu, 01 Jan 2026 00:00:00 GMT"), Some(0)),
            (Some("-1"), None),
            (Some("soon"), None),
            (None, None),
        ];
        for (value, seconds) in table {
            let headers = value.map(|value| (RETRY_AFTER, HeaderValue::from_static(value)));
            let expected = seconds.map(Duration::from_secs);
            assert_eq!(
                retry_after(&HeaderMap::from_iter(headers)),
                expected,
                "{value:?}"
            );
        }
        let later = HeaderValue::from_static("Fri, 01 Jan 2100 00:00:00 GMT");
        let pause =
            retry_after(&HeaderMap::from_iter([(RETRY_AFTER, later)])).expect("a date to come");
        assert!(pause > Duration::from_secs(60));
    }
}
