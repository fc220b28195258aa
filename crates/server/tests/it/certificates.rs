//! Certificates that change while the server runs, and who may connect.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cise_server::{CertificateFiles, Limits, SelfSigned};
use http::StatusCode;
use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::client::{Client, HTTP1, HTTP2, assert_serves, read_all, secure};
use crate::server::{REVIEW, Server};

/// A `ClientHello` of TLS 1.1 (RFC 4346 §7.4.1.2) with the cipher suites of its time.
const TLS_1_1_HELLO: [u8; 54] = [
    0x16, 0x03, 0x01, 0x00, 0x31, // handshake record
    0x01, 0x00, 0x00, 0x2d, 0x03, 0x02, // client hello, version 1.1
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7,    // random
    0x00, // no session
    0x00, 0x06, 0xc0, 0x13, 0xc0, 0x14, 0x00, 0x2f, // suites
    0x01, 0x00, // no compression
];

#[tokio::test]
async fn tls_1_1_is_refused() {
    let server = Server::start().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(&TLS_1_1_HELLO).await.unwrap();
    let answer = read_all(stream).await;
    // A fatal alert and nothing else (RFC 8446 §6): no hello of the server's.
    assert_eq!(answer.first(), Some(&0x15), "{answer:?}");
    assert_eq!(answer.get(5), Some(&2), "{answer:?}");
    assert_eq!(answer.len(), 7, "{answer:?}");
    server.until("cise_tls_handshake_failures_total 1").await;
    assert_serves(&server).await;
}

#[tokio::test]
async fn the_certificates_of_the_servers_own_making_are_trusted_through_their_ca_only() {
    let server = Server::start().await;
    assert_serves(&server).await;
    let stranger = SelfSigned::new(&["localhost".to_owned()]).unwrap();
    let stream = TcpStream::connect(server.address).await.unwrap();
    assert!(secure(stream, &[&stranger.ca_pem], HTTP1).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_under_load_loses_no_request() {
    let folder = TempDir::new().unwrap();
    let authority = Authority::new();
    authority.issue_into(folder.path());
    let files =
        CertificateFiles::open(folder.path().join("tls.crt"), folder.path().join("tls.key"))
            .unwrap();
    let server =
        Arc::new(Server::showing(files.certificates(), authority.0.pem(), Limits::default()).await);
    let first = shown(&server).await;
    let following =
        tokio::spawn(files.follow(Duration::from_millis(2), Arc::clone(&server.metrics)));
    let done = Arc::new(AtomicBool::new(false));
    let load: Vec<_> = [HTTP1, HTTP2, HTTP1, HTTP2]
        .map(|kind| tokio::spawn(load(Arc::clone(&server), kind, Arc::clone(&done))))
        .into();
    for reload in 1..=5 {
        authority.issue_into(folder.path());
        server
            .until(&format!(
                r#"cise_certificate_reloads_total{{result="replaced"}} {reload}"#
            ))
            .await;
        assert_ne!(shown(&server).await, first);
    }
    done.store(true, Ordering::Relaxed);
    for client in load {
        assert!(client.await.unwrap() > 0);
    }
    following.abort();
}

/// New connections and requests on a kept one, in turns, until `done`; how many.
async fn load(server: Arc<Server>, kind: crate::client::Kind, done: Arc<AtomicBool>) -> usize {
    let mut kept = Client::connect(&server, kind).await;
    let mut requests = 0;
    while !done.load(Ordering::Relaxed) {
        let mut new = Client::connect(&server, kind).await;
        for client in [&mut kept, &mut new] {
            assert_eq!(
                client.post("/allow", REVIEW).await.unwrap().status(),
                StatusCode::OK
            );
            requests += 1;
        }
    }
    requests
}

/// The certificate that the server shows now.
async fn shown(server: &Server) -> Vec<u8> {
    let stream = crate::client::tls(server, HTTP1).await;
    stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// A new pair in place of the old, in one step, as the kubelet does it: whole files are swapped, never written in place.
    /// The two renames are not one step; a look between them finds a key that is not the certificate's, and waits.
    fn issue_into(&self, folder: &Path) {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(["localhost".to_owned()])
            .unwrap()
            .signed_by(&key, &self.0)
            .unwrap();
        for (name, text) in [
            ("tls.crt", certificate.pem()),
            ("tls.key", key.serialize_pem()),
        ] {
            fs::write(folder.join("new"), text).unwrap();
            fs::rename(folder.join("new"), folder.join(name)).unwrap();
        }
    }
}
