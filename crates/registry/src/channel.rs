//! The pooled connections to hosts of one kind: their TLS settings, and the addresses that they may have.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::RootCertStore;
use url::{Host, Url};

use crate::deadline::Deadline;
use crate::egress::Egress;
use crate::error::Reason;
use crate::guard::Guard;
use crate::names::{Names, OneAddress, SystemNames};
use crate::proxy::Proxies;
use crate::tls::{Tls, TlsError, system_roots};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const IDLE_TIMEOUT: Duration = Duration::from_secs(90);
const IDLE_PER_HOST: usize = 16;

/// What this process has towards the outside: the system's authorities, the proxies, and who resolves names.
#[derive(Clone, Debug)]
pub struct Outbound {
    roots: Arc<RootCertStore>,
    proxies: Proxies,
    names: Arc<dyn Names>,
}

/// How a host is spoken to.
#[derive(Clone, Debug)]
pub enum Security {
    /// HTTPS with these settings.
    Https(Tls),
    /// Plain HTTP, which only the configuration can ask for.
    PlainHttp,
}

/// The pooled connections to hosts of one kind. Cloning shares the pool; two channels never share a connection.
#[derive(Clone)]
pub struct Channel(Arc<Inner>);

struct Inner {
    direct: reqwest::Client,
    proxied: Option<reqwest::Client>,
    proxies: Proxies,
    scheme: Scheme,
    egress: Egress,
}

/// The schemes by which a host may be spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `https` only.
    Https,
    /// `http`, and `https` where the host sends us there.
    PlainHttp,
}

/// Why a channel cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChannelError {
    /// The TLS settings cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The HTTP client cannot be built.
    #[error("the HTTP client cannot be built: {0}")]
    Client(String),
}

impl Outbound {
    /// The system's authorities (`SSL_CERT_FILE` is respected), and these proxies.
    pub fn new(proxies: Proxies) -> Self {
        Self {
            roots: Arc::new(system_roots()),
            proxies,
            names: Arc::new(SystemNames),
        }
    }

    /// The same, but these say which addresses a name has, and not the system.
    #[must_use]
    pub fn with_names(self, names: Arc<dyn Names>) -> Self {
        Self { names, ..self }
    }

    /// The same, but every host is at this address. Its port counts where a URL names none.
    #[must_use]
    pub fn at(self, address: SocketAddr) -> Self {
        self.with_names(Arc::new(OneAddress(address)))
    }

    /// No authority but those that are named, and no proxy: the way to a service of this program's own.
    pub fn inward() -> Self {
        Self {
            roots: Arc::new(RootCertStore::empty()),
            proxies: Proxies::default(),
            names: Arc::new(SystemNames),
        }
    }
}

impl Channel {
    /// Opens a channel; no connection is made yet.
    pub fn new(
        outbound: &Outbound,
        security: &Security,
        egress: Egress,
    ) -> Result<Self, ChannelError> {
        let (tls, scheme) = match security {
            Security::Https(tls) => (tls.clone(), Scheme::Https),
            Security::PlainHttp => (Tls::default(), Scheme::PlainHttp),
        };
        let client = |egress: Option<Egress>| -> Result<_, ChannelError> {
            let names = Arc::clone(&outbound.names);
            let builder = builder(&tls, &outbound.roots)?;
            Ok(builder.dns_resolver(Arc::new(Guard::new(egress, names))))
        };
        let direct = client(Some(egress))?
            .no_proxy()
            .build()
            .map_err(unbuildable)?;
        let proxied = if outbound.proxies.is_empty() {
            None
        } else {
            // Such a client resolves the name of the proxy only.
            let rules = outbound.proxies.rules().map_err(unbuildable)?;
            let builder = rules
                .into_iter()
                .fold(client(None)?, reqwest::ClientBuilder::proxy);
            Some(builder.build().map_err(unbuildable)?)
        };
        Ok(Self(Arc::new(Inner {
            direct,
            proxied,
            proxies: outbound.proxies.clone(),
            scheme,
            egress,
        })))
    }

    /// The schemes by which its hosts may be spoken to.
    pub fn scheme(&self) -> Scheme {
        self.0.scheme
    }

    /// Sends a request and waits for the head of the answer. No redirect is followed.
    pub(crate) async fn send(
        &self,
        request: reqwest::Request,
        deadline: Deadline,
    ) -> Result<reqwest::Response, Reason> {
        self.check(request.url())?;
        let answer = deadline
            .bound(self.client_for(request.url()).execute(request))
            .await;
        answer
            .map_err(|_| Reason::TimedOut)?
            .map_err(|error| Reason::of_client(&error))
    }

    /// Refuses plain HTTP where it is not asked for, and addresses written as such that may not be connected to: the
    /// resolver is not asked about those.
    fn check(&self, url: &Url) -> Result<(), Reason> {
        let allowed = match url.scheme() {
            "https" => true,
            "http" => self.0.scheme == Scheme::PlainHttp,
            _ => false,
        };
        if !allowed {
            return Err(Reason::PlainHttp);
        }
        let address = match url.host() {
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
            Some(Host::Domain(_)) => return Ok(()),
            None => return Err(Reason::BadUrl),
        };
        self.0.egress.check(address).map_err(Reason::Blocked)
    }

    fn client_for(&self, url: &Url) -> &reqwest::Client {
        match &self.0.proxied {
            Some(proxied) if self.0.proxies.serve(url) => proxied,
            _ => &self.0.direct,
        }
    }
}

impl std::fmt::Debug for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Inner { scheme, egress, .. } = &*self.0;
        f.debug_struct("Channel")
            .field("scheme", scheme)
            .field("egress", egress)
            .finish_non_exhaustive()
    }
}

fn builder(tls: &Tls, roots: &RootCertStore) -> Result<reqwest::ClientBuilder, ChannelError> {
    Ok(reqwest::Client::builder()
        .tls_backend_preconfigured(tls.client_config(roots)?)
        .user_agent(concat!("cise/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_max_idle_per_host(IDLE_PER_HOST))
}

fn unbuildable(error: reqwest::Error) -> ChannelError {
    ChannelError::Client(error.without_url().to_string())
}
