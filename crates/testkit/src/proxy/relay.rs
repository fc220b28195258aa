//! The way of one exchange through the proxy.

use std::future;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};
use http::header::{AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};

use super::{Answer, Exchange, Fault, State};
use crate::background::lock;
use crate::serve::{Body, whole};

pub(super) async fn relay(state: Arc<State>, request: Request<Incoming>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let path = parts
        .uri
        .path_and_query()
        .map_or_else(|| "/".to_owned(), ToString::to_string);
    let number = state.begin(&parts, &path);
    let faults = lock(&state.rules).take(&format!("{} {path}", parts.method));
    let is_head = parts.method == Method::HEAD;
    let mut answer = match body.collect().await {
        Ok(body) => state.forward(parts, &path, body.to_bytes()).await,
        Err(_) => bad_gateway("the request ended early"),
    };
    for fault in &faults {
        match fault {
            Fault::Hang => future::pending().await,
            Fault::Delay(time) => tokio::time::sleep(*time).await,
            Fault::Change(change) => change(&mut answer),
            Fault::CutAfter(_) | Fault::Trickle(_) | Fault::Endless => {}
        }
    }
    state.end(number, answer.status);
    response(answer, &faults, is_head)
}

impl State {
    /// Notes a request and gives its number.
    fn begin(&self, parts: &Parts, path: &str) -> usize {
        let authorization = parts.headers.get(AUTHORIZATION);
        let mut exchanges = lock(&self.exchanges);
        exchanges.push(Exchange {
            method: parts.method.to_string(),
            path: path.to_owned(),
            authorization: authorization
                .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()),
            started: Instant::now(),
            ended: None,
            status: None,
        });
        exchanges.len() - 1
    }

    fn end(&self, number: usize, status: StatusCode) {
        if let Some(exchange) = lock(&self.exchanges).get_mut(number) {
            exchange.ended = Some(Instant::now());
            exchange.status = Some(status.as_u16());
        }
    }

    async fn forward(&self, parts: Parts, path: &str, body: Bytes) -> Answer {
        let mut headers = parts.headers;
        remove_hop_headers(&mut headers);
        headers.remove(HOST);
        headers.remove(CONTENT_LENGTH);
        let url = format!("{}{path}", self.upstream);
        let sent = self
            .client
            .inner()
            .request(parts.method, url)
            .headers(headers)
            .body(body)
            .send()
            .await;
        let response = match sent {
            Ok(response) => response,
            Err(error) => return bad_gateway(&error.to_string()),
        };
        let (status, mut headers) = (response.status(), response.headers().clone());
        remove_hop_headers(&mut headers);
        match response.bytes().await {
            Ok(body) => Answer {
                status,
                headers,
                body,
            },
            Err(error) => bad_gateway(&error.to_string()),
        }
    }
}

fn bad_gateway(reason: &str) -> Answer {
    Answer {
        status: StatusCode::BAD_GATEWAY,
        headers: HeaderMap::new(),
        body: Bytes::from(reason.to_owned()),
    }
}

fn remove_hop_headers(headers: &mut HeaderMap) {
    headers.remove(CONNECTION);
    headers.remove(TRANSFER_ENCODING);
}

fn response(answer: Answer, faults: &[Fault], is_head: bool) -> Response<Body> {
    let Answer {
        status,
        mut headers,
        body,
    } = answer;
    if !is_head {
        headers.remove(CONTENT_LENGTH);
    }
    let body = spoiled(body, faults, &mut headers);
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// The body as the last fault that concerns it has it.
fn spoiled(body: Bytes, faults: &[Fault], headers: &mut HeaderMap) -> Body {
    let fault = faults.iter().rev().find(|fault| {
        matches!(
            fault,
            Fault::CutAfter(_) | Fault::Trickle(_) | Fault::Endless
        )
    });
    match fault {
        Some(Fault::CutAfter(length)) => {
            headers.insert(CONTENT_LENGTH, body.len().into());
            let start = body.slice(..body.len().min(*length));
            streamed(stream::once(async { Ok(start) }).chain(stream::once(cut())))
        }
        Some(Fault::Trickle(pause)) => {
            headers.insert(CONTENT_LENGTH, body.len().into());
            streamed(trickle(body, *pause))
        }
        Some(Fault::Endless) => streamed(stream::repeat(body).map(Ok)),
        _ => whole(body),
    }
}

/// The end of the connection, after a moment in which what came before it is sent.
async fn cut() -> io::Result<Bytes> {
    tokio::task::yield_now().await;
    Err(io::Error::other("cut"))
}

fn trickle(body: Bytes, pause: Duration) -> impl Stream<Item = io::Result<Bytes>> {
    stream::iter(0..body.len()).then(move |at| {
        let byte = body.slice(at..=at);
        async move {
            tokio::time::sleep(pause).await;
            Ok(byte)
        }
    })
}

fn streamed(chunks: impl Stream<Item = io::Result<Bytes>> + Send + Sync + 'static) -> Body {
    BodyExt::boxed(StreamBody::new(chunks.map(|chunk| chunk.map(Frame::data))))
}
