//! Probes and metrics, for those inside the cluster who operate the server.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;

use crate::connection::Respond;
use crate::metrics::Metrics;
use crate::readiness::Readiness;

const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";
/// The media type of the `OpenMetrics` text format, version 1.0.0.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// `/healthz`: the process runs. `/readyz`: it can answer reviews, or what is missing. `/metrics`: numbers. Others may be added.
#[derive(Debug)]
pub struct Admin {
    metrics: Arc<Metrics>,
    readiness: Readiness,
    pages: Vec<Page>,
}

/// A page of JSON.
struct Page {
    path: &'static str,
    make: Box<dyn Fn() -> Option<String> + Send + Sync>,
}

impl Admin {
    /// Shows `metrics` and `readiness`.
    pub fn new(metrics: Arc<Metrics>, readiness: Readiness) -> Self {
        Self {
            metrics,
            readiness,
            pages: Vec::new(),
        }
    }

    /// The same with a page of JSON at `path`, which is made when somebody asks; there is none while `make` gives none.
    #[must_use]
    pub fn with_page(
        mut self,
        path: &'static str,
        make: impl Fn() -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.pages.push(Page {
            path,
            make: Box::new(make),
        });
        self
    }

    fn page(&self, path: &str) -> Option<Response<Full<Bytes>>> {
        let page = self.pages.iter().find(|page| page.path == path)?;
        Some(response(StatusCode::OK, JSON, (page.make)()?))
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
            other => self.page(other).unwrap_or_else(|| {
                response(
                    StatusCode::NOT_FOUND,
                    TEXT,
                    "expected /healthz, /readyz or /metrics\n",
                )
            }),
        }
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.path)
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
