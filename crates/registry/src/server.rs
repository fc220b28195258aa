//! One server: where it is, how it is spoken to, and to what it is entitled.

use std::sync::Arc;

use cise_reference::Host;
use url::Url;

use crate::channel::{Channel, Scheme};

/// A server that speaks with registry-style authentication: a registry, or a trust server. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Server {
    base: Url,
    channel: Channel,
    standing: Standing,
    realms: Arc<[Url]>,
}

/// Who named a server, which decides whether pull credentials may be presented to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It is the registry that the credentials are for, or runs on that host.
    Registry,
    /// The configuration names it as belonging to that registry.
    NamedByConfiguration,
    /// A policy names it. Whoever may write a policy must not collect credentials, nor reach into private networks.
    NamedByPolicy,
}

/// A server's address that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// It is no URL of a server.
    #[error("`{0}` is not the URL of a server; expected one like https://notary.example.com:4443")]
    NotAUrl(String),
    /// Plain HTTP where it is not configured.
    #[error("`{0}` is plain HTTP, which only the configuration can permit; expected https://")]
    PlainHttp(String),
}

impl Server {
    /// The trust server that the configuration names. `channel` carries its TLS settings and the addresses that it may have.
    pub fn configured(url: &str, channel: Channel) -> Result<Self, ServerError> {
        let host = base_url(url)?.host_str().unwrap_or_default().to_owned();
        Self::new(
            url,
            channel,
            Standing::NamedByConfiguration,
            token_servers(&host, &[]),
        )
    }

    /// The token server at `url` belongs to it: it may see the credentials that this server may see.
    pub fn with_token_server(mut self, url: &str) -> Result<Self, ServerError> {
        let added = base_url(url)?;
        self.realms = self.realms.iter().cloned().chain([added]).collect();
        Ok(self)
    }

    pub(crate) fn new(
        url: &str,
        channel: Channel,
        standing: Standing,
        realms: Arc<[Url]>,
    ) -> Result<Self, ServerError> {
        let base = base_url(url)?;
        if base.scheme() == "http" && channel.scheme() == Scheme::Https {
            return Err(ServerError::PlainHttp(shown(url)));
        }
        Ok(Self {
            base,
            channel,
            standing,
            realms,
        })
    }

    /// Its address.
    pub fn url(&self) -> &Url {
        &self.base
    }

    /// Its host, with the port where one is written.
    pub fn host(&self) -> String {
        authority(&self.base)
    }

    /// Who named it.
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// Whether pull credentials may be presented to it.
    pub(crate) fn may_see_secrets(&self) -> bool {
        match self.standing {
            Standing::Registry | Standing::NamedByConfiguration => true,
            Standing::NamedByPolicy => false,
        }
    }

    pub(crate) fn channel(&self) -> &Channel {
        &self.channel
    }

    /// The origins of token servers that belong to it although they are elsewhere.
    pub(crate) fn realms(&self) -> &[Url] {
        &self.realms
    }

    /// The URL of `path` (with its query) below the base; nothing if a part of `path` would lead elsewhere.
    pub(crate) fn locate(&self, path: &str) -> Option<Url> {
        let base = self.base.as_str().trim_end_matches('/');
        let text = format!("{base}{path}");
        let url = Url::parse(&text).ok()?;
        // The parser resolves dot segments and escapes what is no part of a path: whatever it changes is refused.
        (path.starts_with('/') && url.as_str() == text).then_some(url)
    }
}

/// Docker's own token server belongs to its registry and to its trust server; GitLab's to its registry.
const WELL_KNOWN_TOKEN_SERVERS: [(&str, &str); 3] = [
    ("registry-1.docker.io", "https://auth.docker.io"),
    ("notary.docker.io", "https://auth.docker.io"),
    ("registry.gitlab.com", "https://gitlab.com"),
];

/// The token servers of a host: those that everybody knows, and those that are configured.
pub(crate) fn token_servers(host: &str, configured: &[Url]) -> Arc<[Url]> {
    let known = WELL_KNOWN_TOKEN_SERVERS
        .iter()
        .filter(|(server, _)| *server == host);
    known
        .filter_map(|(_, url)| Url::parse(url).ok())
        .chain(configured.iter().cloned())
        .collect()
}

/// The host of a URL as it is shown and looked up: with the port where it is not the scheme's own.
pub(crate) fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// The host of a URL as the table of registries knows it.
pub(crate) fn host_of(url: &Url) -> Option<Host> {
    Host::parse(&authority(url)).ok()
}

pub(crate) fn base_url(text: &str) -> Result<Url, ServerError> {
    let refused = || ServerError::NotAUrl(shown(text));
    let url = Url::parse(text).map_err(|_| refused())?;
    let bare = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if matches!(url.scheme(), "http" | "https") && url.has_host() && bare {
        Ok(url)
    } else {
        Err(refused())
    }
}

/// A URL as it may be shown: bounded, and without what may be a password.
pub(crate) fn shown(text: &str) -> String {
    let text = text
        .rfind('@')
        .and_then(|at| text.get(at..))
        .unwrap_or(text);
    text.chars()
        .filter(|character| !character.is_control())
        .take(200)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::{Outbound, Security};
    use crate::egress::Egress;
    use crate::proxy::Proxies;

    fn server(url: &str, security: &Security) -> Result<Server, ServerError> {
        let channel = Channel::new(
            &Outbound::new(Proxies::default()),
            security,
            Egress::PublicOnly,
        )
        .expect("a channel");
        Server::configured(url, channel)
    }

    fn https() -> Security {
        Security::Https(crate::tls::Tls::default())
    }

    #[test]
    fn a_path_stays_below_the_server() {
        let server = server("https://notary.example.com:4443/base/", &https()).expect("a server");
        let table = [
            ("/v2/localhost:5000/team/app/_trust/tuf/root.json", true),
            ("/v2/app/referrers/sha256:aa?artifactType=a%2Fb", true),
            ("/v2/../../etc", false),
            ("/v2/%2e%2e/etc", false),
            ("/v2/a b", false),
            ("/v2/a#b", true),
            ("v2/", false),
            ("@evil.org/", false),
            ("", false),
        ];
        for (path, found) in table {
            let url = server.locate(path);
            assert_eq!(url.is_some(), found, "{path}");
            assert!(
                url.is_none_or(|url| url
                    .as_str()
                    .starts_with("https://notary.example.com:4443/base/")),
                "{path}"
            );
        }
    }

    #[test]
    fn what_is_no_url_of_a_server_is_refused_without_its_password() {
        for url in [
            "",
            "notary.example.com",
            "ftp://a",
            "https://",
            "https://user:hunter2@a",
            "https://a?b",
            "https://a#b",
        ] {
            let error = server(url, &https()).expect_err(url);
            assert!(matches!(error, ServerError::NotAUrl(_)), "{url}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
        assert!(matches!(
            server("http://a", &https()),
            Err(ServerError::PlainHttp(_))
        ));
        assert!(server("http://a", &Security::PlainHttp).is_ok());
    }
}
