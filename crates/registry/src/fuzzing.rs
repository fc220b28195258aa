//! What of this crate's inner parts the fuzz targets call. No part of the interface.

use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, HeaderValue};

use crate::auth::Challenge;

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
