//! Requests and answers: redirects, pauses and repetitions, and bodies with a bound.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use tokio::time::Instant;
use url::Url;

use super::content::Content;
use super::pauses::Pauses;
use super::retries::Retries;
use super::retry_after::retry_after;
use crate::channel::Channel;
use crate::deadline::Deadline;
use crate::error::{FetchError, Reason};
use crate::limit::ByteLimit;
use crate::progress::{Progress, Step};
use crate::room::Share;
use crate::server::{authority, host_of};
use crate::settings::Registries;

const MAX_REDIRECTS: usize = 5;
/// Room for a body before any of it is there, whatever the server says about its length.
const MAX_RESERVED: u64 = 64 * 1024;

/// Sends requests and follows redirects. Cloning shares the pauses.
#[derive(Clone)]
pub(crate) struct Wire {
    registries: Registries,
    pauses: Pauses,
    retries: Retries,
    longest: Duration,
}

/// A request.
pub(crate) struct Query {
    method: Method,
    url: Url,
    content: Option<Content>,
    led_to: Option<HeaderValue>,
    redirects: Redirects,
    /// The headers; they go along on a redirect, but for credentials that would leave the server.
    pub(crate) headers: HeaderMap,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Redirects {
    Follow,
    Leave,
}

/// The head of an answer, its body still to be read.
#[derive(Debug)]
pub(crate) struct Reply {
    response: reqwest::Response,
    host: Arc<str>,
    step: Step,
}

/// The body of an answer, read piece by piece. Dropping it ends the transfer.
///
/// Nothing about it is verified.
#[derive(Debug)]
pub struct Body {
    reply: Reply,
    limit: ByteLimit,
    left: usize,
    deadline: Deadline,
}

impl Query {
    pub(crate) fn get(url: Url) -> Self {
        Self::new(Method::GET, url)
    }

    pub(crate) fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            content: None,
            led_to: None,
            redirects: Redirects::Leave,
            headers: HeaderMap::new(),
        }
    }

    pub(crate) fn form(url: Url, form: String) -> Self {
        Self::new(Method::POST, url).sending(
            HeaderValue::from_static("application/x-www-form-urlencoded"),
            Content::Bytes(form.into()),
        )
    }

    pub(crate) fn sending(mut self, content_type: HeaderValue, content: Content) -> Self {
        self.headers.insert(CONTENT_TYPE, content_type);
        self.content = Some(content);
        self
    }

    /// Begins where an earlier answer of the same server has led, by the rules of a redirect.
    pub(crate) fn led_to(self, location: HeaderValue) -> Self {
        Self {
            led_to: Some(location),
            ..self
        }
    }

    pub(crate) fn following_redirects(self) -> Self {
        Self {
            redirects: Redirects::Follow,
            ..self
        }
    }

    /// Whether the same request may be sent again after it failed half-way. What an earlier answer has led to is one upload,
    /// which can be ended once.
    fn is_repeatable(&self) -> bool {
        self.led_to.is_none()
    }

    /// Where an answer redirects to, if that is followed. What is sent goes along only where the server asks for it: elsewhere
    /// the method would have to change (RFC 9110 §15.4).
    fn next<'r>(&self, reply: &'r Reply) -> Option<&'r HeaderValue> {
        let follows = match reply.status().as_u16() {
            307 | 308 => true,
            301..=303 => self.method == Method::GET || self.method == Method::HEAD,
            _ => false,
        };
        let follows = follows && self.redirects == Redirects::Follow;
        follows.then(|| reply.headers().get(LOCATION)).flatten()
    }
}

/// Where a request goes, which a redirect changes.
struct Hop {
    url: Url,
    channel: Channel,
    headers: HeaderMap,
    host: Arc<str>,
    step: Step,
}

impl Wire {
    pub(crate) fn new(registries: Registries, longest: Duration) -> Self {
        Self {
            registries,
            pauses: Pauses::default(),
            retries: Retries::default(),
            longest,
        }
    }

    pub(super) fn with_retries(self, retries: Retries) -> Self {
        Self { retries, ..self }
    }

    pub(crate) fn registries(&self) -> &Registries {
        &self.registries
    }

    /// The longest time of work that nobody need wait for.
    pub(crate) fn longest(&self) -> Duration {
        self.longest
    }

    /// Sends a request and gives the first answer that is no redirect, or the redirect where they are not followed.
    pub(crate) async fn exchange(
        &self,
        channel: &Channel,
        query: &Query,
        step: Step,
        progress: &Progress,
        deadline: Deadline,
    ) -> Result<Reply, FetchError> {
        let host: Arc<str> = authority(&query.url).into();
        let mut hop = Hop {
            url: query.url.clone(),
            channel: channel.clone(),
            headers: query.headers.clone(),
            host,
            step,
        };
        if let Some(location) = &query.led_to {
            hop = self.follow(&hop, location)?;
        }
        for _ in 0..=MAX_REDIRECTS {
            let reply = self.patiently(&hop, query, progress, deadline).await?;
            match query.next(&reply) {
                None => return Ok(reply),
                Some(location) => hop = self.follow(&hop, location)?,
            }
        }
        Err(hop.failed(Reason::TooManyRedirects))
    }

    /// The next hop. Credentials stay behind when scheme, host or port change; HTTPS is never left.
    fn follow(&self, hop: &Hop, location: &HeaderValue) -> Result<Hop, FetchError> {
        let target = location
            .to_str()
            .ok()
            .and_then(|text| hop.url.join(text).ok());
        let url = target.filter(|url| url.username().is_empty() && url.password().is_none());
        let url = url.ok_or_else(|| hop.failed(Reason::BadRedirect))?;
        let host = host_of(&url).ok_or_else(|| hop.failed(Reason::BadRedirect))?;
        let mut headers = hop.headers.clone();
        let same_server = url.origin() == hop.url.origin();
        if !same_server {
            headers.remove(AUTHORIZATION);
        }
        let channel = if same_server {
            hop.channel.clone()
        } else {
            self.registries.channel(&host).clone()
        };
        let step = if same_server {
            hop.step
        } else {
            Step::Redirect
        };
        let next = Hop {
            host: authority(&url).into(),
            url,
            channel,
            headers,
            step,
        };
        if hop.url.scheme() == "https" && next.url.scheme() != "https" {
            return Err(next.failed(Reason::PlainHttp));
        }
        Ok(next)
    }

    /// Sends to one hop, keeping the pauses that its host asks for, and again after failures that may pass.
    async fn patiently(
        &self,
        hop: &Hop,
        query: &Query,
        progress: &Progress,
        deadline: Deadline,
    ) -> Result<Reply, FetchError> {
        let mut attempt = 1;
        loop {
            self.keep_pause(hop, progress, deadline).await?;
            progress.reached(hop.step, &hop.host);
            let response = match hop.channel.send(hop.request(query), deadline).await {
                // A kept connection that the server has just closed.
                Err(Reason::Cut) if attempt == 1 && query.is_repeatable() => {
                    attempt += 1;
                    continue;
                }
                response => response.map_err(|reason| hop.failed(reason))?,
            };
            let reply = Reply {
                response,
                host: Arc::clone(&hop.host),
                step: hop.step,
            };
            tracing::debug!(host = %hop.host, step = %hop.step, status = reply.status().as_u16(), "answered");
            let wait = self.wait_after(&reply, attempt);
            let Some(wait) = wait.filter(|_| query.is_repeatable()) else {
                return Ok(reply);
            };
            if attempt >= self.retries.attempts || deadline.remaining() <= wait {
                return Ok(reply);
            }
            tokio::time::sleep(wait).await;
            attempt += 1;
        }
    }

    /// How long to wait before the same request is sent again; nothing for an answer that stands.
    fn wait_after(&self, reply: &Reply, attempt: u32) -> Option<Duration> {
        let asked = retry_after(reply.headers());
        let backoff = self.retries.pause_after(attempt);
        match (reply.status(), asked) {
            (StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE, Some(asked)) => {
                self.pauses.pause(&reply.host, asked);
                Some(asked)
            }
            (StatusCode::TOO_MANY_REQUESTS, None) => {
                self.pauses.pause(&reply.host, backoff);
                Some(backoff)
            }
            (status, _) if status.is_server_error() => Some(backoff),
            _ => None,
        }
    }

    async fn keep_pause(
        &self,
        hop: &Hop,
        progress: &Progress,
        deadline: Deadline,
    ) -> Result<(), FetchError> {
        let Some(until) = self.pauses.until(&hop.host) else {
            return Ok(());
        };
        if until >= deadline.instant() {
            let left = until.saturating_duration_since(Instant::now());
            return Err(hop.failed(Reason::RateLimited(Some(left))));
        }
        progress.reached(Step::Pause, &hop.host);
        tokio::time::sleep_until(until).await;
        Ok(())
    }
}

impl Hop {
    fn request(&self, query: &Query) -> reqwest::Request {
        let mut request = reqwest::Request::new(query.method.clone(), self.url.clone());
        *request.headers_mut() = self.headers.clone();
        if let Some(content) = &query.content {
            // Many registries take no body whose length they do not know beforehand.
            let length = HeaderValue::from(content.bytes());
            request.headers_mut().insert(CONTENT_LENGTH, length);
            *request.body_mut() = Some(content.body());
        }
        request
    }

    fn failed(&self, reason: Reason) -> FetchError {
        let reason = match reason {
            Reason::ConnectionRefused if self.url.scheme() == "http" => {
                Reason::PlainConnectionRefused
            }
            reason => reason,
        };
        FetchError {
            host: Arc::clone(&self.host),
            step: self.step,
            reason,
        }
    }
}

impl Reply {
    pub(crate) fn of_service(response: reqwest::Response, host: Arc<str>, step: Step) -> Self {
        Self {
            response,
            host,
            step,
        }
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.response.status()
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// Whether it comes from where a redirect led, and not from the server that was asked.
    pub(crate) fn strayed(&self) -> bool {
        self.step == Step::Redirect
    }

    pub(crate) fn failed(&self, reason: impl Into<Reason>) -> FetchError {
        FetchError {
            host: Arc::clone(&self.host),
            step: self.step,
            reason: reason.into(),
        }
    }

    /// The body, of which nothing has been read yet.
    pub(crate) fn into_body(self, limit: ByteLimit, deadline: Deadline) -> Body {
        Body {
            reply: self,
            limit,
            left: limit.get(),
            deadline,
        }
    }
}

impl Body {
    /// The next piece; nothing at the end, which the server has marked as such. A body past its bound, or one that is not
    /// there by the deadline, is an error.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, FetchError> {
        let chunk = self
            .deadline
            .bound(self.reply.response.chunk())
            .await
            .map_err(|_| self.reply.failed(Reason::TimedOut))?
            .map_err(|error| self.reply.failed(body_reason(&error)))?;
        let length = chunk.as_ref().map_or(0, Bytes::len);
        self.left = self
            .left
            .checked_sub(length)
            .ok_or_else(|| self.reply.failed(Reason::TooLarge(self.limit)))?;
        Ok(chunk)
    }

    /// The host that sends it, with its port where one is written.
    pub fn host(&self) -> &Arc<str> {
        &self.reply.host
    }

    /// The whole of it. No more than the bound is ever held, and what the server says about its length is not believed. It takes
    /// its `share` of a room, if there is one.
    pub(crate) async fn collect(mut self, mut share: Option<Share>) -> Result<Bytes, FetchError> {
        let expected = self.reply.response.content_length().unwrap_or(0);
        let expected = usize::try_from(expected.min(MAX_RESERVED)).unwrap_or(0);
        let mut body = BytesMut::with_capacity(expected.min(self.limit.get()));
        while let Some(chunk) = self.chunk().await? {
            if let Some(share) = &mut share {
                let grown = share.grow_to(body.len() + chunk.len());
                grown.map_err(|reason| self.reply.failed(reason))?;
            }
            body.extend_from_slice(&chunk);
        }
        let body = body.freeze();
        Ok(match share {
            Some(share) => share.counts(body),
            None => body,
        })
    }
}

/// A body that ends early shows as a broken message, whatever broke it.
fn body_reason(error: &reqwest::Error) -> Reason {
    match Reason::of_client(error) {
        Reason::Protocol(_) | Reason::NoConnection(_) => Reason::Cut,
        other => other,
    }
}
