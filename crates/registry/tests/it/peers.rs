//! Peers made by hand, for what no real registry does at will.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use cise_policy::HostPattern;
use cise_registry::{
    Http, Keyring, Outbound, Proxies, Reason, Registries, Registry, RegistryLimits,
    RegistrySettings, Security,
};
use cise_testkit::authority::{Authority, Identity, LOOPBACK};
use cise_testkit::process::free_port;
use rustls::crypto::CryptoProvider;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::setup::{
    Expected, client, digest, image, named, plain_client, reason, resolve, trusting,
};

/// The heads of the requests that a peer has seen.
pub(crate) type Seen = Arc<Mutex<Vec<String>>>;

async fn head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&head).into_owned()
}

async fn answer(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), answer: &[u8], seen: &Seen) {
    let head = head(stream).await;
    seen.lock().expect("no panic").push(head);
    let _ = stream.write_all(answer).await;
    let _ = stream.shutdown().await;
}

/// Answers every connection with these bytes once a request is there, then closes it.
pub(crate) async fn peer(address: &str, bytes: Vec<u8>) -> Option<(SocketAddr, Seen)> {
    let listener = TcpListener::bind(address).await.ok()?;
    let address = listener.local_addr().expect("an address");
    let (seen, bytes) = (Seen::default(), Arc::new(bytes));
    let shared = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (bytes, seen) = (Arc::clone(&bytes), Arc::clone(&shared));
            tokio::spawn(async move { answer(&mut stream, &bytes, &seen).await });
        }
    });
    Some((address, seen))
}

pub(crate) fn manifest() -> Vec<u8> {
    let image = image("hello");
    let (media_type, length) = (image.media_type(), image.manifest().len());
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    [head.as_bytes(), image.manifest()].concat()
}

#[tokio::test]
async fn what_is_not_http_has_a_reason_of_its_own() {
    let table: [(&str, Expected); 4] = [
        ("", |reason| *reason == Reason::Cut),
        ("HTTP/1.1 200 OK\r\nContent-Le", |reason| {
            *reason == Reason::Cut
        }),
        ("SSH-2.0-OpenSSH_9.2\r\n", |reason| {
            matches!(reason, Reason::Protocol(_))
        }),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
            |reason| matches!(reason, Reason::Protocol(_)),
        ),
    ];
    for (bytes, expected) in table {
        let (address, _) = peer("127.0.0.1:0", bytes.into()).await.expect("a peer");
        let host = address.to_string();
        let error = resolve(&plain_client(&host), &host, &Keyring::empty())
            .await
            .expect_err("no HTTP");
        assert!(expected(reason(&error)), "{bytes:?}: {error:?}");
    }
}

#[tokio::test]
async fn a_registry_may_have_an_ipv6_address_for_its_name() {
    let Some((address, _)) = peer("[::1]:0", manifest()).await else {
        println!("skipped: this machine has no IPv6");
        return;
    };
    let host = format!("[::1]:{}", address.port());
    assert_eq!(
        resolve(&plain_client(&host), &host, &Keyring::empty()).await,
        Ok(digest(&image("hello")))
    );
}

#[tokio::test]
async fn a_client_certificate_is_presented_to_the_registry_that_it_is_configured_for() {
    let authority = Authority::new("test").expect("an authority");
    let alice = authority.client("alice", &[]).expect("alice");
    let host = serve_to_clients_of(&authority).await;
    let Security::Https(tls) = trusting(&authority) else {
        panic!("HTTPS")
    };
    let with_identity = tls
        .clone()
        .with_identity(alice.certificate.as_bytes(), alice.key.as_bytes())
        .expect("an identity");
    let known = client(vec![named(&host, &Security::Https(with_identity))]);
    assert_eq!(
        resolve(&known, &host, &Keyring::empty()).await,
        Ok(digest(&image("hello")))
    );
    let unknown = client(vec![named(&host, &Security::Https(tls))]);
    let error = resolve(&unknown, &host, &Keyring::empty())
        .await
        .expect_err("no certificate");
    assert!(
        matches!(reason(&error), Reason::Tls(text) if text.contains("CertificateRequired")),
        "{error}"
    );
}

/// A registry that serves those only who present a certificate of the authority.
async fn serve_to_clients_of(authority: &Authority) -> String {
    let mut roots = RootCertStore::empty();
    roots
        .add(
            CertificateDer::from_pem_slice(authority.certificate().as_bytes())
                .expect("a certificate"),
        )
        .expect("a root");
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
        .build()
        .expect("a verifier");
    let address = serve_tls(&authority.server(&LOOPBACK).expect("an identity"), verifier).await;
    format!("localhost:{}", address.port())
}

/// A registry with this certificate, for the clients that the verifier lets in.
async fn serve_tls(identity: &Identity, clients: Arc<dyn ClientCertVerifier>) -> SocketAddr {
    let chain = vec![
        CertificateDer::from_pem_slice(identity.certificate.as_bytes()).expect("a certificate"),
    ];
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).expect("a key");
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_client_cert_verifier(clients)
        .with_single_cert(chain, key)
        .expect("a configuration");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    answer(&mut stream, &manifest(), &Seen::default()).await;
                }
            });
        }
    });
    address
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// A proxy for CONNECT that leads everything to one address.
async fn tunnel(target: SocketAddr) -> (String, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!(
        "http://user:proxy-password@localhost:{}",
        listener.local_addr().expect("an address").port()
    );
    let seen = Seen::default();
    let shared = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let seen = Arc::clone(&shared);
            tokio::spawn(async move {
                let head = head(&mut client).await;
                seen.lock().expect("no panic").push(head);
                let mut server = TcpStream::connect(target).await.expect("the target");
                let _ = client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
                let _ = copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    (url, seen)
}

fn client_behind(proxies: Proxies, entries: &[(&str, Security)]) -> Registry {
    let outbound = Outbound::new(proxies);
    let settings = entries.iter().map(|(host, security)| {
        RegistrySettings::new(HostPattern::parse(host).expect(host), &outbound, security)
            .expect("settings")
    });
    let registries = Registries::new(&outbound, settings.collect()).expect("registries");
    let limits = RegistryLimits::default();
    Registry::new(Http::new(registries, limits.flights), limits)
}

#[tokio::test]
async fn requests_go_through_the_proxy_unless_the_host_is_excepted() {
    let authority = Authority::new("test").expect("an authority");
    let identity = authority
        .server(&["registry.example.com"])
        .expect("an identity");
    let server = serve_tls(&identity, WebPkiClientVerifier::no_client_auth()).await;
    let (proxy, seen) = tunnel(server).await;
    let behind = |no_proxy| Proxies::new(None, Some(&proxy), no_proxy).expect("proxies");
    let entries = [
        ("registry.example.com", trusting(&authority)),
        ("localhost:*", trusting(&authority)),
    ];

    let client = client_behind(behind(None), &entries);
    let found = resolve(&client, "registry.example.com", &Keyring::empty()).await;
    assert_eq!(
        found,
        Ok(digest(&image("hello"))),
        "the proxy resolves the name, and may itself be on loopback"
    );
    let heads = seen.lock().expect("no panic").split_off(0);
    assert!(
        heads
            .iter()
            .all(|head| head.starts_with("CONNECT registry.example.com:443 ")),
        "{heads:?}"
    );
    assert!(
        heads
            .iter()
            .all(|head| head.to_lowercase().contains("proxy-authorization: basic ")),
        "{heads:?}"
    );

    let nobody = free_port().expect("a port").port();
    let client = client_behind(behind(Some("localhost")), &entries);
    let error = resolve(&client, &format!("localhost:{nobody}"), &Keyring::empty())
        .await
        .expect_err("nobody is there");
    assert_eq!(reason(&error), &Reason::ConnectionRefused);
    assert!(seen.lock().expect("no panic").is_empty());

    let client = client_behind(behind(None), &[]);
    let error = resolve(&client, "127.0.0.1:5000", &Keyring::empty())
        .await
        .expect_err("a loopback address");
    assert!(matches!(reason(&error), Reason::Blocked(_)), "{error}");
    assert!(seen.lock().expect("no panic").is_empty());
}
