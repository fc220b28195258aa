//! Mirrors serve first, and change nothing else.

use cise_registry::{Mirror, Registry as Client, Security};
use cise_testkit::components::{REGISTRY, require};
use cise_testkit::proxy::{Fault, Proxy};
use cise_testkit::registry::Registry;
use http::StatusCode;

use crate::setup::{caller, client, digest, image, keyring, named, repository, resolve};

struct Mirrored {
    registries: [Registry; 2],
    original: Proxy,
    mirror: Proxy,
    client: Client,
}

fn mirrored() -> Option<Mirrored> {
    if !require(&[&REGISTRY]) {
        return None;
    }
    let registries = [
        Registry::open().expect("a registry"),
        Registry::open().expect("a registry"),
    ];
    registries[0]
        .push(&image("hello"), "team/app", "v1")
        .expect("a push");
    registries[1]
        .push(&image("hello"), "copies/team/app", "v1")
        .expect("a push");
    let [original, mirror] = [&registries[0], &registries[1]]
        .map(|registry| Proxy::plain(registry.upstream()).expect("a proxy"));
    let copies = Mirror::parse(&format!("{}/copies", mirror.host())).expect("a mirror");
    let client = client(vec![
        named(&original.host(), &Security::PlainHttp).with_mirror(copies),
        named(&mirror.host(), &Security::PlainHttp),
    ]);
    Some(Mirrored {
        registries,
        original,
        mirror,
        client,
    })
}

#[tokio::test]
async fn a_mirror_is_asked_first_and_gets_no_credentials_of_the_original() {
    let Some(Mirrored {
        registries: _running,
        original,
        mirror,
        client,
    }) = mirrored()
    else {
        return;
    };
    let unauthorized = Fault::change(|answer| {
        answer.status = StatusCode::UNAUTHORIZED;
        answer.headers.insert(
            http::header::WWW_AUTHENTICATE,
            http::HeaderValue::from_static("Basic realm=x"),
        );
    });
    let keyring = keyring(&[(&original.host(), "alice", "secret")]);
    assert_eq!(
        resolve(&client, &original.host(), &keyring).await,
        Ok(digest(&image("hello")))
    );
    assert_eq!(
        (mirror.exchanges().len(), original.exchanges().len()),
        (1, 0)
    );
    mirror.on("", unauthorized);
    assert_eq!(
        resolve(&client, &original.host(), &keyring).await,
        Ok(digest(&image("hello")))
    );
    assert!(
        mirror
            .exchanges()
            .iter()
            .all(|exchange| exchange.authorization.is_none())
    );
    assert_eq!(original.exchanges().len(), 1);
}

#[tokio::test]
async fn a_mirror_that_fails_or_lies_leaves_the_answer_to_the_original() {
    let Some(Mirrored {
        registries: _running,
        original,
        mirror,
        client,
    }) = mirrored()
    else {
        return;
    };
    let keyring = cise_registry::Keyring::empty();
    let faults = [
        Fault::status(StatusCode::NOT_FOUND),
        Fault::CutAfter(3),
        Fault::body(image("other").manifest().to_vec()),
    ];
    for (number, fault) in faults.into_iter().enumerate() {
        mirror.heal();
        mirror.on("", fault);
        let caller = caller(&keyring);
        let manifest = client
            .manifest(
                &repository(&original.host()),
                &digest(&image("hello")),
                &caller,
            )
            .await;
        manifest.expect("the original's");
        assert!(!original.exchanges().is_empty(), "fault {number}");
    }
}
