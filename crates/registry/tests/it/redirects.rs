//! Redirects lead to the content, and credentials do not go along.

use cise_registry::{Keyring, Reason, Security};
use cise_testkit::authority::Authority;
use cise_testkit::components::{REGISTRY, require};
use cise_testkit::proxy::{Fault, Proxy};
use cise_testkit::registry::Registry;
use http::header::LOCATION;
use http::{HeaderValue, StatusCode};

use crate::setup::{
    Expected, client, digest, image, keyring, named, plain_client, reason, resolve, tls_client,
    trusting,
};

fn redirect_to(target: &str) -> Fault {
    let target = HeaderValue::try_from(target).expect("a header");
    Fault::change(move |answer| {
        if answer.status == StatusCode::OK {
            answer.status = StatusCode::TEMPORARY_REDIRECT;
            answer.headers.insert(LOCATION, target.clone());
        }
    })
}

const MANIFEST: &str = "/v2/team/app/manifests/v1";

#[tokio::test]
async fn a_redirect_to_another_port_or_host_goes_without_credentials() {
    if !require(&[&REGISTRY]) {
        return;
    }
    let authority = Authority::new("test").expect("an authority");
    let (guarded, storage) = (
        Registry::basic(&authority).expect("a registry"),
        Registry::open().expect("a registry"),
    );
    guarded
        .push(&image("hello"), "team/app", "v1")
        .expect("a push");
    storage
        .push(&image("hello"), "team/app", "v1")
        .expect("a push");
    let front = Proxy::tls(guarded.upstream(), &authority).expect("a proxy");
    let back = Proxy::tls(storage.upstream(), &authority).expect("a proxy");
    let security = trusting(&authority);
    let keyring = keyring(&[(&front.host(), Registry::USER, Registry::PASSWORD)]);
    for host in [back.host(), back.host().replace("localhost", "127.0.0.1")] {
        front.heal();
        front.on(MANIFEST, redirect_to(&format!("https://{host}{MANIFEST}")));
        let client = client(vec![
            named(&front.host(), &security),
            named(&host, &security),
        ]);
        assert_eq!(
            resolve(&client, &front.host(), &keyring).await,
            Ok(digest(&image("hello")))
        );
    }
    assert!(
        front
            .exchanges()
            .iter()
            .any(|exchange| exchange.authorization.is_some())
    );
    assert_eq!(back.exchanges().len(), 2);
    assert!(
        back.exchanges()
            .iter()
            .all(|exchange| exchange.authorization.is_none())
    );
}

#[tokio::test]
async fn a_redirect_within_the_server_keeps_the_credentials() {
    if !require(&[&REGISTRY]) {
        return;
    }
    let authority = Authority::new("test").expect("an authority");
    let registry = Registry::basic(&authority).expect("a registry");
    registry
        .push(&image("hello"), "team/app", "v1")
        .expect("a push");
    registry
        .push(&image("hello"), "team/app", "v2")
        .expect("a push");
    let proxy = Proxy::tls(registry.upstream(), &authority).expect("a proxy");
    proxy.on(MANIFEST, redirect_to("/v2/team/app/manifests/v2"));
    let keyring = keyring(&[(&proxy.host(), Registry::USER, Registry::PASSWORD)]);
    let client = tls_client(&proxy.host(), &authority);
    assert_eq!(
        resolve(&client, &proxy.host(), &keyring).await,
        Ok(digest(&image("hello")))
    );
}

#[tokio::test]
async fn a_redirect_never_reaches_what_a_request_could_not() {
    if !require(&[&REGISTRY]) {
        return;
    }
    let authority = Authority::new("test").expect("an authority");
    let registry = Registry::open().expect("a registry");
    registry
        .push(&image("hello"), "team/app", "v1")
        .expect("a push");
    let proxy = Proxy::tls(registry.upstream(), &authority).expect("a proxy");
    let client = client(vec![
        named(&proxy.host(), &trusting(&authority)),
        named(&registry.host(), &Security::PlainHttp),
    ]);
    let table: [(&str, Expected); 8] = [
        ("https://127.0.0.1:1/", |reason| {
            matches!(reason, Reason::Blocked(_))
        }),
        (
            "https://[::ffff:169.254.169.254]/latest/meta-data",
            |reason| matches!(reason, Reason::Blocked(_)),
        ),
        ("https://2130706433/", |reason| {
            matches!(reason, Reason::Blocked(_))
        }),
        ("http://registry.example.com/", |reason| {
            matches!(reason, Reason::PlainHttp)
        }),
        ("https://user:password@registry.example.com/", |reason| {
            matches!(reason, Reason::BadRedirect)
        }),
        ("file:///etc/passwd", |reason| {
            matches!(reason, Reason::BadRedirect | Reason::PlainHttp)
        }),
        ("https://", |reason| matches!(reason, Reason::BadRedirect)),
        (MANIFEST, |reason| {
            matches!(reason, Reason::TooManyRedirects)
        }),
    ];
    for (target, expected) in table {
        proxy.heal();
        proxy.on("", redirect_to(target));
        let error = resolve(&client, &proxy.host(), &Keyring::empty())
            .await
            .expect_err(target);
        assert!(expected(reason(&error)), "{target}: {error}");
    }
    proxy.heal();
    proxy.on("", redirect_to(&format!("{}{MANIFEST}", registry.url())));
    let error = resolve(&client, &proxy.host(), &Keyring::empty())
        .await
        .expect_err("from HTTPS to HTTP");
    assert!(matches!(reason(&error), Reason::PlainHttp), "{error}");
}

#[tokio::test]
async fn from_plain_http_a_redirect_may_lead_to_https() {
    if !require(&[&REGISTRY]) {
        return;
    }
    let authority = Authority::new("test").expect("an authority");
    let registry = Registry::open().expect("a registry");
    registry
        .push(&image("hello"), "team/app", "v1")
        .expect("a push");
    let (front, back) = (
        Proxy::plain(registry.upstream()),
        Proxy::tls(registry.upstream(), &authority),
    );
    let (front, back) = (front.expect("a proxy"), back.expect("a proxy"));
    front.on("", redirect_to(&format!("{}{MANIFEST}", back.url())));
    let client = client(vec![
        named(&front.host(), &Security::PlainHttp),
        named(&back.host(), &trusting(&authority)),
    ]);
    assert_eq!(
        resolve(&client, &front.host(), &Keyring::empty()).await,
        Ok(digest(&image("hello")))
    );
    let unnamed = plain_client(&front.host());
    let error = resolve(&unnamed, &front.host(), &Keyring::empty())
        .await
        .expect_err("a loopback address");
    assert!(matches!(reason(&error), Reason::Blocked(_)), "{error}");
}
