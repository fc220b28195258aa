//! The two listeners.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::version::{TLS12, TLS13};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::accept::{self, Unfinished};
use crate::admin::Admin;
use crate::api::{Api, Callee};
use crate::certificate::Certificates;
use crate::connection::{self, Protocol, Respond};
use crate::hooks::Hooks;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::review::Reviewer;

const HTTP2: &[u8] = b"h2";
const HTTP1: &[u8] = b"http/1.1";

/// Connections to the admin port: a probe, a scraper or two, and a person.
const ADMIN_CONNECTIONS: usize = 64;

/// Serves `hooks` over HTTPS (TLS 1.2 and 1.3; HTTP/1.1 and HTTP/2 by ALPN) until `shutdown` completes, then finishes what
/// was accepted and returns. Dropping the future ends everything at once.
///
/// Fails if the time to drain ran out.
pub async fn serve<R: Reviewer>(
    listener: TcpListener,
    certificates: Arc<Certificates>,
    hooks: Hooks<R>,
    shutdown: impl Future<Output = ()>,
) -> Result<(), Unfinished> {
    let (limits, metrics) = (hooks.limits(), Arc::clone(hooks.metrics()));
    serve_tls(listener, certificates, hooks, (limits, metrics), shutdown).await
}

/// Serves `api` over HTTPS, in the same way.
pub async fn serve_api<C: Callee>(
    listener: TcpListener,
    certificates: Arc<Certificates>,
    api: Api<C>,
    shutdown: impl Future<Output = ()>,
) -> Result<(), Unfinished> {
    let (limits, metrics) = (api.limits(), Arc::clone(api.metrics()));
    serve_tls(listener, certificates, api, (limits, metrics), shutdown).await
}

async fn serve_tls<R: Respond>(
    listener: TcpListener,
    certificates: Arc<Certificates>,
    responder: R,
    (limits, metrics): (Limits, Arc<Metrics>),
    shutdown: impl Future<Output = ()>,
) -> Result<(), Unfinished> {
    metrics.certificate_in_use(certificates.expires());
    let acceptor = TlsAcceptor::from(Arc::new(tls(certificates)));
    let responder = Arc::new(responder);
    accept::run(listener, &limits, shutdown, |stream, draining| {
        let (acceptor, metrics, responder) = (
            acceptor.clone(),
            Arc::clone(&metrics),
            Arc::clone(&responder),
        );
        async move {
            let _open = metrics.connection();
            let Some(stream) = handshake(stream, &acceptor, &limits, &metrics).await else {
                return;
            };
            let protocol = protocol(&stream);
            connection::serve(stream, protocol, responder, limits, draining).await;
        }
    })
    .await
}

/// Serves `admin` over plain HTTP/1.1, in the same way.
pub async fn serve_admin(
    listener: TcpListener,
    admin: Admin,
    shutdown: impl Future<Output = ()>,
) -> Result<(), Unfinished> {
    let limits = Limits {
        connections: ADMIN_CONNECTIONS,
        ..Limits::default()
    };
    let admin = Arc::new(admin);
    accept::run(listener, &limits, shutdown, |stream, draining| {
        connection::serve(
            stream,
            Protocol::Http1,
            Arc::clone(&admin),
            limits,
            draining,
        )
    })
    .await
}

#[expect(
    clippy::expect_used,
    reason = "the provider is a constant that has cipher suites for both versions"
)]
fn tls(certificates: Arc<Certificates>) -> ServerConfig {
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .expect("TLS 1.2 and 1.3 are both supported")
        .with_no_client_auth()
        .with_cert_resolver(certificates);
    config.alpn_protocols = vec![HTTP2.to_vec(), HTTP1.to_vec()];
    config
}

async fn handshake(
    stream: TcpStream,
    acceptor: &TlsAcceptor,
    limits: &Limits,
    metrics: &Metrics,
) -> Option<TlsStream<TcpStream>> {
    // Answers are small and complete: they are better sent at once.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY cannot be set");
    }
    let error = match timeout(limits.handshake, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => return Some(stream),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("not finished after {} seconds", limits.handshake.as_secs()),
    };
    metrics.handshake_failed();
    tracing::debug!(error, "a TLS handshake failed");
    None
}

fn protocol(stream: &TlsStream<TcpStream>) -> Protocol {
    match stream.get_ref().1.alpn_protocol() {
        Some(HTTP2) => Protocol::Http2,
        _ => Protocol::Http1,
    }
}
