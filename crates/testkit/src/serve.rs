//! HTTP servers of the test kit's own.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, combinators::BoxBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::Error;
use crate::authority::Identity;
use crate::background::{self, Task};

/// The body of an answer; an error in it cuts the connection.
pub(crate) type Body = BoxBody<Bytes, io::Error>;

/// A server on the loopback interface. Dropping it closes the port and every connection.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    is_tls: bool,
    _task: Task,
}

impl Server {
    /// Serves on a free port: HTTPS with an identity, else plain HTTP; in both HTTP/1.1 and HTTP/2.
    pub(crate) fn start<H, F>(identity: Option<&Identity>, handler: H) -> Result<Self, Error>
    where
        H: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        let acceptor = identity.map(acceptor).transpose()?;
        let bound = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(Error::Port)?;
        bound.set_nonblocking(true).map_err(Error::Port)?;
        let address = bound.local_addr().map_err(Error::Port)?;
        let is_tls = acceptor.is_some();
        let task = background::spawn(async move {
            if let Ok(listener) = TcpListener::from_std(bound) {
                accept(listener, acceptor, handler).await;
            }
        });
        Ok(Self {
            address,
            is_tls,
            _task: task,
        })
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// `https://localhost:<port>` or `http://localhost:<port>`.
    pub(crate) fn url(&self) -> String {
        let scheme = if self.is_tls { "https" } else { "http" };
        format!("{scheme}://localhost:{}", self.address.port())
    }
}

/// An answer with a JSON body.
pub(crate) fn json(status: StatusCode, body: &serde_json::Value) -> Response<Body> {
    let mut response = Response::new(whole(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(
        http::header::CONTENT_TYPE,
        http::HeaderValue::from_static("application/json"),
    );
    response
}

/// A body that is sent whole.
pub(crate) fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into())
        .map_err(|never| match never {})
        .boxed()
}

fn acceptor(identity: &Identity) -> Result<TlsAcceptor, Error> {
    let failed = |error: &dyn std::fmt::Display| Error::Tls(error.to_string());
    let chain = CertificateDer::pem_slice_iter(identity.certificate.as_bytes())
        .collect::<Result<Vec<_>, _>>();
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let versions =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = versions
        .map_err(|error| failed(&error))?
        .with_no_client_auth()
        .with_single_cert(
            chain.map_err(|error| failed(&error))?,
            key.map_err(|error| failed(&error))?,
        )
        .map_err(|error| failed(&error))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// The connections are tasks of this one, and end with it.
async fn accept<H, F>(listener: TcpListener, acceptor: Option<TlsAcceptor>, handler: H)
where
    H: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                connections.spawn(connection(stream, acceptor.clone(), handler.clone()));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection<H, F>(stream: TcpStream, acceptor: Option<TlsAcceptor>, handler: H)
where
    H: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let _ = stream.set_nodelay(true);
    match acceptor {
        None => answer(stream, handler).await,
        Some(acceptor) => {
            if let Ok(stream) = acceptor.accept(stream).await {
                answer(stream, handler).await;
            }
        }
    }
}

async fn answer<H, F>(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, handler: H)
where
    H: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let service = service_fn(|request| {
        let response = handler(request);
        async move { Ok::<_, io::Error>(response.await) }
    });
    // A client that goes away, or that the answer cuts off, is no failure of the server.
    let _ = auto::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}
