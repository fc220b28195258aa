//! The HTTP proxies of the environment.

use std::env;
use std::fmt;
use std::sync::Arc;

use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

/// Which requests go through a proxy. The default is none.
///
/// A proxy resolves names itself, so for the hosts that it serves the address rules hold for addresses written as such only;
/// the proxy is where the network's own rules belong. The proxy itself may have a private address.
#[derive(Clone, Default)]
pub struct Proxies {
    http: Option<Url>,
    https: Option<Url>,
    matcher: Option<Arc<Matcher>>,
}

/// A proxy's address that is no URL. It is not repeated, because it may hold a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the proxy in `{variable}` is not a URL; expected one like http://proxy.example.com:3128")]
pub struct ProxyError {
    /// Which setting holds it.
    pub variable: &'static str,
}

impl Proxies {
    /// The proxies that `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` name, in either case, lower case first.
    pub fn from_environment() -> Result<Self, ProxyError> {
        let read = |lower: &str, upper: &str| {
            let value = env::var(lower).or_else(|_| env::var(upper)).ok();
            value.filter(|value| !value.is_empty())
        };
        let all = read("all_proxy", "ALL_PROXY");
        let http = read("http_proxy", "HTTP_PROXY").or_else(|| all.clone());
        let https = read("https_proxy", "HTTPS_PROXY").or(all);
        let no_proxy = read("no_proxy", "NO_PROXY");
        Self::new(http.as_deref(), https.as_deref(), no_proxy.as_deref())
    }

    /// A proxy for plain HTTP, one for HTTPS, and the hosts that are reached without: names (with their subdomains), addresses
    /// and networks, separated by commas; `*` for all.
    pub fn new(
        http: Option<&str>,
        https: Option<&str>,
        no_proxy: Option<&str>,
    ) -> Result<Self, ProxyError> {
        let http = http.map(|text| address(text, "HTTP_PROXY")).transpose()?;
        let https = https.map(|text| address(text, "HTTPS_PROXY")).transpose()?;
        if http.is_none() && https.is_none() {
            return Ok(Self::default());
        }
        let text = |url: &Option<Url>| url.as_ref().map(Url::to_string).unwrap_or_default();
        let matcher = Matcher::builder()
            .http(text(&http))
            .https(text(&https))
            .no(no_proxy.unwrap_or_default())
            .build();
        Ok(Self {
            http,
            https,
            matcher: Some(Arc::new(matcher)),
        })
    }

    /// Whether there is any proxy at all.
    pub fn is_empty(&self) -> bool {
        self.matcher.is_none()
    }

    /// Whether a request for `url` goes through a proxy.
    pub(crate) fn serve(&self, url: &Url) -> bool {
        let Some(matcher) = &self.matcher else {
            return false;
        };
        url.as_str()
            .parse::<Uri>()
            .is_ok_and(|uri| matcher.intercept(&uri).is_some())
    }

    /// The proxies as the HTTP client takes them, for a client that asks for [`Self::serve`] first.
    pub(crate) fn rules(&self) -> Result<Vec<reqwest::Proxy>, reqwest::Error> {
        let http = self
            .http
            .iter()
            .map(|url| reqwest::Proxy::http(url.clone()));
        let https = self
            .https
            .iter()
            .map(|url| reqwest::Proxy::https(url.clone()));
        http.chain(https).collect()
    }
}

fn address(text: &str, variable: &'static str) -> Result<Url, ProxyError> {
    let with_scheme = if text.contains("://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    let url = Url::parse(&with_scheme).map_err(|_| ProxyError { variable })?;
    if matches!(url.scheme(), "http" | "https") && url.has_host() {
        Ok(url)
    } else {
        Err(ProxyError { variable })
    }
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = |url: &Option<Url>| url.as_ref().and_then(Url::host_str).map(str::to_owned);
        f.debug_struct("Proxies")
            .field("http", &host(&self.http))
            .field("https", &host(&self.https))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hosts_that_are_not_excepted_go_through_the_proxy_of_their_scheme() {
        let proxies = Proxies::new(
            None,
            Some("proxy.corp:3128"),
            Some(".corp, 10.0.0.0/8, quay.io"),
        )
        .expect("valid");
        let table = [
            ("https://registry-1.docker.io/v2/", true),
            ("http://registry-1.docker.io/v2/", false),
            ("https://quay.io/v2/", false),
            ("https://registry.corp:5000/v2/", false),
            ("https://10.1.2.3/v2/", false),
            ("https://11.1.2.3/v2/", true),
        ];
        for (url, served) in table {
            assert_eq!(proxies.serve(&Url::parse(url).expect(url)), served, "{url}");
        }
    }

    #[test]
    fn a_proxy_that_is_no_url_is_refused_without_repeating_it() {
        let error = Proxies::new(Some("http://user:secret@"), None, None).expect_err("no host");
        assert!(!error.to_string().contains("secret"), "{error}");
        assert!(Proxies::new(None, Some("ftp://proxy"), None).is_err());
    }

    #[test]
    fn debug_shows_no_password_of_a_proxy() {
        let proxies =
            Proxies::new(Some("http://user:secret@proxy:3128"), None, None).expect("valid");
        assert!(!format!("{proxies:?}").contains("secret"));
    }
}
