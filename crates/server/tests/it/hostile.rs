//! Peers that send too much, too little, too slowly, or something else.

use std::time::Duration;

use cise_server::Limits;
use http::StatusCode;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::client::{Client, HTTP1, HTTP2, Kind, assert_serves, read_all, tls};
use crate::server::{REVIEW, Server};

const SHORT: Duration = Duration::from_millis(50);

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_whether_declared_or_not() {
    let server = Server::with(Limits {
        body_bytes: 1000,
        ..Limits::default()
    })
    .await;
    let oversize = "x".repeat(1001);
    let declared = format!("content-length: 1001\r\n\r\n{oversize}");
    let never_sent = "content-length: 99999999999999999999\r\n\r\n".to_owned();
    let chunked = format!("transfer-encoding: chunked\r\n\r\n3e9\r\n{oversize}\r\n0\r\n\r\n");
    for rest in [declared, chunked] {
        let answer = raw(&server, HTTP1, &format!("{HEAD}{rest}")).await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    }
    let answer = raw(&server, HTTP1, &format!("{HEAD}{never_sent}")).await;
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    let mut client = Client::connect(&server, HTTP2).await;
    let response = client.post("/allow", oversize.leak()).await.unwrap();
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_serves(&server).await;
}

#[tokio::test]
async fn a_header_without_end_is_cut() {
    let server = Server::with(Limits {
        idle: SHORT,
        linger: SHORT,
        ..Limits::default()
    })
    .await;
    for start in [
        "",
        "POST /allow HTT",
        "POST /allow HTTP/1.1\r\nhost: localhost\r\n",
    ] {
        let answer = raw(&server, HTTP1, start).await;
        assert_eq!(answer, "", "{start:?}");
    }
    for start in ["", "PRI * HTTP/2.0\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        raw(&server, HTTP2, start).await;
    }
    server.until("cise_connections 0").await;
    assert_serves(&server).await;
}

#[tokio::test]
async fn a_header_that_is_too_large_is_refused() {
    let server = Server::start().await;
    let answer = raw(
        &server,
        HTTP1,
        &format!(
            "POST /allow HTTP/1.1\r\nx: {}\r\n\r\n",
            "x".repeat(64 << 10)
        ),
    )
    .await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 431 "),
        "{answer}"
    );
    assert_serves(&server).await;
}

#[tokio::test]
async fn a_body_that_does_not_arrive_in_time_is_refused() {
    let server = Server::start().await;
    let head = HEAD.replace("/allow", "/allow?timeout=100ms");
    for rest in [
        "content-length: 100\r\n\r\n{",
        "transfer-encoding: chunked\r\n\r\n1\r\n{\r\n",
    ] {
        let answer = raw(&server, HTTP1, &format!("{head}{rest}")).await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    }
    server.until("cise_reviews_in_flight 0").await;
    assert_serves(&server).await;
}

#[tokio::test]
async fn a_peer_that_leaves_in_the_middle_of_a_request_leaves_nothing_behind() {
    let server = Server::start().await;
    for rest in [
        "content-length: 100\r\n\r\n{".to_owned(),
        format!("content-length: {}\r\n\r\n{REVIEW}", REVIEW.len()),
    ] {
        let mut stream = tls(&server, HTTP1).await;
        let head = HEAD.replace("/allow", "/gated");
        stream
            .write_all(format!("{head}{rest}").as_bytes())
            .await
            .unwrap();
        server.until("cise_reviews_in_flight 1").await;
        // The half that the client sends on is closed, the other is open.
        stream.shutdown().await.unwrap();
        server.until("cise_reviews_in_flight 0").await;
        server.until("cise_connections 0").await;
    }
    assert_serves(&server).await;
}

#[tokio::test]
async fn bytes_that_are_no_tls_end_the_connection_and_nothing_else() {
    let server = Server::start().await;
    let plain = format!("{HEAD}content-length: 2\r\n\r\n{{}}");
    let huge = [0x16, 0x03, 0x01, 0xff, 0xff].repeat(10_000);
    let openings: [&[u8]; 4] = [
        plain.as_bytes(),
        b"\0\0\0\0\0\0\0\0",
        b"SSH-2.0-x\r\n",
        &huge,
    ];
    for (count, opening) in openings.iter().enumerate() {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let _ = stream.write_all(opening).await;
        let answer = read_all(stream).await;
        assert!(!answer.starts_with(b"HTTP/1.1 200"));
        server
            .until(&format!("cise_tls_handshake_failures_total {}", count + 1))
            .await;
    }
    assert_serves(&server).await;
}

#[tokio::test]
async fn a_handshake_that_does_not_come_is_not_waited_for() {
    let server = Server::with(Limits {
        handshake: SHORT,
        ..Limits::default()
    })
    .await;
    let stream = TcpStream::connect(server.address).await.unwrap();
    assert!(read_all(stream).await.is_empty());
    server.until("cise_tls_handshake_failures_total 1").await;
}

#[tokio::test]
async fn bytes_that_are_no_http_end_the_connection_and_nothing_else() {
    let server = Server::start().await;
    let garbage = "\u{1}\u{2}\u{3}garbage\r\n\r\n".repeat(100);
    let two_lengths = format!("{HEAD}content-length: 2\r\ncontent-length: 3\r\n\r\n{{}}");
    let both = format!("{HEAD}content-length: 2\r\ntransfer-encoding: gzip\r\n\r\n{{}}");
    for opening in [&garbage, &two_lengths, &both] {
        for kind in [HTTP1, HTTP2] {
            let answer = raw(&server, kind, opening).await;
            assert!(!answer.contains(" 200 "), "{answer}");
        }
    }
    server.until("cise_connections 0").await;
    assert_serves(&server).await;
}

#[tokio::test]
async fn more_reviews_than_there_is_room_for_are_told_to_try_again() {
    for limits in [
        Limits {
            reviews: 1,
            ..Limits::default()
        },
        Limits {
            bodies_bytes: u32::try_from(REVIEW.len()).unwrap() + 1,
            ..Limits::default()
        },
    ] {
        let server = Server::with(limits).await;
        let (mut first, mut second) = (
            Client::connect(&server, HTTP1).await,
            Client::connect(&server, HTTP2).await,
        );
        let first = tokio::spawn(async move { first.post("/gated", REVIEW).await });
        server.until("cise_reviews_in_flight 1").await;
        let response = second.post("/allow", REVIEW).await.unwrap();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()["retry-after"], "1");
        server
            .until(r#"cise_reviews_total{hook="/allow",outcome="busy"} 1"#)
            .await;
        server.gate.add_permits(1);
        assert_eq!(first.await.unwrap().unwrap().status(), StatusCode::OK);
        assert_eq!(
            second.post("/allow", REVIEW).await.unwrap().status(),
            StatusCode::OK
        );
    }
}

#[tokio::test]
async fn a_connection_beyond_the_bound_waits_for_another_to_close() {
    let server = Server::with(Limits {
        connections: 1,
        ..Limits::default()
    })
    .await;
    let mut first = Client::connect(&server, HTTP1).await;
    assert_eq!(
        first.post("/allow", REVIEW).await.unwrap().status(),
        StatusCode::OK
    );
    let mut waiting = std::pin::pin!(assert_serves(&server));
    tokio::select! {
        () = &mut waiting => panic!("served beside the first"),
        () = tokio::time::sleep(SHORT) => {}
    }
    drop(first);
    waiting.await;
}

const HEAD: &str = "POST /allow HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nconnection: close\r\n";

/// Sends `text` as it stands and reads until the server closes.
async fn raw(server: &Server, kind: Kind, text: &str) -> String {
    let mut stream = tls(server, kind).await;
    let _ = stream.write_all(text.as_bytes()).await;
    String::from_utf8_lossy(&read_all(stream).await).into_owned()
}
