//! What comes back is what was asked for, whatever the registry says about it.

use std::sync::Arc;

use cise_reference::{Digest, Tag};
use cise_registry::{ByteLimit, Freshness, Keyring, Manifest, ManifestError, RegistryFailure};
use cise_testkit::authority::Authority;
use cise_testkit::components::{CRANE, REGISTRY, require};
use cise_testkit::images::{Format, Image, sha256};
use cise_testkit::proxy::{Fault, Proxy};
use cise_testkit::registry::Registry;
use cise_testkit::tokens::{TokenServer, User};
use http::header::{CONTENT_TYPE, HeaderName};

use crate::setup::{
    caller, client, digest, image, keyring, named, plain_client, repository, resolve, trusting,
};

const DIGEST_HEADER: HeaderName = HeaderName::from_static("docker-content-digest");

#[tokio::test]
async fn a_tag_resolves_to_the_digest_of_its_manifest_at_every_kind_of_registry() {
    if !require(&[&REGISTRY, &CRANE]) {
        return;
    }
    let authority = Authority::new("test").expect("an authority");
    let users = [User {
        name: "",
        password: "",
        repositories: "team/",
        actions: &["pull"],
    }];
    let tokens = Arc::new(TokenServer::start(&authority, &users).expect("a token server"));
    let registries = [
        (Registry::open().expect("a registry"), None),
        (
            Registry::basic(&authority).expect("a registry"),
            Some(Registry::USER),
        ),
        (
            Registry::bearer(&authority, &tokens).expect("a registry"),
            None,
        ),
        (Registry::crane().expect("a registry"), None),
    ];
    let single = Image::new(Format::Docker, &[("etc/motd", "hello")]).expect("an image");
    let images = [
        image("hello"),
        single.clone(),
        Image::index(Format::Oci, &[image("a"), image("b")]),
    ];
    for (registry, user) in &registries {
        let host = registry.host();
        let security = if registry.url().starts_with("https") {
            trusting(&authority)
        } else {
            cise_registry::Security::PlainHttp
        };
        let client = client(vec![named(&host, &security)]);
        let keyring = keyring(
            user.map(|user| (host.as_str(), user, Registry::PASSWORD))
                .as_slice(),
        );
        for image in &images {
            registry.push(image, "team/app", "v1").expect("a push");
            assert_eq!(
                resolve(&client, &host, &keyring).await,
                Ok(digest(image)),
                "{host}"
            );
        }
    }
}

#[tokio::test]
async fn manifests_and_blobs_are_fetched_by_their_digest() {
    if !require(&[&REGISTRY]) {
        return;
    }
    let registry = Registry::open().expect("a registry");
    let image = image("hello");
    registry.push(&image, "team/app", "v1").expect("a push");
    let (client, keyring, repository) = (
        plain_client(&registry.host()),
        Keyring::empty(),
        repository(&registry.host()),
    );
    let manifest = client
        .manifest(&repository, &digest(&image), &caller(&keyring))
        .await
        .expect("a manifest");
    let Manifest::Image(manifest) = manifest else {
        panic!("expected an image, got {manifest:?}")
    };
    assert_eq!(manifest.layers.len(), 1);
    let limit = ByteLimit::kibibytes(64);
    let config = client
        .blob(
            &repository,
            &manifest.config.digest,
            limit,
            &caller(&keyring),
        )
        .await
        .expect("a blob");
    assert_eq!(
        u64::try_from(config.len()).expect("small"),
        manifest.config.size
    );
    let small = client
        .blob(
            &repository,
            &manifest.config.digest,
            ByteLimit::bytes(10),
            &caller(&keyring),
        )
        .await;
    assert!(
        small
            .expect_err("too large")
            .to_string()
            .contains("larger than 10 bytes")
    );
}

#[tokio::test]
async fn a_false_or_missing_digest_header_changes_nothing() {
    if !require(&[&REGISTRY]) {
        return;
    }
    let registry = Registry::open().expect("a registry");
    let image = image("hello");
    registry.push(&image, "team/app", "v1").expect("a push");
    let proxy = Proxy::plain(registry.upstream()).expect("a proxy");
    let client = plain_client(&proxy.host());
    let lie = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    for fault in [
        Fault::header(DIGEST_HEADER, lie),
        Fault::without_header(DIGEST_HEADER),
        Fault::header(DIGEST_HEADER, "sha256:../../x"),
    ] {
        proxy.heal();
        proxy.on("", fault);
        assert_eq!(
            resolve(&client, &proxy.host(), &Keyring::empty()).await,
            Ok(digest(&image))
        );
    }
    assert!(
        proxy
            .exchanges()
            .iter()
            .all(|exchange| exchange.method == "GET"),
        "no HEAD is needed, so none can be refused"
    );
}

#[tokio::test]
async fn content_that_is_not_what_its_digest_says_is_refused() {
    if !require(&[&REGISTRY]) {
        return;
    }
    let registry = Registry::open().expect("a registry");
    let (asked, served) = (image("asked"), image("served"));
    registry.push(&asked, "team/app", "v1").expect("a push");
    let proxy = Proxy::plain(registry.upstream()).expect("a proxy");
    proxy.on(
        "/manifests/sha256:",
        Fault::body(served.manifest().to_vec()),
    );
    proxy.on("/blobs/", Fault::body("something else"));
    let (client, keyring, repository) = (
        plain_client(&proxy.host()),
        Keyring::empty(),
        repository(&proxy.host()),
    );
    let expected = RegistryFailure::DigestMismatch {
        host: proxy.host().into(),
        found: digest(&served),
    };
    let error = client
        .manifest(&repository, &digest(&asked), &caller(&keyring))
        .await
        .expect_err("another manifest");
    assert_eq!(error.failure, expected);
    let blob = Digest::parse(&sha256(&asked.blobs()[0])).expect("a digest");
    let error = client
        .blob(
            &repository,
            &blob,
            ByteLimit::mebibytes(1),
            &caller(&keyring),
        )
        .await;
    assert!(matches!(
        error.expect_err("another blob").failure,
        RegistryFailure::DigestMismatch { .. }
    ));
    proxy.heal();
    assert!(
        client
            .manifest(&repository, &digest(&asked), &caller(&keyring))
            .await
            .is_ok(),
        "no lie was kept"
    );
}

#[tokio::test]
async fn a_manifest_whose_kind_is_in_doubt_resolves_to_nothing() {
    if !require(&[&REGISTRY]) {
        return;
    }
    let registry = Registry::open().expect("a registry");
    registry
        .push(&image("hello"), "team/app", "v1")
        .expect("a push");
    let proxy = Proxy::plain(registry.upstream()).expect("a proxy");
    let client = plain_client(&proxy.host());
    let schema1 = "application/vnd.docker.distribution.manifest.v1+prettyjws";
    proxy.on("", Fault::header(CONTENT_TYPE, schema1));
    let error = resolve(&client, &proxy.host(), &Keyring::empty())
        .await
        .expect_err("schema 1");
    assert_eq!(
        error.failure,
        RegistryFailure::Manifest(ManifestError::Schema1)
    );
    proxy.heal();
    proxy.on(
        "",
        Fault::header(CONTENT_TYPE, "application/vnd.oci.image.index.v1+json"),
    );
    let error = resolve(&client, &proxy.host(), &Keyring::empty())
        .await
        .expect_err("two media types");
    assert!(
        matches!(
            error.failure,
            RegistryFailure::Manifest(ManifestError::MediaTypes { .. })
        ),
        "{error}"
    );
}

#[tokio::test]
async fn a_false_media_type_is_not_kept_with_the_manifest() {
    if !require(&[&REGISTRY]) {
        return;
    }
    let registry = Registry::open().expect("a registry");
    let image = image("hello");
    registry.push(&image, "team/app", "v1").expect("a push");
    let proxy = Proxy::plain(registry.upstream()).expect("a proxy");
    let (client, keyring, repository) = (
        plain_client(&proxy.host()),
        Keyring::empty(),
        repository(&proxy.host()),
    );
    proxy.next(
        1,
        "",
        Fault::header(CONTENT_TYPE, "application/vnd.oci.image.index.v1+json"),
    );
    let error = client
        .manifest(&repository, &digest(&image), &caller(&keyring))
        .await
        .expect_err("two media types");
    assert!(
        matches!(
            error.failure,
            RegistryFailure::Manifest(ManifestError::MediaTypes { .. })
        ),
        "{error}"
    );
    assert!(
        client
            .manifest(&repository, &digest(&image), &caller(&keyring))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn what_is_not_there_is_said_to_be_not_there() {
    if !require(&[&REGISTRY]) {
        return;
    }
    let registry = Registry::open().expect("a registry");
    let client = plain_client(&registry.host());
    let error = resolve(&client, &registry.host(), &Keyring::empty())
        .await
        .expect_err("nothing was pushed");
    assert_eq!(error.failure, RegistryFailure::NotFound);
    let sentence = format!(
        "cannot resolve {}/team/app:v1: the registry has no such image",
        registry.host()
    );
    assert!(error.to_string().starts_with(&sentence), "{error}");
}

#[tokio::test]
async fn a_tag_is_kept_for_a_while_and_a_manifest_until_its_room_is_needed() {
    if !require(&[&REGISTRY]) {
        return;
    }
    let registry = Registry::open().expect("a registry");
    let (first, second) = (image("first"), image("second"));
    registry.push(&first, "team/app", "v1").expect("a push");
    let proxy = Proxy::plain(registry.upstream()).expect("a proxy");
    let (client, repository) = (plain_client(&proxy.host()), repository(&proxy.host()));
    let (keyring, tag) = (Keyring::empty(), Tag::parse("v1").expect("a tag"));
    let resolve = async |freshness| -> Digest {
        client
            .resolve(&repository, &tag, freshness, &caller(&keyring))
            .await
            .expect("a digest")
    };
    assert_eq!(resolve(Freshness::Kept).await, digest(&first));
    assert!(
        client
            .manifest(&repository, &digest(&first), &caller(&keyring))
            .await
            .is_ok()
    );
    registry.push(&second, "team/app", "v1").expect("a push");
    assert_eq!(resolve(Freshness::Kept).await, digest(&first));
    assert_eq!(proxy.exchanges().len(), 1);
    assert_eq!(resolve(Freshness::Fresh).await, digest(&second));
    assert_eq!(resolve(Freshness::Kept).await, digest(&second));
    registry.push(&first, "team/app", "v1").expect("a push");
    tokio::time::pause();
    tokio::time::advance(std::time::Duration::from_secs(60)).await;
    tokio::time::resume();
    assert_eq!(resolve(Freshness::Kept).await, digest(&first));
    assert_eq!(proxy.exchanges().len(), 3);
}
