//! Files that anybody may have, fetched again only if they changed (RFC 9110 §13).

use http::header::{ETAG, HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use http::{HeaderMap, HeaderValue, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;

use super::date::http_date;
use super::wire::{Body, Query};
use super::{Http, header_text};
use crate::deadline::Deadline;
use crate::error::{FetchError, Reason};
use crate::limit::ByteLimit;
use crate::progress::{Progress, Step};
use crate::server::host_of;

/// A file that is asked for. No credential is shown to anybody.
#[derive(Clone, Copy, Debug)]
pub struct Download<'a> {
    /// Where it is. Its host is spoken to as the table of registries has it, so that authorities and proxies are those of the
    /// configuration, and plain HTTP is what only the configuration permits.
    pub url: &'a str,
    /// What was said of the copy at hand, if there is one.
    pub known: Option<&'a Validators>,
    /// The most bytes of it.
    pub limit: ByteLimit,
    /// Until when.
    pub deadline: Deadline,
}

/// What a server says of a file, by which it can tell later whether it has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Validators {
    /// The `ETag` header.
    pub etag: Option<String>,
    /// The `Last-Modified` header.
    pub last_modified: Option<String>,
}

/// What came of it.
#[derive(Debug)]
pub enum Downloaded {
    /// The copy at hand is still what the server has.
    Unchanged,
    /// The file, still to be read.
    Changed(Box<Body>, Validators),
}

impl Validators {
    fn of(headers: &HeaderMap) -> Self {
        let text = |name: &HeaderName| header_text(headers, name);
        Self {
            etag: text(&ETAG),
            last_modified: text(&LAST_MODIFIED),
        }
    }

    /// When the file was changed last, as the server says.
    pub fn changed_at(&self) -> Option<Timestamp> {
        http_date(self.last_modified.as_deref()?)
    }

    fn conditions(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let condition = |name, value: &Option<String>| {
            let value = HeaderValue::from_str(value.as_deref()?).ok()?;
            Some((name, value))
        };
        let etag = condition(IF_NONE_MATCH, &self.etag);
        let since = condition(IF_MODIFIED_SINCE, &self.last_modified);
        etag.into_iter().chain(since)
    }
}

impl Http {
    /// Asks for a file, unless it is what is at hand.
    pub async fn download(&self, download: Download<'_>) -> Result<Downloaded, FetchError> {
        let bad_url = || FetchError::new(download.url, Step::Fetch, Reason::BadUrl);
        let url = Url::parse(download.url).map_err(|_| bad_url())?;
        let host = host_of(&url).ok_or_else(bad_url)?;
        let channel = self.registries().channel(&host).clone();
        let mut query = Query::get(url).following_redirects();
        let conditions = download.known.map(Validators::conditions);
        query.headers.extend(conditions.into_iter().flatten());
        let (progress, deadline) = (Progress::new(), download.deadline);
        let reply = self
            .wire
            .exchange(&channel, &query, Step::Fetch, &progress, deadline)
            .await?;
        match reply.status() {
            StatusCode::OK => {
                let validators = Validators::of(reply.headers());
                let body = reply.into_body(download.limit, deadline);
                Ok(Downloaded::Changed(Box::new(body), validators))
            }
            StatusCode::NOT_MODIFIED if download.known.is_some() => Ok(Downloaded::Unchanged),
            status => Err(reply.failed(Reason::of_status(status, reply.headers()))),
        }
    }
}
