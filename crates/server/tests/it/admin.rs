//! The admin port.

use std::net::SocketAddr;
use std::sync::Arc;

use cise_server::{Admin, Metrics, Readiness, serve_admin};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::client::read_all;

#[tokio::test]
async fn the_server_is_ready_only_when_told_and_says_what_is_missing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let readiness = Readiness::new();
    let policies = readiness.condition("policies", "no policy has been read yet");
    let (shutdown, told) = oneshot::channel();
    let served = tokio::spawn(serve_admin(
        listener,
        Admin::new(Arc::new(Metrics::new()), readiness),
        async {
            let _ = told.await;
        },
    ));

    assert_eq!(ask(address, "GET /healthz").await, (200, "ok\n".to_owned()));
    let missing = "[-] policies: no policy has been read yet\nnot ready\n".to_owned();
    assert_eq!(ask(address, "GET /readyz").await, (503, missing));
    policies.met();
    assert_eq!(
        ask(address, "GET /readyz").await,
        (200, "[+] policies: ok\nready\n".to_owned())
    );
    policies.missing("shutting down");
    assert_eq!(ask(address, "GET /readyz").await.0, 503);

    let (status, metrics) = ask(address, "GET /metrics").await;
    assert_eq!(status, 200);
    assert!(metrics.ends_with("# EOF\n"));
    assert_eq!(ask(address, "HEAD /healthz").await, (200, String::new()));
    assert_eq!(ask(address, "POST /healthz").await.0, 405);
    assert_eq!(ask(address, "GET /trust").await.0, 404);

    shutdown.send(()).unwrap();
    assert_eq!(served.await.unwrap(), Ok(()));
}

async fn ask(address: SocketAddr, request: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_all(format!("{request} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes())
        .await
        .unwrap();
    let answer = String::from_utf8(read_all(stream).await).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), body.to_owned())
}
