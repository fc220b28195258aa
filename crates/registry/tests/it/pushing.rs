//! What is pushed is there afterwards, at every kind of registry, for those who may push.

use std::fs;
use std::io::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use cise_reference::{Digest, Tag};
use cise_registry::{
    ByteLimit, Content, Freshness, Keyring, Manifest, Reason, Registry as Client, RegistryError,
    Security,
};
use cise_testkit::authority::Authority;
use cise_testkit::components::{CRANE, REGISTRY, require};
use cise_testkit::images::sha256;
use cise_testkit::proxy::{Fault, Proxy};
use cise_testkit::registry::Registry;
use cise_testkit::tokens::{TokenServer, User};
use http::header::LOCATION;
use http::{HeaderValue, StatusCode};
use serde_json::json;

use crate::setup::{caller, client, keyring, named, plain_client, reason, repository, trusting};

const EMPTY: &[u8] = b"{}";

fn digest_of(bytes: &[u8]) -> Digest {
    Digest::parse(&sha256(bytes)).expect("a digest")
}

fn manifest(layer: &[u8]) -> Bytes {
    let part = |media_type: &str, bytes: &[u8]| json!({ "mediaType": media_type, "digest": sha256(bytes), "size": bytes.len() });
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": part("application/vnd.oci.empty.v1+json", EMPTY),
        "layers": [part("application/octet-stream", layer)],
    });
    manifest.to_string().into()
}

/// Pushes a blob from a file, one from memory, and a manifest of both.
async fn push(
    client: &Client,
    host: &str,
    keyring: &Keyring,
    layer: &[u8],
) -> Result<Digest, RegistryError> {
    let (repository, caller) = (repository(host), caller(keyring));
    let (folder, before) = (tempfile(layer), 3);
    let content = Content::Part {
        file: Arc::new(folder),
        offset: before,
        bytes: layer.len() as u64,
    };
    let name = digest_of(layer);
    client
        .push_blob(&repository, &name, &content, &caller)
        .await?;
    let empty = Content::Bytes(Bytes::from_static(EMPTY));
    client
        .push_blob(&repository, &digest_of(EMPTY), &empty, &caller)
        .await?;
    let tag = Tag::parse("v1").expect("a tag");
    client
        .push_manifest(&repository, &tag, manifest(layer), &caller)
        .await
}

/// A file that has more than the layer.
fn tempfile(layer: &[u8]) -> fs::File {
    let mut file = tempfile::tempfile().expect("a file");
    for part in [b"abc", layer, b"xyz"] {
        file.write_all(part).expect("room");
    }
    file
}

#[tokio::test]
async fn blobs_and_manifests_are_pushed_to_every_kind_of_registry() {
    if !require(&[&REGISTRY, &CRANE]) {
        return;
    }
    let authority = Authority::new("test").expect("an authority");
    let users = [User {
        name: "pusher",
        password: "secret",
        repositories: "team/",
        actions: &["pull", "push"],
    }];
    let tokens = Arc::new(TokenServer::start(&authority, &users).expect("a token server"));
    let registries = [
        (Registry::open(), None),
        (
            Registry::basic(&authority),
            Some((Registry::USER, Registry::PASSWORD)),
        ),
        (
            Registry::bearer(&authority, &tokens),
            Some(("pusher", "secret")),
        ),
        (Registry::crane(), None),
    ];
    // More than one piece of a file.
    let layer: Vec<u8> = (0..700_000_u32).flat_map(u32::to_le_bytes).collect();
    for (registry, user) in registries {
        let registry = registry.expect("a registry");
        let host = registry.host();
        let security = if registry.url().starts_with("https") {
            trusting(&authority)
        } else {
            Security::PlainHttp
        };
        let client = client(vec![named(&host, &security)]);
        let keyring = keyring(
            user.map(|(user, password)| (host.as_str(), user, password))
                .as_slice(),
        );
        let (repository, caller) = (repository(&host), caller(&keyring));
        let has = async || {
            client
                .has_blob(&repository, &digest_of(&layer), &caller)
                .await
        };

        assert_eq!(has().await, Ok(false), "{host}");
        let pushed = push(&client, &host, &keyring, &layer)
            .await
            .expect("a push");
        assert_eq!(has().await, Ok(true), "{host}");
        let tag = Tag::parse("v1").expect("a tag");
        let found = client
            .resolve(&repository, &tag, Freshness::Kept, &caller)
            .await;
        assert_eq!(found, Ok(pushed.clone()), "{host}");
        let Ok(Manifest::Image(image)) = client.manifest(&repository, &pushed, &caller).await
        else {
            panic!("no image at {host}")
        };
        let limit = ByteLimit::mebibytes(4);
        let back = client
            .blob(&repository, &image.layers[0].digest, limit, &caller)
            .await;
        assert_eq!(back.expect("a blob"), layer, "{host}");

        let moved = push(&client, &host, &keyring, b"other")
            .await
            .expect("a push");
        let found = client
            .resolve(&repository, &tag, Freshness::Kept, &caller)
            .await;
        assert_eq!(
            found,
            Ok(moved),
            "a tag that was moved is not answered from memory"
        );
    }
}

#[tokio::test]
async fn a_blob_that_is_not_its_digest_is_not_taken() {
    if !require(&[&REGISTRY]) {
        return;
    }
    let registry = Registry::open().expect("a registry");
    let (client, keyring) = (plain_client(&registry.host()), Keyring::empty());
    let (repository, caller) = (repository(&registry.host()), caller(&keyring));
    let content = Content::Bytes(Bytes::from_static(b"something"));
    let false_name = digest_of(b"something else");
    let error = client
        .push_blob(&repository, &false_name, &content, &caller)
        .await;
    let error = error.expect_err("another digest");
    assert_eq!(reason(&error), &Reason::UnexpectedStatus(400));
    assert_eq!(
        client.has_blob(&repository, &false_name, &caller).await,
        Ok(false)
    );
}

#[tokio::test]
async fn who_may_only_read_does_not_push() {
    if !require(&[&REGISTRY]) {
        return;
    }
    let authority = Authority::new("test").expect("an authority");
    let users = [User {
        name: "reader",
        password: "secret",
        repositories: "team/",
        actions: &["pull"],
    }];
    let tokens = Arc::new(TokenServer::start(&authority, &users).expect("a token server"));
    for (registry, password) in [
        (Registry::bearer(&authority, &tokens), "secret"),
        (Registry::basic(&authority), "wrong"),
    ] {
        let registry = registry.expect("a registry");
        let host = registry.host();
        let client = client(vec![named(&host, &trusting(&authority))]);
        let keyring = keyring(&[(host.as_str(), "reader", password)]);
        let error = push(&client, &host, &keyring, b"layer")
            .await
            .expect_err("no right");
        assert_eq!(reason(&error), &Reason::Unauthorized, "{error}");
    }
}

#[tokio::test]
async fn an_upload_that_leads_elsewhere_goes_without_credentials() {
    if !require(&[&REGISTRY]) {
        return;
    }
    let authority = Authority::new("test").expect("an authority");
    let guarded = Registry::basic(&authority).expect("a registry");
    let other = Registry::open().expect("a registry");
    let front = Proxy::tls(guarded.upstream(), &authority).expect("a proxy");
    let back = Proxy::tls(other.upstream(), &authority).expect("a proxy");
    let elsewhere = format!(
        "https://{}/v2/team/app/blobs/uploads/elsewhere",
        back.host()
    );
    let elsewhere = HeaderValue::try_from(elsewhere).expect("a header");
    let lead_away = Fault::change(move |answer| {
        if answer.status == StatusCode::ACCEPTED {
            answer.headers.insert(LOCATION, elsewhere.clone());
        }
    });
    front.on("/v2/team/app/blobs/uploads/", lead_away);
    let security = trusting(&authority);
    let client = client(vec![
        named(&front.host(), &security),
        named(&back.host(), &security),
    ]);
    let keyring = keyring(&[(&front.host(), Registry::USER, Registry::PASSWORD)]);
    let (repository, caller) = (repository(&front.host()), caller(&keyring));
    let content = Content::Bytes(Bytes::from_static(b"something"));
    let name = digest_of(b"something");
    client
        .push_blob(&repository, &name, &content, &caller)
        .await
        .expect_err("no such upload");
    let shown = |proxy: &Proxy| {
        let exchanges = proxy.exchanges();
        exchanges
            .iter()
            .filter(|one| one.authorization.is_some())
            .count()
    };
    assert_eq!((back.exchanges().len(), shown(&back)), (1, 0));
    assert!(shown(&front) > 0);
}
