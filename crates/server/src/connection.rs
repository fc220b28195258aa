//! One connection, from its first byte to its last.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, HeaderValue};
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep, sleep_until};

use crate::Limits;
use crate::accept::Draining;

/// Bytes of a request's header, over both protocols. The API server's are below 1 KiB.
const HEADER_BYTES: u32 = 16 << 10;
/// Requests in progress on one HTTP/2 connection.
const STREAMS: u32 = 256;
/// How often a silent HTTP/2 peer is asked whether it is still there, and how long it may take to say so.
const PING: Duration = Duration::from_secs(30);

/// Answers requests. It cannot fail: an error is a response too.
pub(crate) trait Respond: Send + Sync + 'static {
    /// The response to one request.
    fn respond(
        &self,
        request: Request<Incoming>,
    ) -> impl Future<Output = Response<Full<Bytes>>> + Send;
}

/// What is spoken on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http1,
    Http2,
}

/// Serves `stream` until the peer leaves, idles too long, or the server drains.
pub(crate) async fn serve<R: Respond>(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    protocol: Protocol,
    responder: Arc<R>,
    limits: Limits,
    draining: Draining,
) {
    let activity = Arc::new(Activity::new());
    let service = {
        let (activity, draining) = (Arc::clone(&activity), draining.clone());
        service_fn(move |request| {
            let (responder, draining) = (Arc::clone(&responder), draining.clone());
            let in_progress = InProgress::new(&activity);
            async move {
                let _in_progress = in_progress;
                let mut response = responder.respond(request).await;
                if protocol == Protocol::Http1 && draining.has_begun() {
                    response
                        .headers_mut()
                        .insert(CONNECTION, HeaderValue::from_static("close"));
                }
                Ok::<_, Infallible>(response)
            }
        })
    };
    let io = TokioIo::new(stream);
    let until = ended(&activity, limits, protocol, draining);
    match protocol {
        Protocol::Http1 => {
            let connection = http1().serve_connection(io, service);
            drive(connection, &activity, limits, until).await;
        }
        Protocol::Http2 => {
            let connection = http2().serve_connection(io, service);
            drive(connection, &activity, limits, until).await;
        }
    }
}

fn http1() -> http1::Builder {
    let mut builder = http1::Builder::new();
    // Pauses and slow headers are the business of `Activity`: hyper's own timer would be set anew for each request.
    builder
        .header_read_timeout(None)
        .max_buf_size(HEADER_BYTES as usize);
    builder
}

fn http2() -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_header_list_size(HEADER_BYTES)
        .max_concurrent_streams(STREAMS)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING);
    builder
}

async fn drive<C>(
    connection: C,
    activity: &Activity,
    limits: Limits,
    until: impl Future<Output = ()>,
) where
    C: GracefulConnection<Error = hyper::Error>,
{
    let mut connection = pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return report(ended),
        () = until => {}
    }
    // Requests in progress are finished, new ones turned away: `Connection: close` or GOAWAY.
    connection.as_mut().graceful_shutdown();
    tokio::select! {
        ended = connection => report(ended),
        // A peer that has never said anything, or does not take its answer, is not waited for.
        () = activity.idles_for(limits.linger) => {}
    }
}

fn report(ended: hyper::Result<()>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended with an error");
    }
}

/// Until the connection has to end: idle for too long, or the server drains.
///
/// HTTP/2 tells its peer which requests it will still answer, so it can begin to end at once. HTTP/1.1 cannot: a kept
/// connection lingers, and the next response on it says `Connection: close`.
async fn ended(activity: &Activity, limits: Limits, protocol: Protocol, mut draining: Draining) {
    let drained = async {
        draining.begin().await;
        if protocol == Protocol::Http1 {
            sleep(limits.linger).await;
        }
    };
    tokio::select! {
        () = activity.idles_for(limits.idle) => {}
        () = drained => {}
    }
}

/// How many requests a connection has in progress, and since when it has none.
struct Activity {
    opened: Instant,
    requests: AtomicUsize,
    /// Milliseconds from `opened` to the end of the last request.
    idle_since: AtomicU64,
}

impl Activity {
    fn new() -> Self {
        Self {
            opened: Instant::now(),
            requests: AtomicUsize::new(0),
            idle_since: AtomicU64::new(0),
        }
    }

    /// Waits until, from now on, there has been no request in progress for `limit`. The timer is set once per `limit`, not
    /// once per request.
    async fn idles_for(&self, limit: Duration) {
        let asked = Instant::now();
        loop {
            let now = Instant::now();
            let busy = self.requests.load(Ordering::Acquire) > 0;
            let since = if busy {
                now
            } else {
                self.idle_since().max(asked)
            };
            if since + limit <= now {
                return;
            }
            sleep_until(since + limit).await;
        }
    }

    fn idle_since(&self) -> Instant {
        self.opened + Duration::from_millis(self.idle_since.load(Ordering::Acquire))
    }
}

/// A request in progress, for as long as it lives.
struct InProgress(Arc<Activity>);

impl InProgress {
    fn new(activity: &Arc<Activity>) -> Self {
        activity.requests.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(activity))
    }
}

impl Drop for InProgress {
    fn drop(&mut self) {
        let now = u64::try_from(self.0.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0.idle_since.store(now, Ordering::Release);
        self.0.requests.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(100);

    #[tokio::test(start_paused = true)]
    async fn a_connection_idles_from_its_opening() {
        let activity = Activity::new();
        activity.idles_for(LIMIT).await;
        assert_eq!(activity.opened.elapsed(), LIMIT);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_idles_from_the_end_of_its_last_request() {
        let activity = Arc::new(Activity::new());
        let request = InProgress::new(&activity);
        let work = async {
            sleep(3 * LIMIT).await;
            drop(request);
        };
        tokio::join!(work, activity.idles_for(LIMIT));
        assert_eq!(activity.opened.elapsed(), 4 * LIMIT);
    }
}
