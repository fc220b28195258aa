//! A name whose addresses change between two questions.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use cise_policy::HostPattern;
use cise_registry::{
    Http, Keyring, Names, Outbound, Proxies, Reason, Registries, Registry, RegistryLimits,
    RegistrySettings, Security,
};
use futures::future::{BoxFuture, FutureExt as _, ready};

use crate::peers::{manifest, peer};
use crate::setup::{digest, image, reason, resolve};

/// Each time that a name is asked for, it has the next of these addresses.
#[derive(Debug)]
struct Rebinding(Mutex<VecDeque<Vec<SocketAddr>>>);

impl Rebinding {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let address = |text: &&str| SocketAddr::new(text.parse().expect("an address"), 0);
        let answers = answers
            .iter()
            .map(|answer| answer.iter().map(address).collect());
        Arc::new(Self(Mutex::new(answers.collect())))
    }

    fn left(&self) -> usize {
        self.0.lock().expect("no panic").len()
    }
}

impl Names for Rebinding {
    fn addresses<'a>(&'a self, _name: &'a str) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        let next = self.0.lock().expect("no panic").pop_front();
        ready(Ok(next.unwrap_or_default())).boxed()
    }
}

fn client(names: &Arc<Rebinding>, permitted: Option<&str>) -> Registry {
    let outbound = Outbound::new(Proxies::default()).with_names(names.clone());
    let entries = permitted.map(|host| {
        let host = HostPattern::parse(host).expect("a pattern");
        RegistrySettings::new(host, &outbound, &Security::PlainHttp).expect("settings")
    });
    let limits = RegistryLimits::default();
    let registries = Registries::new(&outbound, entries.into_iter().collect()).expect("a table");
    Registry::new(Http::new(registries, limits.flights), limits)
}

fn is_blocked(address: &str) -> impl Fn(&Reason) -> bool {
    move |reason| matches!(reason, Reason::Blocked(blocked) if blocked.address.to_string() == address)
}

async fn refusal(client: &Registry, host: &str) -> Reason {
    let refused = resolve(client, host, &Keyring::empty()).await;
    reason(&refused.expect_err("nothing answers there")).clone()
}

const METADATA: &str = "169.254.169.254";

/// Had the name been asked for once to check and once to connect, the connection would have gone to the second address.
#[tokio::test]
async fn the_addresses_that_were_checked_are_those_that_are_connected_to() {
    let (peer, seen) = peer("127.0.0.1:0", manifest()).await.expect("a port");
    let host = format!("rebinding.example.com:{}", peer.port());
    let names = Rebinding::new(&[
        &["127.0.0.1"],
        &[METADATA],
        &[METADATA, "127.0.0.1"],
        &["127.0.0.1"],
    ]);
    let (client, nobody) = (client(&names, Some(&host)), Keyring::empty());
    let found = Ok(digest(&image("hello")));

    assert_eq!(resolve(&client, &host, &nobody).await, found);
    assert_eq!(names.left(), 3, "the name was asked for once");
    let blocked = refusal(&client, &host).await;
    assert!(is_blocked(METADATA)(&blocked), "{blocked}");
    assert_eq!(resolve(&client, &host, &nobody).await, found, "the other");
    assert_eq!(names.left(), 1);
    assert_eq!(seen.lock().expect("no panic").len(), 2);
}

#[tokio::test]
async fn a_name_that_nobody_configured_leads_to_no_private_address_whatever_it_had_before() {
    let table: [(&[&str], &str); 3] = [
        (&["127.0.0.1"], "127.0.0.1"),
        (&["10.1.2.3", "::1"], "::1"),
        (&[METADATA], METADATA),
    ];
    for (answer, address) in table {
        let names = Rebinding::new(&[answer]);
        let client = client(&names, None);
        let blocked = refusal(&client, "rebinding.example.com").await;
        assert!(is_blocked(address)(&blocked), "{blocked}");
    }
}

#[tokio::test]
async fn a_name_without_addresses_is_told_as_such() {
    let client = client(&Rebinding::new(&[]), None);
    let none = refusal(&client, "rebinding.example.com").await;
    assert!(
        none.to_string().contains("the name has no address"),
        "{none}"
    );
}
