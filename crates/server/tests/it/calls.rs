//! Calls that come as they should, and those that differ in one thing.

use http::{Method, StatusCode};
use serde_json::Value;

use crate::client::{ALL, Client, HTTP1, HTTP2, request};
use crate::server::{REVIEW, Server};

#[tokio::test]
async fn a_review_is_answered_over_either_http_version_and_either_tls_version() {
    let server = Server::start().await;
    for kind in ALL {
        let mut client = Client::connect(&server, kind).await;
        for _ in 0..3 {
            let response = client.post("/allow?timeout=10s", REVIEW).await.unwrap();
            assert_eq!(response.status(), StatusCode::OK, "{kind:?}");
            assert_eq!(response.headers()["content-type"], "application/json");
            assert_eq!(response.body(), REVIEW);
        }
    }
    server
        .until(r#"cise_reviews_total{hook="/allow",outcome="allowed"} 15"#)
        .await;
    server.until("cise_reviews_in_flight 0").await;
}

#[tokio::test]
async fn a_call_that_is_no_review_is_refused() {
    let server = Server::start().await;
    for kind in [HTTP1, HTTP2] {
        let mut client = Client::connect(&server, kind).await;
        for (method, path, content_type, status) in [
            (Method::POST, "/allow", "application/json", 200),
            (
                Method::POST,
                "/allow",
                "Application/JSON; charset=utf-8",
                200,
            ),
            (Method::POST, "/allow", "application/jsonp", 415),
            (Method::POST, "/allow", "text/plain", 415),
            (Method::POST, "/allow", "", 415),
            (Method::GET, "/allow", "application/json", 405),
            (Method::PUT, "/allow", "application/json", 405),
            (Method::POST, "/allow?timeout=soon", "application/json", 400),
            (Method::POST, "/malformed", "application/json", 400),
            (Method::POST, "/allow/", "application/json", 404),
            (Method::POST, "/", "application/json", 404),
            (Method::GET, "/metrics", "application/json", 404),
        ] {
            let response = client
                .send(request(method.clone(), path, content_type, REVIEW))
                .await
                .unwrap();
            assert_eq!(
                response.status().as_u16(),
                status,
                "{method} {path} {content_type}"
            );
            if status == 405 {
                assert_eq!(response.headers()["allow"], "POST");
            }
        }
    }
}

#[tokio::test]
async fn a_reviewer_that_panics_denies() {
    let server = Server::start().await;
    for kind in [HTTP1, HTTP2] {
        let mut client = Client::connect(&server, kind).await;
        let response = client.post("/panic", REVIEW).await.unwrap();
        assert_denied(&response, 500);
        let response = client.post("/panic", "{}").await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(
            client.post("/allow", REVIEW).await.unwrap().status(),
            StatusCode::OK
        );
    }
    server
        .until(r#"cise_reviews_total{hook="/panic",outcome="failed"} 4"#)
        .await;
}

#[tokio::test]
async fn a_reviewer_that_misses_its_deadline_denies() {
    let server = Server::start().await;
    for kind in [HTTP1, HTTP2] {
        let mut client = Client::connect(&server, kind).await;
        assert_denied(
            &client.post("/never?timeout=100ms", REVIEW).await.unwrap(),
            504,
        );
    }
    server
        .until(r#"cise_reviews_total{hook="/never",outcome="late"} 2"#)
        .await;
}

fn assert_denied(response: &http::Response<String>, code: u16) {
    assert_eq!(response.status(), StatusCode::OK);
    let review: Value = serde_json::from_str(response.body()).unwrap();
    assert_eq!(review["response"]["uid"], "u-1");
    assert_eq!(review["response"]["allowed"], false);
    assert_eq!(review["response"]["status"]["code"], code);
}
