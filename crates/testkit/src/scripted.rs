//! A peer whose answers the test itself gives.

use std::sync::Arc;

use http::{Response, StatusCode};

use crate::Error;
use crate::serve::{Server, whole};

/// A server on loopback, in plain HTTP, that answers as it is told. Dropping it closes its port.
#[derive(Debug)]
pub struct Scripted(Server);

impl Scripted {
    /// Answers each request with the status and the body that `answer` gives for its path.
    pub fn start(
        answer: impl Fn(&str) -> (StatusCode, Vec<u8>) + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let answer = Arc::new(answer);
        let server = Server::start(None, move |request| {
            let (status, body) = answer(request.uri().path());
            let mut response = Response::new(whole(body));
            *response.status_mut() = status;
            async { response }
        })?;
        Ok(Self(server))
    }

    /// `http://localhost:<port>`.
    pub fn url(&self) -> String {
        self.0.url()
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Method};

    use super::*;
    use crate::client::Client;

    #[test]
    fn a_request_is_answered_by_its_path() {
        let server = Scripted::start(|path| match path {
            "/a" => (StatusCode::OK, b"A".to_vec()),
            _ => (StatusCode::NOT_FOUND, Vec::new()),
        });
        let server = server.unwrap();
        let client = Client::trusting(None).unwrap();
        let get = |path: &str| {
            let url = format!("{}{path}", server.url());
            let (status, _, body) = client
                .exchange(&Method::GET, &url, HeaderMap::new(), Vec::new())
                .unwrap();
            (status, body.to_vec())
        };
        assert_eq!(get("/a?b"), (StatusCode::OK, b"A".to_vec()));
        assert_eq!(get("/b"), (StatusCode::NOT_FOUND, Vec::new()));
    }
}
