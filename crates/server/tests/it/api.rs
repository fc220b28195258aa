//! Calls of other programs, which show who they are.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use cise_server::{
    Api, CallReply, Callee, Certificates, Limits, Metrics, Refused, SelfSigned, StatusCode,
    serve_api,
};
use http::{Method, Request};
use http_body_util::Full;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::net::{TcpListener, TcpStream};

use crate::client::{Client, HTTP1, HTTP2, request, secure};

/// Says back what it is told.
struct Echo;

impl Callee for Echo {
    const PATH: &'static str = "/echo";

    async fn admit(&self, token: &SecretString) -> Result<(), Refused> {
        match token.expose_secret() {
            "friend" => Ok(()),
            "stranger" => Err(Refused::Forbidden("stranger may not call".to_owned())),
            "nobody-knows" => Err(Refused::Undecided("nobody answered".to_owned())),
            _ => Err(Refused::Unknown("the token is not accepted".to_owned())),
        }
    }

    async fn call(&self, body: Bytes, deadline: Instant) -> CallReply {
        assert!(deadline > Instant::now());
        match &body[..] {
            b"panic" => panic!("as scripted"),
            b"never" => std::future::pending().await,
            _ => CallReply {
                status: StatusCode::OK,
                body,
            },
        }
    }
}

struct Serving {
    address: std::net::SocketAddr,
    ca_pem: String,
    metrics: Arc<Metrics>,
}

async fn start() -> Serving {
    let pair = SelfSigned::new(&["localhost".to_owned()]).unwrap();
    let certificates = Arc::new(Certificates::new(pair.identity().unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let metrics = Arc::new(Metrics::new());
    let limits = Limits {
        body_bytes: 16,
        ..Limits::default()
    };
    let api = Api::new(Echo, Arc::clone(&metrics), limits);
    tokio::spawn(serve_api(
        listener,
        certificates,
        api,
        std::future::pending(),
    ));
    Serving {
        address,
        ca_pem: pair.ca_pem,
        metrics,
    }
}

fn called(authorization: &'static str, path: &str, body: &'static str) -> Request<Full<Bytes>> {
    let mut request = request(Method::POST, path, "application/json", body);
    if !authorization.is_empty() {
        let value = authorization.parse().unwrap();
        request.headers_mut().insert("authorization", value);
    }
    request
}

#[tokio::test]
async fn only_those_are_answered_whose_token_is_accepted() {
    let serving = start().await;
    for kind in [HTTP1, HTTP2] {
        for (authorization, path, body, status, said) in [
            ("Bearer friend", "/echo", "{}", 200, "{}"),
            ("Bearer friend", "/echo?timeout=500ms", "{}", 200, "{}"),
            (
                "Bearer stranger",
                "/echo",
                "{}",
                403,
                "stranger may not call\n",
            ),
            (
                "Bearer other",
                "/echo",
                "{}",
                401,
                "the token is not accepted\n",
            ),
            (
                "Bearer nobody-knows",
                "/echo",
                "{}",
                503,
                "nobody answered\n",
            ),
            ("", "/echo", "{}", 401, "expected a bearer token\n"),
            (
                "Basic friend",
                "/echo",
                "{}",
                401,
                "expected a bearer token\n",
            ),
            (
                "Bearer friend",
                "/echo",
                "more than 16 bytes",
                413,
                "the body has more than 16 bytes\n",
            ),
            (
                "Bearer friend",
                "/echo?timeout=0s",
                "{}",
                400,
                "expected `timeout` to be a positive duration such as 10s\n",
            ),
            (
                "Bearer friend",
                "/echo?timeout=100ms",
                "never",
                503,
                "there was no answer in the time that the caller gives it\n",
            ),
            (
                "Bearer friend",
                "/echo",
                "panic",
                500,
                "an internal error; the log says more\n",
            ),
            (
                "Bearer friend",
                "/other",
                "{}",
                404,
                "nothing is at this path\n",
            ),
        ] {
            let stream = TcpStream::connect(serving.address).await.unwrap();
            let stream = secure(stream, &[&serving.ca_pem], kind).await.unwrap();
            let mut client = Client::over(stream, kind).await;
            let response = client
                .send(called(authorization, path, body))
                .await
                .unwrap();
            let found = (response.status().as_u16(), response.body().as_str());
            assert_eq!(found, (status, said), "{authorization} {path} {body}");
            let challenge = response.headers().get("www-authenticate");
            assert_eq!(challenge.is_some(), status == 401, "{authorization}");
        }
    }
    let metrics = serving.metrics.text();
    assert!(
        metrics.contains(r#"cise_reviews_total{hook="/echo",outcome="allowed"} 4"#),
        "{metrics}"
    );
}
