//! The API server's side of a webhook: sends a review over HTTPS and takes the answer.

use std::time::{Duration, Instant};

use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Method, StatusCode};

use crate::Error;
use crate::client::Client;

/// Calls webhooks as an API server does; it keeps its connection.
#[derive(Debug, Clone)]
pub struct Caller(Client);

/// What a webhook answered, whatever its status.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status of the HTTP response.
    pub status: StatusCode,
    /// Its body.
    pub body: Vec<u8>,
    /// From the first byte of the request to the last of the answer; with a new connection, its handshake too.
    pub time: Duration,
}

impl Caller {
    /// A caller that trusts the authority with this certificate (PEM), and no other.
    pub fn trusting(authority: &str) -> Result<Self, Error> {
        Client::trusting(Some(authority)).map(Self)
    }

    /// Posts a review to a hook, `https://localhost:<port>/<hook>?timeout=10s`.
    pub fn post(&self, url: &str, review: Vec<u8>) -> Result<Reply, Error> {
        let headers =
            HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        let started = Instant::now();
        let (status, _, body) = self.0.exchange(&Method::POST, url, headers, review)?;
        Ok(Reply {
            status,
            body: body.to_vec(),
            time: started.elapsed(),
        })
    }
}
