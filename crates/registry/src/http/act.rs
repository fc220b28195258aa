//! What is done at a server, beside fetching.

use http::{HeaderValue, Method, StatusCode};
use url::Url;

use super::content::Content;
use super::wire::Query;

/// What is done at a server.
pub(crate) struct Act {
    method: Method,
    content: Option<(HeaderValue, Content)>,
    led_to: Option<HeaderValue>,
}

impl Act {
    /// Something is fetched.
    pub(crate) fn get() -> Self {
        Self::by(Method::GET)
    }

    /// It is asked whether something is there.
    pub(crate) fn head() -> Self {
        Self::by(Method::HEAD)
    }

    /// An upload is begun.
    pub(crate) fn begin_upload() -> Self {
        let nothing = Content::Bytes(bytes::Bytes::new());
        Self::by(Method::POST).sending("application/octet-stream", nothing)
    }

    /// The upload that was begun is ended at `location`, where the server wants it.
    pub(crate) fn end_upload(location: HeaderValue, content: Content) -> Self {
        Self {
            led_to: Some(location),
            ..Self::by(Method::PUT).sending("application/octet-stream", content)
        }
    }

    /// A document is put where it will be.
    pub(crate) fn put(content_type: &'static str, content: Content) -> Self {
        Self::by(Method::PUT).sending(content_type, content)
    }

    fn by(method: Method) -> Self {
        Self {
            method,
            content: None,
            led_to: None,
        }
    }

    fn sending(self, content_type: &'static str, content: Content) -> Self {
        Self {
            content: Some((HeaderValue::from_static(content_type), content)),
            ..self
        }
    }

    /// The status that says that it is done (distribution-spec 1.1, "Endpoints").
    pub(super) fn done(&self) -> StatusCode {
        match self.method {
            Method::POST => StatusCode::ACCEPTED,
            Method::PUT => StatusCode::CREATED,
            _ => StatusCode::OK,
        }
    }

    pub(super) fn query(&self, url: Url) -> Query {
        let mut query = Query::new(self.method.clone(), url);
        if let Some((content_type, content)) = &self.content {
            query = query.sending(content_type.clone(), content.clone());
        }
        match &self.led_to {
            Some(location) => query.led_to(location.clone()),
            None => query,
        }
    }
}
