//! A trust server that lies, stalls or floods.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use cise_signature::notary::Presets;
use cise_testkit::proxy::{Fault, Proxy};
use http::StatusCode;
use jiff::SignedDuration;
use tempfile::TempDir;

use crate::bed::{Bed, gun, image, requirement, target};

fn signed(bed: &Bed, gun: &str) -> String {
    let (owner, hello) = (bed.person("owner"), image("hello"));
    owner.init(gun).unwrap();
    owner.sign(gun, &target("v1", &hello), &[]).unwrap();
    hello.digest()
}

/// Remembers what the server answers from now on.
fn remember(proxy: &Proxy, path: &str) -> Arc<Mutex<Bytes>> {
    let body = Arc::new(Mutex::new(Bytes::new()));
    let seen = Arc::clone(&body);
    proxy.on(
        path,
        Fault::change(move |answer| *seen.lock().unwrap() = answer.body.clone()),
    );
    body
}

#[tokio::test]
async fn an_older_state_that_is_served_again_is_a_rollback_also_after_a_restart() {
    let Some(bed) = Bed::start() else { return };
    let (owner, gun) = (bed.person("owner"), gun("app"));
    owner.init(&gun).unwrap();
    owner.sign(&gun, &target("v1", &image("old")), &[]).unwrap();
    let tag = format!("{gun}:v1");
    // What the server said at this time.
    let paths = ["timestamp", "snapshot", "targets"]
        .map(|role| format!("/v2/{gun}/_trust/tuf/{role}.json"));
    let proxy = Proxy::tls(bed.server.upstream(), &bed.authority).unwrap();
    let old = paths.each_ref().map(|path| remember(&proxy, path));
    let first = TempDir::new().unwrap();
    bed.verifier_of(&proxy.url(), first.path(), Presets::new())
        .admits(&tag, &[])
        .await;
    proxy.heal();
    owner.sign(&gun, &target("v1", &image("new")), &[]).unwrap();
    let verifier = bed.verifier_by(&proxy);
    assert_eq!(verifier.admits(&tag, &[]).await, image("new").digest());

    for (path, body) in paths.iter().zip(&old) {
        proxy.on(path, Fault::body(body.lock().unwrap().clone()));
    }
    let running = verifier.later(SignedDuration::from_mins(2));
    assert_eq!(running.refuses(&tag, &[]).await, "trust-rollback");
    assert_eq!(
        bed.verifier_by(&proxy).refuses(&tag, &[]).await,
        "trust-rollback"
    );
    proxy.heal();
    assert_eq!(running.admits(&tag, &[]).await, image("new").digest());
}

#[tokio::test]
async fn a_server_that_fails_stalls_cuts_or_floods_denies_and_is_named_in_time() {
    let Some(bed) = Bed::start() else { return };
    let gun = gun("app");
    let digest = signed(&bed, &gun);
    let tag = format!("{gun}:v1");
    let proxy = Proxy::tls(bed.server.upstream(), &bed.authority).unwrap();
    let faults = [
        ("hangs", Fault::Hang, "trust-late"),
        ("is cut", Fault::CutAfter(10), "trust-server-unavailable"),
        (
            "fails",
            Fault::status(StatusCode::INTERNAL_SERVER_ERROR),
            "trust-server-unavailable",
        ),
        (
            "forbids",
            Fault::status(StatusCode::FORBIDDEN),
            "trust-server-denies-access",
        ),
        ("floods", Fault::Endless, "trust-metadata-too-large"),
        (
            "is no JSON",
            Fault::body("<html>"),
            "trust-metadata-malformed",
        ),
        ("is empty", Fault::body(""), "trust-metadata-malformed"),
        (
            "is too deep",
            Fault::body("[".repeat(60_000)),
            "trust-metadata-malformed",
        ),
    ];
    for (what, fault, code) in faults {
        for role in ["timestamp", "snapshot", "root"] {
            proxy.on(&format!("/{role}"), fault.clone());
            let verifier = bed.verifier_by(&proxy);
            let started = Instant::now();
            let refusal = verifier
                .within(&tag, &requirement(&[]), Duration::from_secs(6))
                .await
                .unwrap_err();
            assert!(started.elapsed() < Duration::from_secs(15), "{role} {what}");
            let fits = refusal.code() == code
                || (role == "snapshot" && code == "trust-metadata-malformed");
            assert!(fits, "{role} {what}: {} {refusal}", refusal.code());
            assert!(refusal.to_string().contains(&proxy.host()), "{refusal}");
            proxy.heal();
        }
    }
    assert_eq!(bed.verifier_by(&proxy).admits(&tag, &[]).await, digest);
}

#[tokio::test]
async fn files_that_nobody_needs_may_fail() {
    let Some(bed) = Bed::start() else { return };
    let gun = gun("app");
    let digest = signed(&bed, &gun);
    let proxy = Proxy::tls(bed.server.upstream(), &bed.authority).unwrap();
    for fault in [
        Fault::status(StatusCode::INTERNAL_SERVER_ERROR),
        Fault::Endless,
        Fault::CutAfter(3),
    ] {
        proxy.on("targets/releases", fault);
        assert_eq!(
            bed.verifier_by(&proxy)
                .admits(&format!("{gun}:v1"), &[])
                .await,
            digest
        );
        proxy.heal();
    }
}

#[tokio::test]
async fn while_the_server_is_away_what_was_confirmed_a_short_while_ago_holds_and_then_no_more() {
    let Some(bed) = Bed::start() else { return };
    let gun = gun("app");
    let digest = signed(&bed, &gun);
    let tag = format!("{gun}:v1");
    let proxy = Proxy::tls(bed.server.upstream(), &bed.authority).unwrap();
    let verifier = bed.verifier_by(&proxy);
    verifier.admits(&tag, &[]).await;
    proxy.on("", Fault::status(StatusCode::BAD_GATEWAY));
    assert_eq!(
        verifier
            .later(SignedDuration::from_secs(30))
            .admits(&tag, &[])
            .await,
        digest
    );
    assert_eq!(
        verifier
            .later(SignedDuration::from_secs(90))
            .refuses(&tag, &[])
            .await,
        "trust-server-unavailable"
    );
    // A denial is not kept.
    proxy.heal();
    assert_eq!(
        verifier
            .later(SignedDuration::from_secs(90))
            .admits(&tag, &[])
            .await,
        digest
    );
}

#[tokio::test]
async fn a_role_that_the_server_lost_for_a_moment_is_asked_for_again() {
    let Some(bed) = Bed::start() else { return };
    let (owner, alice) = (bed.person("owner"), bed.person("alice"));
    let (gun, hello, key) = (gun("app"), image("hello"), alice.generate_key().unwrap());
    owner.init(&gun).unwrap();
    owner.add_signer(&gun, &key).unwrap();
    alice.release(&gun, &target("v1", &hello)).unwrap();
    let (tag, proxy) = (
        format!("{gun}:v1"),
        Proxy::tls(bed.server.upstream(), &bed.authority).unwrap(),
    );
    let verifier = bed.verifier_by(&proxy);
    proxy.on("targets/alice", Fault::status(StatusCode::NOT_FOUND));
    assert_eq!(
        verifier.refuses(&tag, &[&key]).await,
        "trust-metadata-missing"
    );
    proxy.heal();
    assert_eq!(verifier.admits(&tag, &[&key]).await, hello.digest());
}
