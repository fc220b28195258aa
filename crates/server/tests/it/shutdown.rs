//! The end: what was accepted is finished, and nothing else is waited for.

use std::time::Duration;

use cise_server::{Limits, Unfinished};
use http::StatusCode;
use tokio::net::TcpStream;

use crate::client::{Client, HTTP1, HTTP2, read_all, secure, tls};
use crate::server::{REVIEW, Server};

const SHORT: Duration = Duration::from_millis(50);

#[tokio::test]
async fn a_shutdown_finishes_the_reviews_in_progress_and_accepts_no_more() {
    for kind in [HTTP1, HTTP2] {
        let server = Server::start().await;
        let (address, gate) = (server.address, server.gate.clone());
        let mut client = Client::connect(&server, kind).await;
        let review = tokio::spawn(async move { client.post("/gated", REVIEW).await });
        server.until("cise_reviews_in_flight 1").await;
        let ended = server.shut_down();
        while TcpStream::connect(address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        gate.add_permits(1);
        assert_eq!(review.await.unwrap().unwrap().status(), StatusCode::OK);
        assert_eq!(ended.await.unwrap(), Ok(()));
    }
}

#[tokio::test]
async fn a_kept_connection_is_told_to_close_with_its_next_answer() {
    let server = Server::with(Limits {
        linger: Duration::from_secs(20),
        ..Limits::default()
    })
    .await;
    let mut client = Client::connect(&server, HTTP1).await;
    let response = client.post("/allow", REVIEW).await.unwrap();
    assert!(!response.headers().contains_key("connection"));
    let ended = server.shut_down();
    tokio::task::yield_now().await;
    loop {
        let response = client.post("/allow", REVIEW).await.unwrap();
        if let Some(connection) = response.headers().get("connection") {
            assert_eq!(connection, "close");
            break;
        }
    }
    assert_eq!(ended.await.unwrap(), Ok(()));
}

#[tokio::test]
async fn a_connection_that_the_kernel_has_accepted_before_the_shutdown_is_served() {
    let server = Server::start().await;
    let ca_pem = server.ca_pem.clone();
    // The server shares this test's thread, so it cannot take them up before it is told to shut down.
    let queued = [(); 3].map(|()| std::net::TcpStream::connect(server.address).unwrap());
    let ended = server.shut_down();
    for stream in queued {
        stream.set_nonblocking(true).unwrap();
        let stream = TcpStream::from_std(stream).unwrap();
        let stream = secure(stream, &[&ca_pem], HTTP1).await.unwrap();
        let mut client = Client::over(stream, HTTP1).await;
        let response = client.post("/allow", REVIEW).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["connection"], "close");
    }
    assert_eq!(ended.await.unwrap(), Ok(()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_under_load_loses_no_request() {
    let server = Server::with(Limits {
        linger: Duration::from_secs(5),
        ..Limits::default()
    })
    .await;
    let mut clients = Vec::new();
    for _ in 0..8 {
        let mut client = Client::connect(&server, HTTP1).await;
        clients.push(tokio::spawn(async move {
            // A client in a hurry, who stops only when told to.
            loop {
                let response = client.post("/allow", REVIEW).await.unwrap();
                assert_eq!(response.body(), REVIEW);
                if response.headers().contains_key("connection") {
                    return;
                }
            }
        }));
    }
    server.until("cise_connections 8").await;
    let ended = server.shut_down();
    for client in clients {
        client.await.unwrap();
    }
    assert_eq!(ended.await.unwrap(), Ok(()));
}

#[tokio::test]
async fn idle_connections_do_not_hold_up_a_shutdown() {
    let server = Server::with(Limits {
        linger: SHORT,
        ..Limits::default()
    })
    .await;
    let silent = [tls(&server, HTTP1).await, tls(&server, HTTP2).await];
    let mut used = [
        Client::connect(&server, HTTP1).await,
        Client::connect(&server, HTTP2).await,
    ];
    for client in &mut used {
        assert_eq!(
            client.post("/allow", REVIEW).await.unwrap().status(),
            StatusCode::OK
        );
    }
    assert_eq!(server.shut_down().await.unwrap(), Ok(()));
    for stream in silent {
        read_all(stream).await;
    }
}

#[tokio::test]
async fn a_review_that_outlasts_the_time_to_drain_is_cut_and_reported() {
    let server = Server::with(Limits {
        drain: SHORT,
        ..Limits::default()
    })
    .await;
    let mut client = Client::connect(&server, HTTP1).await;
    let review = tokio::spawn(async move { client.post("/gated", REVIEW).await });
    server.until("cise_reviews_in_flight 1").await;
    assert_eq!(
        server.shut_down().await.unwrap(),
        Err(Unfinished {
            connections: 1,
            drain: SHORT
        })
    );
    assert!(review.await.unwrap().is_err());
}

#[tokio::test]
async fn a_server_that_is_dropped_ends_at_once() {
    let server = Server::start().await;
    let mut client = Client::connect(&server, HTTP1).await;
    let review = tokio::spawn(async move { client.post("/gated", REVIEW).await });
    server.until("cise_reviews_in_flight 1").await;
    server.drop_at_once().await;
    assert!(review.await.unwrap().is_err());
}
