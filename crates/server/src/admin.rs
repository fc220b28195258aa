//! Probes and metrics, for those inside the cluster who operate the server.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;

use crate::connection::Respond;
use crate::metrics::Metrics;
use crate::readiness::Readiness;

const TEXT: &str = "text/plain; charset=utf-8";
/// The media type of the `OpenMetrics` text format, version 1.0.0.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// `/healthz`: the process runs. `/readyz`: it can answer reviews, or what is missing. `/metrics`: numbers.
#[derive(Debug)]
pub struct Admin {
    metrics: Arc<Metrics>,
    readiness: Readiness,
}

impl Admin {
    /// Shows `metrics` and `readiness`.
    pub fn new(metrics: Arc<Metrics>, readiness: Readiness) -> Self {
        Self { metrics, readiness }
    }

    fn answer(&self, path: &str) -> Response<Full<Bytes>> {
        match path {
            "/healthz" => response(StatusCode::OK, TEXT, "ok\n"),
            "/readyz" if self.readiness.is_ready() => {
                response(StatusCode::OK, TEXT, self.readiness.report() + "ready\n")
            }
            "/readyz" => response(
                StatusCode::SERVICE_UNAVAILABLE,
                TEXT,
                self.readiness.report() + "not ready\n",
            ),
            "/metrics" => response(StatusCode::OK, OPEN_METRICS, self.metrics.text()),
            _ => response(
                StatusCode::NOT_FOUND,
                TEXT,
                "expected /healthz, /readyz or /metrics\n",
            ),
        }
    }
}

impl Respond for Admin {
    async fn respond(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        if matches!(*request.method(), Method::GET | Method::HEAD) {
            return self.answer(request.uri().path());
        }
        let mut refused = response(StatusCode::METHOD_NOT_ALLOWED, TEXT, "expected GET\n");
        refused
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        refused
    }
}

fn response(
    status: StatusCode,
    media_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}
