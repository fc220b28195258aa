//! Reading a request for a token.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt as _, Collected, Limited};
use hyper::body::Incoming;
use url::form_urlencoded;

use super::TokenRequest;

/// Far more than any request has, in bytes.
const BODY_LIMIT: usize = 64 * 1024;

/// A request with its secrets.
pub(super) struct Asked {
    pub(super) request: TokenRequest,
    pub(super) password: String,
    pub(super) refresh_token: Option<String>,
    pub(super) wants_refresh_token: bool,
}

impl Asked {
    pub(super) async fn receive(request: Request<Incoming>) -> Self {
        let (parts, body) = request.into_parts();
        if parts.method == Method::POST {
            let body = Limited::new(body, BODY_LIMIT).collect().await;
            return Self::post(&body.map(Collected::to_bytes).unwrap_or_default());
        }
        Self::get(parts.uri.query().unwrap_or_default(), &parts.headers)
    }

    pub(super) fn get(query: &str, headers: &HeaderMap) -> Self {
        let (user, password) = basic(headers).unzip();
        Self::read(&Parameters::parse(query.as_bytes()), None, user, password)
    }

    pub(super) fn post(form: &[u8]) -> Self {
        let form = Parameters::parse(form);
        let grant = form.first("grant_type").unwrap_or_default();
        let (user, password) = (form.first("username"), form.first("password"));
        Self::read(&form, Some(grant), user, password)
    }

    fn read(
        parameters: &Parameters,
        grant: Option<String>,
        user: Option<String>,
        password: Option<String>,
    ) -> Self {
        let has = |name, value| parameters.first(name).is_some_and(|given| given == value);
        Self {
            request: TokenRequest {
                grant,
                user,
                service: parameters.first("service").unwrap_or_default(),
                scopes: parameters.scopes(),
            },
            password: password.unwrap_or_default(),
            refresh_token: parameters.first("refresh_token"),
            wants_refresh_token: has("offline_token", "true") || has("access_type", "offline"),
        }
    }
}

struct Parameters(BTreeMap<String, Vec<String>>);

impl Parameters {
    fn parse(encoded: &[u8]) -> Self {
        let mut parameters = BTreeMap::<_, Vec<_>>::new();
        for (name, value) in form_urlencoded::parse(encoded) {
            parameters
                .entry(name.into_owned())
                .or_default()
                .push(value.into_owned());
        }
        Self(parameters)
    }

    fn first(&self, name: &str) -> Option<String> {
        self.0.get(name)?.first().cloned()
    }

    /// Several parameters, or one with spaces between: both are in use.
    fn scopes(&self) -> Vec<String> {
        let given = self.0.get("scope").into_iter().flatten();
        given
            .flat_map(|scopes| scopes.split_whitespace())
            .map(str::to_owned)
            .collect()
    }
}

/// The user and the password of an `Authorization: Basic` (RFC 7617).
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let encoded = headers
        .get(AUTHORIZATION)?
        .to_str()
        .ok()?
        .strip_prefix("Basic ")?;
    let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}
