//! The API server without a client in between that checks, repeats or hides anything.

use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue, WARNING};
use http::{Method, StatusCode};
use serde_json::Value;

use crate::Error;
use crate::authority::{Authority, Identity};
use crate::client::Client;

/// Requests to the API server as one user. Cheap to clone; connections are shared.
#[derive(Debug, Clone)]
pub struct Api {
    client: Client,
    url: String,
}

/// What the API server answered, whatever its status.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status of the HTTP response.
    pub status: StatusCode,
    /// What it warns of, as `Warning` headers have it (RFC 9111, section 5.5).
    pub warnings: Vec<String>,
    /// An object, a list, or a `Status` that says what is wrong; null if it is no JSON.
    pub body: Value,
}

impl Api {
    pub(super) fn new(
        url: &str,
        authority: &Authority,
        identity: &Identity,
    ) -> Result<Self, Error> {
        Ok(Self {
            client: Client::as_somebody(&authority.certificate(), identity)?,
            url: url.to_owned(),
        })
    }

    /// Reads what is at a path, such as `/api/v1/namespaces/default/pods`.
    pub fn get(&self, path: &str) -> Result<Answer, Error> {
        self.send(&Method::GET, path, Vec::new())
    }

    /// Makes an object.
    pub fn post(&self, path: &str, object: &Value) -> Result<Answer, Error> {
        self.send(&Method::POST, path, object.to_string().into_bytes())
    }

    /// Puts an object in the place of another.
    pub fn put(&self, path: &str, object: &Value) -> Result<Answer, Error> {
        self.send(&Method::PUT, path, object.to_string().into_bytes())
    }

    /// Changes an object by a merge patch (RFC 7386).
    pub fn patch(&self, path: &str, changes: &Value) -> Result<Answer, Error> {
        self.send(&Method::PATCH, path, changes.to_string().into_bytes())
    }

    /// Deletes an object at once.
    pub fn delete(&self, path: &str) -> Result<Answer, Error> {
        let path = format!("{path}?gracePeriodSeconds=0");
        self.send(&Method::DELETE, &path, Vec::new())
    }

    fn send(&self, method: &Method, path: &str, body: Vec<u8>) -> Result<Answer, Error> {
        let content = match *method {
            Method::PATCH => "application/merge-patch+json",
            _ => "application/json",
        };
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content))]);
        let url = format!("{}{path}", self.url);
        let (status, headers, body) = self.client.exchange(method, &url, headers, body)?;
        let warnings = headers.get_all(WARNING).into_iter();
        Ok(Answer {
            status,
            warnings: warnings
                .filter_map(|warning| Some(warning.to_str().ok()?.to_owned()))
                .collect(),
            body: serde_json::from_slice(&body).unwrap_or_default(),
        })
    }
}

impl Answer {
    /// The body, if the status is a success; else what is wrong.
    pub fn into_object(self) -> Result<Value, String> {
        if self.status.is_success() {
            return Ok(self.body);
        }
        let message = self.body.get("message").and_then(Value::as_str);
        Err(message.map_or_else(|| self.status.to_string(), str::to_owned))
    }
}
