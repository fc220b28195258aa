//! Tokens, and how long they hold.

use std::time::Duration;

use http::header::DATE;
use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;

use super::header::{NotAHeader, bearer};
use crate::http::date::http_date;

/// The default of the distribution project's token specification.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(60);
const MAX_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// What a token server answers that is no token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// It is not the JSON that the specification describes.
    #[error("its answer is not a token answer")]
    Malformed,
    /// There is no token in it.
    #[error("its answer has no token")]
    Missing,
    /// The token cannot stand in a header.
    #[error("its token has characters that no token may have")]
    NotAHeader,
}

impl From<NotAHeader> for TokenError {
    fn from(NotAHeader: NotAHeader) -> Self {
        Self::NotAHeader
    }
}

/// A token, ready to be sent.
#[derive(Clone)]
pub(crate) struct Token {
    pub(crate) header: HeaderValue,
    pub(crate) renew_at: Instant,
}

#[derive(Deserialize)]
struct Answer {
    token: Option<String>,
    access_token: Option<String>,
    // Read leniently: without them the token is only fetched again sooner.
    expires_in: Option<Value>,
    issued_at: Option<Value>,
}

impl Token {
    /// Reads the answer of a token server, which came at `received`.
    pub(crate) fn read(
        body: &[u8],
        headers: &HeaderMap,
        received: Instant,
    ) -> Result<Self, TokenError> {
        let answer: Answer = serde_json::from_slice(body).map_err(|_| TokenError::Malformed)?;
        let lifetime = answer.lifetime(headers);
        let text = answer
            .token
            .filter(|token| !token.is_empty())
            .or(answer.access_token)
            .unwrap_or_default();
        if text.is_empty() {
            return Err(TokenError::Missing);
        }
        // Renewed early enough for a request that is about to be sent.
        let margin = (lifetime / 4).min(Duration::from_secs(30));
        Ok(Self {
            header: bearer(&text)?,
            renew_at: received + lifetime.saturating_sub(margin),
        })
    }
}

impl Answer {
    /// How long the token holds from now. It may have been issued earlier; how much is told by the server's own clock.
    fn lifetime(&self, headers: &HeaderMap) -> Duration {
        let stated = self.expires_in.as_ref().and_then(Value::as_u64);
        let stated = stated
            .map_or(DEFAULT_LIFETIME, Duration::from_secs)
            .min(MAX_LIFETIME);
        let issued = self
            .issued_at
            .as_ref()
            .and_then(Value::as_str)
            .and_then(|text| text.parse::<Timestamp>().ok());
        let now = headers
            .get(DATE)
            .and_then(|date| date.to_str().ok())
            .and_then(http_date);
        let age = issued
            .zip(now)
            .map_or(0, |(issued, now)| now.as_second() - issued.as_second());
        stated.saturating_sub(Duration::from_secs(u64::try_from(age).unwrap_or(0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lifetime(json: &str, date: Option<&str>) -> Result<Duration, TokenError> {
        let mut headers = HeaderMap::new();
        if let Some(date) = date {
            headers.insert(DATE, HeaderValue::from_str(date).expect("a header"));
        }
        let received = Instant::now();
        Token::read(json.as_bytes(), &headers, received).map(|token| token.renew_at - received)
    }

    #[tokio::test]
    async fn a_token_is_kept_for_the_better_part_of_its_life_by_the_servers_own_clock() {
        let table = [
            (r#"{"token":"t"}"#, None, 45),
            (r#"{"access_token":"t","expires_in":300}"#, None, 270),
            (
                r#"{"token":"","access_token":"t","expires_in":20}"#,
                None,
                15,
            ),
            (
                r#"{"token":"t","expires_in":"soon","issued_at":7}"#,
                None,
                45,
            ),
            (
                r#"{"token":"t","expires_in":99999999999}"#,
                None,
                24 * 60 * 60 - 30,
            ),
            (
                r#"{"token":"t","expires_in":300,"issued_at":"2026-01-01T00:00:00Z"}"#,
                Some("Thu, 01 Jan 2026 00:01:40 GMT"),
                170,
            ),
            (
                r#"{"token":"t","expires_in":300,"issued_at":"2026-01-01T00:00:00Z"}"#,
                None,
                270,
            ),
            (
                r#"{"token":"t","expires_in":300,"issued_at":"2026-01-01T00:00:00Z"}"#,
                Some("Thu, 01 Jan 2026 01:00:00 GMT"),
                0,
            ),
        ];
        for (json, date, seconds) in table {
            assert_eq!(
                lifetime(json, date),
                Ok(Duration::from_secs(seconds)),
                "{json} at {date:?}"
            );
        }
    }

    #[tokio::test]
    async fn what_is_no_token_is_refused() {
        let table = [
            ("{", TokenError::Malformed),
            ("[]", TokenError::Malformed),
            (r#"{"token":7}"#, TokenError::Malformed),
            ("{}", TokenError::Missing),
            (r#"{"token":""}"#, TokenError::Missing),
            (r#"{"token":"a\r\nHost: evil"}"#, TokenError::NotAHeader),
        ];
        for (json, expected) in table {
            assert_eq!(lifetime(json, None), Err(expected), "{json}");
        }
    }
}
