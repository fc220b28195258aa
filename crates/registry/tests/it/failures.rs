//! Every way in which a registry fails has a reason of its own, within the deadline.

use std::time::Duration;

use bytes::Bytes;
use cise_registry::{ByteLimit, FlightError, Keyring, Reason, RegistryFailure, Step};
use cise_testkit::authority::Authority;
use cise_testkit::components::{REGISTRY, require};
use cise_testkit::process::free_port;
use cise_testkit::proxy::{Fault, Proxy};
use cise_testkit::registry::Registry;
use http::StatusCode;
use http::header::RETRY_AFTER;

use crate::setup::{
    Expected, PATIENCE, client, digest, image, named, plain_client, reason, resolve, resolve_as,
    tls_client, trusting, within,
};

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

fn failing(status: u16) -> Fault {
    Fault::status(StatusCode::from_u16(status).expect("a status"))
}

#[tokio::test]
async fn each_status_has_its_own_reason() {
    let Some((_registry, proxy)) = serving() else {
        return;
    };
    let table = [
        (401, Reason::Unauthorized),
        (403, Reason::Forbidden),
        (429, Reason::RateLimited(None)),
        (500, Reason::ServerFailed(500)),
        (503, Reason::ServerFailed(503)),
        (418, Reason::UnexpectedStatus(418)),
        (204, Reason::UnexpectedStatus(204)),
        (307, Reason::UnexpectedStatus(307)),
    ];
    for (status, expected) in table {
        proxy.heal();
        proxy.on("", failing(status));
        let client = plain_client(&proxy.host());
        let error = resolve(&client, &proxy.host(), &Keyring::empty())
            .await
            .expect_err("a failure");
        assert_eq!(reason(&error), &expected);
        assert!(error.to_string().contains(&proxy.host()), "{error}");
    }
}

#[tokio::test]
async fn each_failed_connection_has_its_own_reason() {
    let Some((registry, _)) = serving() else {
        return;
    };
    let authority = Authority::new("test").expect("an authority");
    let other = Authority::new("other").expect("an authority");
    let secured = Proxy::tls(registry.upstream(), &authority).expect("a proxy");
    let nobody = free_port().expect("a port").to_string();
    let table: [(String, _, Expected); 4] = [
        (
            secured.host(),
            trusting(&other),
            |reason| matches!(reason, Reason::Tls(text) if text.contains("UnknownIssuer")),
        ),
        (registry.host(), trusting(&authority), |reason| {
            matches!(reason, Reason::Tls(_))
        }),
        (nobody, trusting(&authority), |reason| {
            matches!(reason, Reason::ConnectionRefused)
        }),
        (
            "registry.invalid".to_owned(),
            trusting(&authority),
            |reason| matches!(reason, Reason::Dns(_)),
        ),
    ];
    for (host, security, expected) in table {
        let client = client(vec![named(&host, &security)]);
        let error = resolve(&client, &host, &Keyring::empty())
            .await
            .expect_err("no connection");
        assert!(expected(reason(&error)), "{host}: {error:?}");
        assert!(error.to_string().contains(&host), "{error}");
    }
}

#[tokio::test]
async fn loopback_addresses_are_not_connected_to_unless_they_are_named() {
    let Some((_registry, proxy)) = serving() else {
        return;
    };
    let port = proxy.host().replace("localhost:", "");
    let client = client(Vec::new());
    for host in [
        "localhost",
        "127.0.0.1",
        "127.1",
        "[::1]",
        "[::ffff:7f00:1]",
        "0.0.0.0",
        "169.254.169.254",
    ] {
        let host = format!("{host}:{port}");
        let error = resolve(&client, &host, &Keyring::empty())
            .await
            .expect_err("a blocked address");
        assert!(
            matches!(reason(&error), Reason::Blocked(_)),
            "{host}: {error}"
        );
    }
    assert!(proxy.exchanges().is_empty());
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_not_taken_for_one() {
    let Some((_registry, proxy)) = serving() else {
        return;
    };
    proxy.on("", Fault::CutAfter(10));
    let error = resolve(
        &plain_client(&proxy.host()),
        &proxy.host(),
        &Keyring::empty(),
    )
    .await
    .expect_err("cut");
    assert_eq!(reason(&error), &Reason::Cut);
}

#[tokio::test]
async fn an_endless_or_huge_answer_ends_at_the_bound() {
    let Some((_registry, proxy)) = serving() else {
        return;
    };
    let limit = ByteLimit::mebibytes(4);
    for fault in [
        Fault::Endless,
        Fault::body(Bytes::from(vec![b' '; limit.get() + 1])),
    ] {
        proxy.heal();
        proxy.on("", fault);
        let error = resolve(
            &plain_client(&proxy.host()),
            &proxy.host(),
            &Keyring::empty(),
        )
        .await
        .expect_err("huge");
        assert_eq!(reason(&error), &Reason::TooLarge(limit));
    }
}

#[tokio::test]
async fn a_registry_that_never_answers_is_named_at_the_deadline() {
    let Some((_registry, proxy)) = serving() else {
        return;
    };
    for fault in [Fault::Hang, Fault::Trickle(Duration::from_secs(1))] {
        proxy.heal();
        proxy.on("", fault);
        let client = plain_client(&proxy.host());
        let keyring = Keyring::empty();
        let error = resolve_as(
            &client,
            &proxy.host(),
            &within(&keyring, Duration::from_millis(300)),
        )
        .await;
        let RegistryFailure::Flight(FlightError::Late(Some(place))) =
            error.expect_err("late").failure
        else {
            panic!("expected to be late")
        };
        assert_eq!(
            (place.step, &*place.host),
            (Step::Fetch, proxy.host().as_str())
        );
    }
}

#[tokio::test]
async fn a_pause_that_a_registry_asks_for_is_kept_by_all_requests_to_it() {
    let Some((_registry, proxy)) = serving() else {
        return;
    };
    let (client, keyring) = (plain_client(&proxy.host()), Keyring::empty());
    let limited = |pause: &'static str| {
        let faults = [failing(429), Fault::header(RETRY_AFTER, pause)];
        for fault in faults {
            proxy.next(1, "", fault);
        }
    };
    limited("1");
    assert_eq!(
        resolve(&client, &proxy.host(), &keyring).await,
        Ok(digest(&image("hello")))
    );
    let exchanges = proxy.exchanges();
    assert_eq!(exchanges.len(), 2);
    assert!(
        exchanges[1].started - exchanges[0].started >= Duration::from_secs(1),
        "the pause was kept"
    );

    proxy.forget();
    limited("120");
    let error = resolve(&client, &proxy.host(), &keyring)
        .await
        .expect_err("the pause is longer than any flight");
    assert_eq!(
        reason(&error),
        &Reason::RateLimited(Some(Duration::from_secs(120)))
    );
    let other = cise_reference::Repository::parse(&format!("{}/team/other", proxy.host()))
        .expect("a repository");
    let error = client
        .manifest(&other, &digest(&image("x")), &within(&keyring, PATIENCE))
        .await
        .expect_err("paused");
    assert!(
        matches!(reason(&error), Reason::RateLimited(Some(_))),
        "{error}"
    );
    assert_eq!(
        proxy.exchanges().len(),
        1,
        "nothing is sent during the pause"
    );
}

#[tokio::test]
async fn a_failure_that_passes_is_waited_out_and_never_kept() {
    let Some((_registry, proxy)) = serving() else {
        return;
    };
    let (client, keyring) = (plain_client(&proxy.host()), Keyring::empty());
    proxy.next(2, "", failing(503));
    assert_eq!(
        resolve(&client, &proxy.host(), &keyring).await,
        Ok(digest(&image("hello")))
    );
    proxy.next(4, "", failing(502));
    let error = resolve(&client, &proxy.host(), &keyring)
        .await
        .expect_err("it failed too often");
    assert_eq!(reason(&error), &Reason::ServerFailed(502));
    assert_eq!(
        resolve(&client, &proxy.host(), &keyring).await,
        Ok(digest(&image("hello")))
    );
}

#[tokio::test]
async fn a_hint_says_what_an_administrator_can_do() {
    let Some((registry, proxy)) = serving() else {
        return;
    };
    let authority = Authority::new("test").expect("an authority");
    let secured = Proxy::tls(registry.upstream(), &authority).expect("a proxy");
    let other = Authority::new("other").expect("an authority");
    let keyring = Keyring::empty();
    let table = [
        (
            resolve(
                &tls_client(&secured.host(), &other),
                &secured.host(),
                &keyring,
            )
            .await,
            "caFile",
        ),
        (
            resolve(&client(Vec::new()), &proxy.host(), &keyring).await,
            "`registries`",
        ),
    ];
    for (result, expected) in table {
        let error = result.expect_err("a failure");
        assert!(
            error.hint().is_some_and(|hint| hint.contains(expected)),
            "{error}"
        );
    }
}
