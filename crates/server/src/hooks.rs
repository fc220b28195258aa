//! One webhook call: is it one, is there room for it, and what if the reviewer fails.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use futures::FutureExt as _;
use http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use thiserror::Error;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout_at;

use crate::audit;
use crate::connection::Respond;
use crate::denial::{self, Cause};
use crate::limits::Limits;
use crate::metrics::{Metrics, Outcome};
use crate::review::{Answer, Reviewer};
use crate::timeout::Timeout;

pub(crate) const JSON: &str = "application/json";

/// The hooks of a [`Reviewer`], with the bounds within which it is asked.
#[derive(Debug)]
pub struct Hooks<R> {
    reviewer: R,
    metrics: Arc<Metrics>,
    limits: Limits,
    reviews: Semaphore,
    bodies: Semaphore,
}

impl<R: Reviewer> Hooks<R> {
    /// Asks `reviewer` within `limits`.
    pub fn new(reviewer: R, metrics: Arc<Metrics>, limits: Limits) -> Self {
        let reviews = Semaphore::new(limits.reviews);
        let bodies = Semaphore::new(limits.bodies_bytes as usize);
        Self {
            reviewer,
            metrics,
            limits,
            reviews,
            bodies,
        }
    }

    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    pub(crate) fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    async fn call(
        &self,
        hook: R::Hook,
        request: Request<Incoming>,
        arrived: Instant,
    ) -> Result<Reply, Refusal> {
        let (head, body) = request.into_parts();
        if head.method != Method::POST {
            return Err(Refusal::Method);
        }
        expect_json(&head.headers)?;
        let timeout = Timeout::from_query(head.uri.query()).map_err(|_| Refusal::Timeout)?;
        let _room = self.room_for(&head.headers)?;
        let body = self
            .read(body, arrived + timeout.for_the_decision())
            .await?;
        self.review(hook, body, timeout, arrived).await
    }

    /// Room for one more review, and for as many bytes as it declares; for one that declares none, as many as it may have.
    fn room_for(&self, headers: &HeaderMap) -> Result<[SemaphorePermit<'_>; 2], Refusal> {
        let limit = self.limits.body_bytes;
        let bytes = match headers
            .get(CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.parse::<u64>().ok())
        {
            None => limit,
            Some(declared) => u32::try_from(declared)
                .ok()
                .filter(|declared| *declared <= limit)
                .ok_or(Refusal::TooLarge { limit })?,
        };
        let review = self.reviews.try_acquire().map_err(|_| Refusal::Busy)?;
        let bytes = self
            .bodies
            .try_acquire_many(bytes)
            .map_err(|_| Refusal::Busy)?;
        Ok([review, bytes])
    }

    async fn read(&self, body: Incoming, deadline: Instant) -> Result<Bytes, Refusal> {
        let limit = self.limits.body_bytes;
        let body = Limited::new(body, limit as usize).collect();
        match timeout_at(deadline.into(), body).await {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Refusal::TooLarge { limit }),
            Ok(Err(_)) => Err(Refusal::CutBody),
            Err(_) => Err(Refusal::SlowBody),
        }
    }

    /// Asks the reviewer. Should it panic or not come back, the request is denied here: whether a call that *fails* admits an
    /// object is up to the `failurePolicy` of the webhook.
    async fn review(
        &self,
        hook: R::Hook,
        body: Bytes,
        timeout: Timeout,
        arrived: Instant,
    ) -> Result<Reply, Refusal> {
        let deadline = arrived + timeout.for_the_decision();
        let asked = body.clone();
        let answer =
            AssertUnwindSafe(async move { self.reviewer.review(hook, asked, deadline).await })
                .catch_unwind();
        let (cause, outcome) =
            match timeout_at((arrived + timeout.for_the_answer()).into(), answer).await {
                Ok(Ok(Answer::Reviewed { body, record })) => {
                    return Ok(Reply::reviewed(R::path(hook), body, &record, arrived));
                }
                Ok(Ok(Answer::Malformed(why))) => return Err(Refusal::Malformed(why)),
                Ok(Err(_)) => (Cause::Panic, Outcome::Failed),
                Err(_) => (Cause::Late, Outcome::Late),
            };
        tracing::error!(
            hook = R::path(hook),
            ?cause,
            "a review was denied in the reviewer's place"
        );
        let body = denial::write(&body, cause).ok_or(Refusal::NoAnswer { outcome })?;
        Ok(Reply { body, outcome })
    }
}

impl<R: Reviewer> Respond for Hooks<R> {
    async fn respond(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let Some(hook) = R::hook(request.uri().path()) else {
            self.metrics.unknown_path();
            return text(
                StatusCode::NOT_FOUND,
                "there is no hook at this path\n".into(),
            );
        };
        let arrived = Instant::now();
        let _in_flight = self.metrics.review();
        let (outcome, response) = match self.call(hook, request, arrived).await {
            Ok(Reply { body, outcome }) => (outcome, with_type(JSON, body)),
            Err(refusal) => {
                tracing::warn!(hook = R::path(hook), %refusal, "a call was refused");
                (refusal.outcome(), refusal.response())
            }
        };
        self.metrics
            .reviewed(R::path(hook), outcome, arrived.elapsed());
        response
    }
}

/// A decision on its way out.
struct Reply {
    body: Bytes,
    outcome: Outcome,
}

impl Reply {
    fn reviewed(hook: &'static str, body: Bytes, record: &audit::Record, arrived: Instant) -> Self {
        audit::log(hook, record, arrived.elapsed());
        let outcome = if record.allowed {
            Outcome::Allowed
        } else {
            Outcome::Denied
        };
        Self { body, outcome }
    }
}

/// A call that does not get as far as a decision. The API server shows its text, and applies the webhook's `failurePolicy`.
#[derive(Debug, Error)]
enum Refusal {
    #[error("expected POST")]
    Method,
    #[error("expected the content type {JSON}")]
    MediaType,
    #[error("expected `timeout` to be a positive duration such as 10s")]
    Timeout,
    #[error("the body has more than {limit} bytes")]
    TooLarge { limit: u32 },
    #[error("too many reviews are in progress; try again")]
    Busy,
    #[error("the body ended before it was complete")]
    CutBody,
    #[error("the body did not arrive in the time that its sender gives the review")]
    SlowBody,
    #[error("{0}")]
    Malformed(String),
    #[error("the review came to no decision")]
    NoAnswer { outcome: Outcome },
}

impl Refusal {
    fn outcome(&self) -> Outcome {
        match self {
            Self::Busy => Outcome::Busy,
            Self::NoAnswer { outcome } => *outcome,
            _ => Outcome::Malformed,
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::SlowBody => StatusCode::REQUEST_TIMEOUT,
            Self::Timeout | Self::CutBody | Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::NoAnswer { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn response(&self) -> Response<Full<Bytes>> {
        let mut response = text(self.status(), format!("{self}\n"));
        match self {
            Self::Method => response
                .headers_mut()
                .insert(ALLOW, HeaderValue::from_static("POST")),
            // The API server's client heeds it, within the time that it gives the call.
            Self::Busy => response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from_static("1")),
            _ => None,
        };
        response
    }
}

fn expect_json(headers: &HeaderMap) -> Result<(), Refusal> {
    let media_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case(JSON) {
        Ok(())
    } else {
        Err(Refusal::MediaType)
    }
}

pub(crate) fn text(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    let mut response = with_type("text/plain; charset=utf-8", text.into());
    *response.status_mut() = status;
    response
}

pub(crate) fn with_type(media_type: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}
