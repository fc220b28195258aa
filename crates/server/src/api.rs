//! Calls of other programs of ours: who calls is found out first, and no more is read of anybody else.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use futures::FutureExt as _;
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use secrecy::SecretString;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout_at;

use crate::connection::Respond;
use crate::hooks::{JSON, text, with_type};
use crate::limits::Limits;
use crate::metrics::{Metrics, Outcome};
use crate::timeout::Timeout;

/// Answers calls at one path.
pub trait Callee: Send + Sync + 'static {
    /// The path. It names the calls in metrics, too.
    const PATH: &'static str;

    /// Whether whoever shows this token may call.
    fn admit(&self, token: &SecretString) -> impl Future<Output = Result<(), Refused>> + Send;

    /// The answer, in JSON, by `deadline`. A future that is still pending a little later is dropped.
    fn call(&self, body: Bytes, deadline: Instant) -> impl Future<Output = CallReply> + Send;
}

/// Why somebody may not call, for themselves to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It is not known who they are: 401.
    Unknown(String),
    /// They may not: 403.
    Forbidden(String),
    /// It cannot be found out now: 503.
    Undecided(String),
}

/// What a [`Callee`] answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallReply {
    /// The status.
    pub status: StatusCode,
    /// The body, JSON.
    pub body: Bytes,
}

/// A [`Callee`], with the bounds within which it is called.
#[derive(Debug)]
pub struct Api<C> {
    callee: C,
    metrics: Arc<Metrics>,
    limits: Limits,
    calls: Semaphore,
}

impl<C: Callee> Api<C> {
    /// Calls `callee` within `limits`.
    pub fn new(callee: C, metrics: Arc<Metrics>, limits: Limits) -> Self {
        Self {
            callee,
            metrics,
            calls: Semaphore::new(limits.reviews),
            limits,
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
        request: Request<Incoming>,
        arrived: Instant,
    ) -> Result<CallReply, Refusal> {
        let (head, body) = request.into_parts();
        if head.method != Method::POST {
            return Err(Refusal::Method);
        }
        let timeout = Timeout::from_query(head.uri.query()).map_err(|_| Refusal::Timeout)?;
        let _room = self.room()?;
        let deadline = arrived + timeout.for_the_decision();
        let answered = async {
            self.admit(&head.headers).await?;
            let body = self.read(body).await?;
            self.ask(body, deadline).await
        };
        let answered = timeout_at((arrived + timeout.for_the_answer()).into(), answered).await;
        answered.map_err(|_| Refusal::Late)?
    }

    fn room(&self) -> Result<SemaphorePermit<'_>, Refusal> {
        self.calls.try_acquire().map_err(|_| Refusal::Busy)
    }

    async fn admit(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let token = bearer(headers).ok_or_else(|| {
            Refusal::Caller(Refused::Unknown("expected a bearer token".to_owned()))
        })?;
        self.callee.admit(&token).await.map_err(Refusal::Caller)
    }

    async fn read(&self, body: Incoming) -> Result<Bytes, Refusal> {
        let limit = self.limits.body_bytes;
        match Limited::new(body, limit as usize).collect().await {
            Ok(body) => Ok(body.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => Err(Refusal::TooLarge { limit }),
            Err(_) => Err(Refusal::CutBody),
        }
    }

    async fn ask(&self, body: Bytes, deadline: Instant) -> Result<CallReply, Refusal> {
        let called = AssertUnwindSafe(self.callee.call(body, deadline));
        called.catch_unwind().await.map_err(|_| Refusal::Failed)
    }
}

impl<C: Callee> Respond for Api<C> {
    async fn respond(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        if request.uri().path() != C::PATH {
            self.metrics.unknown_path();
            return text(StatusCode::NOT_FOUND, "nothing is at this path\n".into());
        }
        let arrived = Instant::now();
        let _in_flight = self.metrics.review();
        let (outcome, response) = match self.call(request, arrived).await {
            Ok(reply) => (outcome(reply.status), answered(reply)),
            Err(refusal) => {
                tracing::warn!(path = C::PATH, %refusal, "a call was refused");
                (refusal.outcome(), refusal.response())
            }
        };
        self.metrics.reviewed(C::PATH, outcome, arrived.elapsed());
        response
    }
}

fn answered(reply: CallReply) -> Response<Full<Bytes>> {
    let mut response = with_type(JSON, reply.body);
    *response.status_mut() = reply.status;
    response
}

fn outcome(status: StatusCode) -> Outcome {
    if status.is_success() {
        Outcome::Allowed
    } else if status.is_client_error() {
        Outcome::Malformed
    } else {
        Outcome::Denied
    }
}

/// The token of `Authorization: Bearer …` (RFC 6750 §2.1).
fn bearer(headers: &HeaderMap) -> Option<SecretString> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then(|| token.into())
}

/// A call that does not get as far as an answer.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("expected POST")]
    Method,
    #[error("expected `timeout` to be a positive duration such as 10s")]
    Timeout,
    #[error("too many calls are in progress; try again")]
    Busy,
    #[error("{0}")]
    Caller(Refused),
    #[error("the body has more than {limit} bytes")]
    TooLarge { limit: u32 },
    #[error("the body ended before it was complete")]
    CutBody,
    #[error("there was no answer in the time that the caller gives it")]
    Late,
    #[error("an internal error; the log says more")]
    Failed,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Unknown(why) | Self::Forbidden(why) | Self::Undecided(why)) = self;
        f.write_str(why)
    }
}

impl Refusal {
    fn outcome(&self) -> Outcome {
        match self {
            Self::Busy => Outcome::Busy,
            Self::Late => Outcome::Late,
            Self::Failed => Outcome::Failed,
            Self::Caller(_) => Outcome::Denied,
            _ => Outcome::Malformed,
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Timeout | Self::CutBody => StatusCode::BAD_REQUEST,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Caller(Refused::Unknown(_)) => StatusCode::UNAUTHORIZED,
            Self::Caller(Refused::Forbidden(_)) => StatusCode::FORBIDDEN,
            Self::Busy | Self::Late | Self::Caller(Refused::Undecided(_)) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn response(&self) -> Response<Full<Bytes>> {
        let mut response = text(self.status(), format!("{self}\n"));
        if response.status() == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_token_is_what_follows_bearer_and_nothing_else_is() {
        for (value, token) in [
            ("Bearer abc", Some("abc")),
            ("bearer  abc ", Some("abc")),
            ("Bearer", None),
            ("Bearer ", None),
            ("Basic abc", None),
            ("abc", None),
        ] {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static(value))]);
            let found = bearer(&headers);
            let found = found.as_ref().map(ExposeSecret::expose_secret);
            assert_eq!(found, token, "{value}");
        }
        assert!(bearer(&HeaderMap::new()).is_none());
    }
}
