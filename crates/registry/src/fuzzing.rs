//! What of this crate's inner parts the fuzz targets call. No part of the interface.

use std::time::Duration;

use http::header::{DATE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue};
use tokio::time::Instant;
use url::Url;

use crate::auth::{Challenge, Token, TokenError};
use crate::client::referrers;

/// Realm, service and scope of the challenge that these `WWW-Authenticate` headers hold, where it is one for a token.
pub fn bearer_challenge(headers: &[&[u8]]) -> Option<(String, Option<String>, Option<String>)> {
    let values = headers
        .iter()
        .filter_map(|value| HeaderValue::from_bytes(value).ok());
    let headers: HeaderMap = values.map(|value| (WWW_AUTHENTICATE, value)).collect();
    match Challenge::of(&headers).ok()?? {
        Challenge::Bearer(bearer) => Some((bearer.realm, bearer.service, bearer.scope)),
        Challenge::Basic => None,
    }
}

/// The header that presents the token in a token server's answer, and for how long it is kept. `date` is the answer's `Date`.
pub fn token_answer(date: &[u8], body: &[u8]) -> Result<(HeaderValue, Duration), TokenError> {
    let date = HeaderValue::from_bytes(date).ok();
    let headers = HeaderMap::from_iter(date.map(|date| (DATE, date)));
    let received = Instant::now();
    let token = Token::read(body, &headers, received)?;
    Ok((token.header, token.renew_at - received))
}

/// The path and query of the page after the one at `path`, by the `Link` header of `server`.
pub fn next_page(server: &Url, path: &str, link: &str) -> Option<String> {
    referrers::next_page(server, path, link)
}
