//! How often the trust server is asked.

use std::time::Duration;

use cise_testkit::notary::Key;
use cise_testkit::proxy::{Fault, Proxy};
use jiff::SignedDuration;

use crate::bed::{Bed, gun, image, target};

fn slow_proxy(bed: &Bed) -> Proxy {
    let proxy = Proxy::tls(bed.server.upstream(), &bed.authority).unwrap();
    proxy.on("", Fault::Delay(Duration::from_millis(100)));
    proxy
}

#[tokio::test]
async fn a_cold_verification_takes_one_round_trip_and_after_rotations_two() {
    let Some(bed) = Bed::start() else { return };
    let (owner, alice) = (bed.person("owner"), bed.person("alice"));
    let key = alice.generate_key().unwrap();
    let (gun, hello, proxy) = (gun("app"), image("hello"), slow_proxy(&bed));
    owner.init(&gun).unwrap();
    owner.add_signer(&gun, &key).unwrap();
    alice.release(&gun, &target("v1", &hello)).unwrap();
    let tag = format!("{gun}:v1");

    bed.verifier_by(&proxy).admits(&tag, &[&key]).await;
    assert_eq!(proxy.round_trips(), 1);

    for _ in 0..3 {
        owner.rotate(&gun, Key::Root).unwrap();
    }
    proxy.forget();
    bed.verifier_by(&proxy).admits(&tag, &[&key]).await;
    assert_eq!(proxy.round_trips(), 2);
}

#[tokio::test]
async fn what_was_confirmed_a_short_while_ago_is_not_asked_for_and_then_only_the_timestamp_is() {
    let Some(bed) = Bed::start() else { return };
    let (owner, gun, hello, proxy) = (
        bed.person("owner"),
        gun("app"),
        image("hello"),
        slow_proxy(&bed),
    );
    owner.init(&gun).unwrap();
    owner.sign(&gun, &target("v1", &hello), &[]).unwrap();
    let (tag, verifier) = (format!("{gun}:v1"), bed.verifier_by(&proxy));
    verifier.admits(&tag, &[]).await;

    proxy.forget();
    verifier
        .later(SignedDuration::from_secs(59))
        .admits(&tag, &[])
        .await;
    assert_eq!(proxy.exchanges().len(), 0);

    verifier
        .later(SignedDuration::from_secs(61))
        .admits(&tag, &[])
        .await;
    let paths: Vec<_> = proxy
        .exchanges()
        .into_iter()
        .map(|exchange| exchange.path)
        .collect();
    assert_eq!(paths, [format!("/v2/{gun}/_trust/tuf/timestamp.json")]);

    // A refusal rests on nothing that is kept.
    proxy.forget();
    assert_eq!(
        verifier.refuses(&format!("{gun}:v2"), &[]).await,
        "trust-unsigned"
    );
    assert_eq!(proxy.exchanges().len(), 1);
    owner.sign(&gun, &target("v2", &hello), &[]).unwrap();
    assert_eq!(
        verifier.admits(&format!("{gun}:v2"), &[]).await,
        hello.digest()
    );
}

#[tokio::test]
async fn many_requests_for_one_new_image_cost_one_verification() {
    let Some(bed) = Bed::start() else { return };
    let (owner, gun, hello, proxy) = (
        bed.person("owner"),
        gun("app"),
        image("hello"),
        slow_proxy(&bed),
    );
    owner.init(&gun).unwrap();
    owner.sign(&gun, &target("v1", &hello), &[]).unwrap();
    let (tag, verifier) = (format!("{gun}:v1"), bed.verifier_by(&proxy));
    let asked = (0..1000).map(|_| verifier.admits(&tag, &[]));
    let digests = futures::future::join_all(asked).await;
    assert!(digests.iter().all(|digest| *digest == hello.digest()));
    // Each of the four roles, and the releases that might exist.
    assert_eq!(proxy.exchanges().len(), 5);
}
