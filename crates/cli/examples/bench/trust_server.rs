//! A trust server on loopback, over plain HTTP, that knows every repository of `registry.test`.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;
use bytes::Bytes;
use cise_testkit::proxy::Upstream;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::tuf::Notary;

/// The server. It is stopped when this is dropped.
#[derive(Debug)]
pub(crate) struct TrustServer {
    pub(crate) notary: Arc<Notary>,
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl TrustServer {
    pub(crate) fn start(runtime: &Runtime) -> Result<Self> {
        let notary = Arc::new(Notary::new()?);
        let requests = Arc::new(AtomicUsize::new(0));
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let address = listener.local_addr()?;
        let task = runtime.spawn(accept(listener, Arc::clone(&notary), Arc::clone(&requests)));
        Ok(Self {
            notary,
            address,
            requests,
            task,
        })
    }

    /// `http://localhost:<port>`.
    pub(crate) fn url(&self) -> String {
        format!("http://localhost:{}", self.address.port())
    }

    /// The server as a proxy takes it.
    pub(crate) fn upstream(&self) -> Upstream {
        Upstream {
            url: self.url(),
            authority: None,
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

async fn accept(listener: TcpListener, notary: Arc<Notary>, requests: Arc<AtomicUsize>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let _ = stream.set_nodelay(true);
        let (notary, requests) = (Arc::clone(&notary), Arc::clone(&requests));
        let service = service_fn(move |request| {
            requests.fetch_add(1, Ordering::Relaxed);
            let response = respond(&notary, &request);
            async move { Ok::<_, Infallible>(response) }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
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
