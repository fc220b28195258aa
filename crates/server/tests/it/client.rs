//! Clients: one that speaks HTTP, and sockets for those who do not.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::crypto::aws_lc_rs;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::server::Server;

/// What a client is like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    pub(crate) tls: &'static SupportedProtocolVersion,
    /// `h2`, `http/1.1`, or nothing.
    pub(crate) alpn: &'static str,
}

pub(crate) const HTTP1: Kind = Kind {
    tls: &TLS13,
    alpn: "http/1.1",
};
pub(crate) const HTTP2: Kind = Kind {
    tls: &TLS13,
    alpn: "h2",
};
pub(crate) const ALL: [Kind; 5] = [
    HTTP1,
    HTTP2,
    Kind {
        tls: &TLS12,
        alpn: "http/1.1",
    },
    Kind {
        tls: &TLS12,
        alpn: "h2",
    },
    Kind {
        tls: &TLS13,
        alpn: "",
    },
];

/// A TLS connection to `server`, on which nothing has been said yet.
pub(crate) async fn tls(server: &Server, kind: Kind) -> TlsStream<TcpStream> {
    let stream = TcpStream::connect(server.address).await.unwrap();
    secure(stream, &[&server.ca_pem], kind).await.unwrap()
}

pub(crate) async fn secure(
    stream: TcpStream,
    cas: &[&str],
    kind: Kind,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    for ca in cas {
        roots
            .add(CertificateDer::from_pem_slice(ca.as_bytes()).unwrap())
            .unwrap();
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[kind.tls])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    if !kind.alpn.is_empty() {
        config.alpn_protocols = vec![kind.alpn.into()];
    }
    TlsConnector::from(Arc::new(config))
        .connect(ServerName::try_from("localhost").unwrap(), stream)
        .await
}

/// A kept connection.
pub(crate) enum Client {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

impl Client {
    pub(crate) async fn connect(server: &Server, kind: Kind) -> Self {
        Self::over(tls(server, kind).await, kind).await
    }

    pub(crate) async fn over(stream: TlsStream<TcpStream>, kind: Kind) -> Self {
        let io = TokioIo::new(stream);
        if kind.alpn == "h2" {
            let (client, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
            tokio::spawn(connection);
            Self::Http2(client)
        } else {
            let (client, connection) = http1::handshake(io).await.unwrap();
            tokio::spawn(connection);
            Self::Http1(client)
        }
    }

    /// Posts JSON, and reads the whole answer.
    pub(crate) async fn post(
        &mut self,
        path: &str,
        body: &'static str,
    ) -> hyper::Result<Response<String>> {
        self.send(request(Method::POST, path, "application/json", body))
            .await
    }

    pub(crate) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> hyper::Result<Response<String>> {
        let response = match self {
            Self::Http1(client) => {
                client.ready().await?;
                client.send_request(request).await?
            }
            Self::Http2(client) => {
                client.ready().await?;
                client.send_request(request).await?
            }
        };
        let (head, body) = response.into_parts();
        let body = String::from_utf8(body.collect().await?.to_bytes().into()).unwrap();
        Ok(Response::from_parts(head, body))
    }
}

pub(crate) fn request(
    method: Method,
    path: &str,
    content_type: &str,
    body: &'static str,
) -> Request<Full<Bytes>> {
    Request::builder()
        .method(method)
        .uri(format!("https://localhost{path}"))
        .header("host", "localhost")
        .header("content-type", content_type)
        .body(Full::new(body.into()))
        .unwrap()
}

/// Whether the server still answers a client that behaves.
pub(crate) async fn assert_serves(server: &Server) {
    let mut client = Client::connect(server, HTTP1).await;
    assert_eq!(
        client
            .post("/allow", crate::server::REVIEW)
            .await
            .unwrap()
            .status(),
        StatusCode::OK
    );
}

/// Everything until the peer closes, however it does that.
pub(crate) async fn read_all(mut stream: impl AsyncRead + Unpin) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    bytes
}
