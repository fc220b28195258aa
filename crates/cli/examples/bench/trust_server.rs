//! A trust server on loopback that knows every repository of `registry.test`. It speaks HTTP/2 over TLS, as real ones do.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;
use bytes::Bytes;
use cise_testkit::authority::{Authority, Identity, LOOPBACK};
use cise_testkit::proxy::Upstream;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::tuf::Notary;

/// The server. It is stopped when this is dropped.
#[derive(Debug)]
pub(crate) struct TrustServer {
    pub(crate) notary: Arc<Notary>,
    pub(crate) authority: Authority,
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl TrustServer {
    pub(crate) fn start(runtime: &Runtime) -> Result<Self> {
        let (notary, authority) = (Arc::new(Notary::new()?), Authority::new("bench")?);
        let acceptor = acceptor(&authority.server(&LOOPBACK)?)?;
        let requests = Arc::new(AtomicUsize::new(0));
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let address = listener.local_addr()?;
        let service = Service {
            notary: Arc::clone(&notary),
            requests: Arc::clone(&requests),
        };
        let task = runtime.spawn(accept(listener, acceptor, service));
        Ok(Self {
            notary,
            authority,
            address,
            requests,
            task,
        })
    }

    /// `https://localhost:<port>`.
    pub(crate) fn url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    /// The server as a proxy takes it.
    pub(crate) fn upstream(&self) -> Upstream {
        Upstream {
            url: self.url(),
            authority: Some(self.authority.certificate()),
        }
    }

    /// How many requests there were so far.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }
}

impl Drop for TrustServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What every connection works with.
#[derive(Clone)]
struct Service {
    notary: Arc<Notary>,
    requests: Arc<AtomicUsize>,
}

fn acceptor(identity: &Identity) -> Result<TlsAcceptor> {
    let chain = vec![CertificateDer::from_pem_slice(
        identity.certificate.as_bytes(),
    )?];
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes())?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, service: Service) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        tokio::spawn(connection(stream, acceptor.clone(), service.clone()));
    }
}

/// A client that goes away is no failure of the server.
async fn connection(stream: TcpStream, acceptor: TlsAcceptor, service: Service) {
    let _ = stream.set_nodelay(true);
    let Ok(stream) = acceptor.accept(stream).await else {
        return;
    };
    let answer = service_fn(move |request| {
        service.requests.fetch_add(1, Ordering::Relaxed);
        let response = respond(&service.notary, &request);
        async move { Ok::<_, Infallible>(response) }
    });
    let _ = auto::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), answer)
        .await;
}

/// `/v2/<gun>/_trust/tuf/<role>.json`.
fn respond(notary: &Notary, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let names = || {
        let path = request.uri().path().strip_prefix("/v2/")?;
        let (gun, file) = path.split_once("/_trust/tuf/")?;
        notary.file(gun, file.strip_suffix(".json")?)
    };
    let file = names();
    let status = if file.is_some() {
        StatusCode::OK
    } else {
        StatusCode::NOT_FOUND
    };
    let mut response = Response::new(Full::new(Bytes::from(file.unwrap_or_default())));
    *response.status_mut() = status;
    response
}
