//! Blobs are read piece by piece, from one source after the other.

use cise_reference::Digest;
use cise_registry::{
    Blob, BlobCopies, ByteLimit, Keyring, Mirror, Registry as Client, RegistryError, Security,
};
use cise_testkit::authority::Authority;
use cise_testkit::components::{REGISTRY, require};
use cise_testkit::images::sha256;
use cise_testkit::proxy::{Fault, Proxy};
use cise_testkit::registry::Registry;

use crate::setup::{caller, client, image, keyring, named, plain_client, repository, tls_client};

const AMPLE: ByteLimit = ByteLimit::mebibytes(1);

/// The layer of the image that every test pushes.
fn layer() -> Vec<u8> {
    image("hello").blobs()[1].clone()
}

fn copies(client: &Client, host: &str, limit: ByteLimit, keyring: &Keyring) -> BlobCopies {
    let digest = Digest::parse(&sha256(&layer())).expect("a digest");
    client.blob_copies(&repository(host), &digest, limit, &caller(keyring))
}

async fn whole(blob: Result<Blob, RegistryError>) -> Result<Vec<u8>, RegistryError> {
    let mut blob = blob?;
    let mut bytes = Vec::new();
    while let Some(chunk) = blob.chunk().await? {
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

async fn all(mut copies: BlobCopies) -> Vec<Result<Vec<u8>, String>> {
    let mut all = Vec::new();
    while let Some(copy) = copies.next().await {
        all.push(whole(copy).await.map_err(|error| error.to_string()));
    }
    all
}

#[tokio::test]
async fn a_blob_comes_in_pieces_to_those_whom_the_registry_shows_it() {
    if !require(&[&REGISTRY]) {
        return;
    }
    let authority = Authority::new("test").expect("an authority");
    let registry = Registry::basic(&authority).expect("a registry");
    registry
        .push(&image("hello"), "team/app", "v1")
        .expect("a push");
    let (host, client) = (registry.host(), tls_client(&registry.host(), &authority));
    let keyring = keyring(&[(&host, Registry::USER, Registry::PASSWORD)]);
    assert_eq!(
        all(copies(&client, &host, AMPLE, &keyring)).await,
        [Ok(layer())]
    );
    let refused = all(copies(&client, &host, AMPLE, &Keyring::empty())).await;
    assert!(
        matches!(refused.as_slice(), [Err(why)] if why.contains("401")),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_blob_that_goes_wrong_is_an_error_and_never_a_short_one() {
    if !require(&[&REGISTRY]) {
        return;
    }
    let registry = Registry::open().expect("a registry");
    registry
        .push(&image("hello"), "team/app", "v1")
        .expect("a push");
    let proxy = Proxy::plain(registry.upstream()).expect("a proxy");
    let client = plain_client(&proxy.host());
    let exact = ByteLimit::bytes(layer().len());
    let keyring = Keyring::empty();
    assert_eq!(
        all(copies(&client, &proxy.host(), exact, &keyring)).await,
        [Ok(layer())]
    );
    let table = [
        (Fault::CutAfter(10), AMPLE, "was cut"),
        (Fault::Endless, AMPLE, "larger than 1 MiB"),
        (Fault::Endless, exact, "larger than"),
        (
            Fault::status(http::StatusCode::NOT_FOUND),
            AMPLE,
            "no such image",
        ),
    ];
    for (fault, limit, why) in table {
        proxy.heal();
        proxy.on("/blobs/", fault);
        let failed = all(copies(&client, &proxy.host(), limit, &keyring)).await;
        assert!(
            matches!(failed.as_slice(), [Err(error)] if error.contains(why)),
            "{failed:?}"
        );
    }
}

#[tokio::test]
async fn after_the_copy_of_a_mirror_comes_the_registrys_own() {
    if !require(&[&REGISTRY]) {
        return;
    }
    let registries = [(); 2].map(|()| Registry::open().expect("a registry"));
    registries[0]
        .push(&image("hello"), "team/app", "v1")
        .expect("a push");
    registries[1]
        .push(&image("hello"), "copies/team/app", "v1")
        .expect("a push");
    let mirror = Proxy::plain(registries[1].upstream()).expect("a proxy");
    mirror.on("/blobs/", Fault::body("something else"));
    let original = registries[0].host();
    let copies_of = Mirror::parse(&format!("{}/copies", mirror.host())).expect("a mirror");
    let client = client(vec![
        named(&original, &Security::PlainHttp).with_mirror(copies_of),
        named(&mirror.host(), &Security::PlainHttp),
    ]);
    let keyring = Keyring::empty();
    assert_eq!(
        all(copies(&client, &original, AMPLE, &keyring)).await,
        [Ok(b"something else".to_vec()), Ok(layer())]
    );
}
