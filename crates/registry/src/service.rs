//! A service of this program's own, which is asked by POST and shown a token.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::channel::{Channel, Scheme};
use crate::deadline::Deadline;
use crate::error::{FetchError, Reason};
use crate::http::wire;
use crate::limit::ByteLimit;
use crate::progress::Step;
use crate::server::{ServerError, authority, base_url};

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A service of this program's own. It is no registry: no pull credential authenticates to it, no redirect of it is followed, and
/// it is always spoken to by HTTPS. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Service {
    url: Url,
    channel: Channel,
    host: Arc<str>,
}

/// What a service answered, whatever its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceReply {
    /// The status of HTTP.
    pub status: u16,
    /// The body, whole.
    pub body: Bytes,
}

impl Service {
    /// The service at an https URL; what is asked for is below its path.
    pub fn new(url: &str, channel: Channel) -> Result<Self, ServerError> {
        let base = base_url(url)?;
        if base.scheme() != "https" || channel.scheme() != Scheme::Https {
            return Err(ServerError::PlainHttp(base.to_string()));
        }
        Ok(Self {
            host: authority(&base).into(),
            url: base,
            channel,
        })
    }

    /// Its host, with the port where one is written.
    pub fn host(&self) -> &Arc<str> {
        &self.host
    }

    /// Posts JSON to `path`, which begins with `/` and may have a query, as whom `token` says; reads at most `limit` bytes.
    ///
    /// It is sent once more if a kept connection proves closed, so only what may be asked twice may be posted.
    pub async fn post(
        &self,
        path: &str,
        token: &SecretString,
        json: Bytes,
        limit: ByteLimit,
        deadline: Deadline,
    ) -> Result<ServiceReply, FetchError> {
        let request = || self.request(path, token, json.clone());
        let response = match self.channel.send(request()?, deadline).await {
            Err(Reason::Cut) => self.channel.send(request()?, deadline).await,
            response => response,
        };
        let response = response.map_err(|reason| self.failed(reason))?;
        let status = response.status().as_u16();
        let reply = wire::Reply::of_service(response, Arc::clone(&self.host), Step::Ask);
        let body = reply.into_body(limit, deadline).collect(None).await?;
        Ok(ServiceReply { status, body })
    }

    fn request(
        &self,
        path: &str,
        token: &SecretString,
        json: Bytes,
    ) -> Result<reqwest::Request, FetchError> {
        let base = self.url.as_str().trim_end_matches('/');
        let url = Url::parse(&format!("{base}{path}")).map_err(|_| self.failed(Reason::BadUrl))?;
        let bearer = format!("Bearer {}", token.expose_secret());
        let mut bearer =
            HeaderValue::try_from(bearer).map_err(|_| self.failed(Reason::Unauthorized))?;
        bearer.set_sensitive(true);
        let headers = [
            (AUTHORIZATION, bearer),
            (CONTENT_TYPE, JSON),
            (ACCEPT, JSON),
        ];
        let mut request = reqwest::Request::new(Method::POST, url);
        *request.headers_mut() = HeaderMap::from_iter(headers);
        *request.body_mut() = Some(json.into());
        Ok(request)
    }

    fn failed(&self, reason: Reason) -> FetchError {
        FetchError {
            host: Arc::clone(&self.host),
            step: Step::Ask,
            reason,
        }
    }
}
