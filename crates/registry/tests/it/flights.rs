//! Many requests, one piece of work; and no registry in the way of another.

use std::time::Duration;

use cise_reference::{Repository, Tag};
use cise_registry::{FlightError, Freshness, Keyring, RegistryFailure};
use cise_testkit::components::{REGISTRY, require};
use cise_testkit::proxy::{Fault, Proxy};
use cise_testkit::registry::Registry;
use futures::future::join_all;

use crate::setup::{
    caller, client, digest, image, keyring, named, plain_client, repository, resolve, resolve_as,
    within,
};
use cise_registry::Security;

fn serving() -> Option<(Registry, Proxy)> {
    if !require(&[&REGISTRY]) {
        return None;
    }
    let registry = Registry::open().expect("a registry");
    registry
        .push(&image("hello"), "team/app", "v1")
        .expect("a push");
    let proxy = Proxy::plain(registry.upstream()).expect("a proxy");
    Some((registry, proxy))
}

#[tokio::test]
async fn a_thousand_requests_for_one_image_cost_one_request_of_the_registry() {
    let Some((_registry, proxy)) = serving() else {
        return;
    };
    proxy.on("", Fault::Delay(Duration::from_millis(200)));
    let (client, keyring) = (plain_client(&proxy.host()), Keyring::empty());
    let host = proxy.host();
    let results = join_all((0..1000).map(|_| resolve(&client, &host, &keyring))).await;
    assert!(
        results
            .iter()
            .all(|result| *result == Ok(digest(&image("hello"))))
    );
    assert_eq!(proxy.exchanges().len(), 1);
}

#[tokio::test]
async fn callers_with_different_credentials_share_nothing() {
    let Some((_registry, proxy)) = serving() else {
        return;
    };
    proxy.on("", Fault::Delay(Duration::from_millis(200)));
    let (client, host) = (plain_client(&proxy.host()), proxy.host());
    let (alice, bob, nobody) = (
        keyring(&[(&host, "alice", "a")]),
        keyring(&[(&host, "bob", "b")]),
        Keyring::empty(),
    );
    join_all([&alice, &bob, &nobody].map(|keyring| resolve(&client, &host, keyring))).await;
    assert_eq!(proxy.exchanges().len(), 3);
}

#[tokio::test]
async fn fifty_images_behind_a_slow_registry_are_asked_for_side_by_side() {
    let Some((registry, proxy)) = serving() else {
        return;
    };
    for number in 0..50 {
        registry
            .push(&image("hello"), "team/app", &format!("t{number}"))
            .expect("a push");
    }
    proxy.on("", Fault::Delay(Duration::from_millis(500)));
    let (client, keyring, repository) = (
        plain_client(&proxy.host()),
        Keyring::empty(),
        repository(&proxy.host()),
    );
    let tags: Vec<_> = (0..50)
        .map(|number| Tag::parse(&format!("t{number}")).expect("a tag"))
        .collect();
    let caller = caller(&keyring);
    let results = join_all(
        tags.iter()
            .map(|tag| client.resolve(&repository, tag, Freshness::Fresh, &caller)),
    )
    .await;
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(proxy.round_trips(), 1);
}

#[tokio::test]
async fn a_retry_after_the_deadline_is_answered_by_the_work_that_went_on() {
    let Some((_registry, proxy)) = serving() else {
        return;
    };
    proxy.on("", Fault::Delay(Duration::from_millis(600)));
    let (client, keyring, repository) = (
        plain_client(&proxy.host()),
        Keyring::empty(),
        repository(&proxy.host()),
    );
    let late = resolve_as(
        &client,
        &proxy.host(),
        &within(&keyring, Duration::from_millis(100)),
    )
    .await;
    assert!(matches!(
        late.expect_err("late").failure,
        RegistryFailure::Flight(FlightError::Late(_))
    ));
    let tag = Tag::parse("v1").expect("a tag");
    let found = client
        .resolve(&repository, &tag, Freshness::Kept, &caller(&keyring))
        .await;
    assert_eq!(found, Ok(digest(&image("hello"))));
    assert_eq!(proxy.exchanges().len(), 1);
}

#[tokio::test]
async fn a_registry_that_never_answers_delays_no_other_and_is_busy_past_its_bound() {
    let Some((registry, proxy)) = serving() else {
        return;
    };
    proxy.on("", Fault::Hang);
    let client = client(vec![
        named(&proxy.host(), &Security::PlainHttp),
        named(&registry.host(), &Security::PlainHttp),
    ]);
    let keyring = Keyring::empty();
    let tag = Tag::LATEST;
    let stuck: Vec<_> = (0..300)
        .map(|number| {
            Repository::parse(&format!("{}/team/app{number}", proxy.host())).expect("a repository")
        })
        .collect();
    let results = join_all(stuck.iter().enumerate().map(|(number, repository)| {
        let namespace = ["a", "b", "c", "d", "e"][number % 5];
        let caller = cise_registry::Caller {
            namespace,
            ..within(&keyring, Duration::from_millis(500))
        };
        let (client, tag) = (&client, &tag);
        async move {
            client
                .resolve(repository, tag, Freshness::Fresh, &caller)
                .await
                .expect_err("stuck")
                .failure
        }
    }))
    .await;
    let busy = |failure: &&RegistryFailure| {
        matches!(
            failure,
            RegistryFailure::Flight(FlightError::HostBusy { .. })
        )
    };
    assert_eq!(results.iter().filter(busy).count(), 300 - 256);
    let found = resolve_as(
        &client,
        &registry.host(),
        &cise_registry::Caller {
            namespace: "f",
            ..caller(&keyring)
        },
    )
    .await;
    assert_eq!(found, Ok(digest(&image("hello"))));
}
