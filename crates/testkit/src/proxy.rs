//! A proxy in front of a peer that watches what clients do, and spoils it on request.

mod faults;
mod relay;

use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::Error;
use crate::authority::{Authority, LOOPBACK};
use crate::background::lock;
use crate::client::Client;
use crate::serve::Server;
use faults::Rules;

pub use faults::{Answer, Fault};

/// A reverse proxy on loopback in front of one peer. It stops when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    server: Server,
    state: Arc<State>,
}

/// The peer behind a proxy, and how to trust it.
#[derive(Debug, Clone)]
pub struct Upstream {
    /// `http://localhost:<port>` or `https://localhost:<port>`.
    pub url: String,
    /// The authority that its certificate leads to, PEM; `None` for plain HTTP.
    pub authority: Option<String>,
}

/// One request and its answer, as the proxy saw them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// `GET`, …
    pub method: String,
    /// The path with its query.
    pub path: String,
    /// The header `Authorization`, as it came.
    pub authorization: Option<String>,
    /// When the request was there.
    pub started: Instant,
    /// When the answer was ready to be sent; `None`: not yet, or never.
    pub ended: Option<Instant>,
    /// The status of the answer.
    pub status: Option<u16>,
}

#[derive(Debug)]
struct State {
    upstream: String,
    client: Client,
    rules: Mutex<Rules>,
    exchanges: Mutex<Vec<Exchange>>,
}

impl Proxy {
    /// A proxy that speaks plain HTTP to its clients.
    pub fn plain(upstream: Upstream) -> Result<Self, Error> {
        Self::start(upstream, None)
    }

    /// A proxy that speaks HTTPS to its clients, with a certificate of this authority for [`LOOPBACK`].
    pub fn tls(upstream: Upstream, authority: &Authority) -> Result<Self, Error> {
        Self::start(upstream, Some(authority))
    }

    /// `localhost:<port>`.
    pub fn host(&self) -> String {
        format!("localhost:{}", self.server.port())
    }

    /// `https://localhost:<port>` or `http://localhost:<port>`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Spoils every exchange whose request line contains `pattern`. A request line is `GET /v2/team/app/manifests/v1`, with
    /// the query where there is one. Faults that fit the same request add up, in the order in which they were given.
    pub fn on(&self, pattern: &str, fault: Fault) {
        lock(&self.state.rules).add(pattern, fault, None);
    }

    /// The same for the next `times` requests that fit.
    pub fn next(&self, times: usize, pattern: &str, fault: Fault) {
        lock(&self.state.rules).add(pattern, fault, Some(times));
    }

    /// Takes all faults back.
    pub fn heal(&self) {
        *lock(&self.state.rules) = Rules::default();
    }

    /// All exchanges since the start or the last [`Proxy::forget`], in the order in which they began.
    pub fn exchanges(&self) -> Vec<Exchange> {
        lock(&self.state.exchanges).clone()
    }

    /// Forgets the exchanges so far; none may be under way.
    pub fn forget(&self) {
        lock(&self.state.exchanges).clear();
    }

    /// See [`round_trips`], of all exchanges.
    pub fn round_trips(&self) -> usize {
        round_trips(&self.exchanges())
    }

    fn start(upstream: Upstream, authority: Option<&Authority>) -> Result<Self, Error> {
        let identity = authority
            .map(|authority| authority.server(&LOOPBACK))
            .transpose()?;
        let state = Arc::new(State {
            upstream: upstream.url,
            client: Client::trusting(upstream.authority.as_deref())?,
            rules: Mutex::default(),
            exchanges: Mutex::default(),
        });
        let shared = Arc::clone(&state);
        let server = Server::start(identity.as_ref(), move |request| {
            relay::relay(Arc::clone(&shared), request)
        })?;
        Ok(Self { server, state })
    }
}

/// How many exchanges must have waited for one another: the length of the longest chain in which each began only after the
/// one before it had its answer. With a delay on everything ([`Fault::Delay`]) this is what a slow network would cost, and
/// does not depend on how busy the machine is.
pub fn round_trips(exchanges: &[Exchange]) -> usize {
    let mut spans: Vec<_> = exchanges
        .iter()
        .filter_map(|exchange| Some((exchange.ended?, exchange.started)))
        .collect();
    spans.sort_unstable();
    let mut trips = 0;
    let mut last_end = None;
    for (ended, started) in spans {
        if last_end.is_none_or(|last_end| started >= last_end) {
            trips += 1;
            last_end = Some(ended);
        }
    }
    trips
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn round_trips_are_the_longest_chain_of_exchanges_that_do_not_overlap() {
        let epoch = Instant::now();
        let at = |seconds| epoch + Duration::from_secs(seconds);
        let count = |spans: &[(u64, u64)]| {
            let exchange = |&(started, ended)| Exchange {
                method: "GET".to_owned(),
                path: "/".to_owned(),
                authorization: None,
                started: at(started),
                ended: Some(at(ended)),
                status: Some(200),
            };
            round_trips(&spans.iter().map(exchange).collect::<Vec<_>>())
        };
        assert_eq!(count(&[]), 0);
        assert_eq!(count(&[(0, 2), (0, 3), (1, 2)]), 1, "side by side");
        assert_eq!(count(&[(0, 2), (2, 4), (4, 6)]), 3, "one after the other");
        assert_eq!(
            count(&[(0, 2), (0, 9), (3, 4), (3, 5)]),
            2,
            "two rounds beside a slow one"
        );
    }
}
