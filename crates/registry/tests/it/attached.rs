//! Documents that are attached to an image: by manifests that refer to it, and under the tag beside it.

use std::collections::BTreeMap;

use bytes::Bytes;
use cise_reference::{Digest, Tag};
use cise_registry::{
    Attachments, Content, Keyring, Mirror, Registry as Client, RegistryError, RegistryFailure,
    Security,
};
use cise_testkit::components::{CRANE, REFERRERS, REGISTRY, require};
use cise_testkit::images::{Image, sha256};
use cise_testkit::proxy::{Fault, Proxy};
use cise_testkit::registry::Registry;
use http::StatusCode;
use serde_json::json;

use crate::setup::{caller, client, digest, image, named, plain_client, repository};

const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const ENVELOPE: &str = "application/vnd.dsse.envelope.v1+json";
const EMPTY: &[u8] = b"{}";

/// What the tests ask for: letters, of which three of a kilobyte in all are read.
const LETTERS: Attachments = Attachments {
    artifact_type: BUNDLE,
    tag_suffix: "att",
    media_types: &[BUNDLE, ENVELOPE],
    labels: &[("kind", &["letter"])],
    documents: 3,
    bytes: 1024,
};

/// A document, as it is attached: its media type, its label and its text.
type Document<'a> = (&'a str, Option<&'a str>, &'a str);

fn labelled(label: Option<&str>) -> BTreeMap<&str, &str> {
    label.map(|label| ("kind", label)).into_iter().collect()
}

/// Pushes a manifest of documents, which refers to an image or not.
async fn push(
    client: &Client,
    host: &str,
    tag: &str,
    subject: Option<&Image>,
    documents: &[Document<'_>],
) {
    let (keyring, repository) = (Keyring::empty(), repository(host));
    let caller = caller(&keyring);
    let blobs = documents.iter().map(|(_, _, text)| text.as_bytes());
    for blob in blobs.chain([EMPTY]) {
        let content = Content::Bytes(Bytes::copy_from_slice(blob));
        let name = Digest::parse(&sha256(blob)).expect("a digest");
        let pushed = client
            .push_blob(&repository, &name, &content, &caller)
            .await;
        pushed.expect("a blob");
    }
    let layers = documents.iter().map(|(media_type, label, text)| {
        json!({"mediaType": media_type, "digest": sha256(text.as_bytes()), "size": text.len(), "annotations": labelled(*label)})
    });
    let mut manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": sha256(EMPTY), "size": EMPTY.len()},
        "layers": layers.collect::<Vec<_>>(),
    });
    if let Some(subject) = subject {
        manifest["artifactType"] = BUNDLE.into();
        manifest["subject"] = json!({"mediaType": subject.media_type(), "digest": subject.digest(), "size": subject.size()});
    }
    let tag = Tag::parse(tag).expect("a tag");
    let pushed = client
        .push_manifest(&repository, &tag, manifest.to_string().into(), &caller)
        .await;
    pushed.expect("a manifest");
}

fn beside(image: &Image) -> String {
    format!("{}.att", image.digest().replace(':', "-"))
}

async fn attached(client: &Client, host: &str, to: &Image) -> Result<Vec<String>, RegistryError> {
    let keyring = Keyring::empty();
    let found = client
        .attached(&repository(host), &digest(to), &LETTERS, &caller(&keyring))
        .await?;
    let texts = found
        .iter()
        .map(|one| String::from_utf8_lossy(&one.content).into_owned());
    let mut texts: Vec<_> = texts.collect();
    texts.sort();
    Ok(texts)
}

#[tokio::test]
async fn what_refers_to_an_image_and_what_lies_beside_it_is_read_and_nothing_else() {
    if !require(&[&REFERRERS]) {
        return;
    }
    let registry = Registry::referrers().expect("a registry");
    let (hello, other) = (image("hello"), image("other"));
    for (one, tag) in [(&hello, "v1"), (&other, "v2")] {
        registry.push(one, "team/app", tag).expect("a push");
    }
    let host = registry.host();
    let client = plain_client(&host);
    assert_eq!(
        attached(&client, &host, &hello).await,
        Ok(vec![]),
        "nothing is attached yet"
    );

    push(
        &client,
        &host,
        "a",
        Some(&hello),
        &[(BUNDLE, Some("letter"), "referring")],
    )
    .await;
    push(
        &client,
        &host,
        "b",
        Some(&hello),
        &[
            (BUNDLE, Some("bill"), "of another kind"),
            ("text/plain", None, "a note"),
        ],
    )
    .await;
    push(
        &client,
        &host,
        "c",
        Some(&other),
        &[(BUNDLE, Some("letter"), "to another image")],
    )
    .await;
    let documents = [
        (ENVELOPE, None, "beside"),
        (ENVELOPE, Some("bill"), "a bill"),
    ];
    push(&client, &host, &beside(&hello), None, &documents).await;
    assert_eq!(
        attached(&client, &host, &hello).await,
        Ok(vec!["beside".to_owned(), "referring".to_owned()])
    );
}

#[tokio::test]
async fn a_registry_without_a_list_has_what_lies_beside_the_image() {
    if !require(&[&REGISTRY]) {
        return;
    }
    let registry = Registry::open().expect("a registry");
    let hello = image("hello");
    registry.push(&hello, "team/app", "v1").expect("a push");
    let host = registry.host();
    let client = plain_client(&host);
    assert_eq!(attached(&client, &host, &hello).await, Ok(vec![]));
    push(
        &client,
        &host,
        &beside(&hello),
        None,
        &[(ENVELOPE, None, "beside")],
    )
    .await;
    assert_eq!(
        attached(&client, &host, &hello).await,
        Ok(vec!["beside".to_owned()])
    );
}

#[tokio::test]
async fn a_failure_is_never_that_nothing_is_attached() {
    if !require(&[&CRANE]) {
        return;
    }
    let registry = Registry::crane().expect("a registry");
    let hello = image("hello");
    registry.push(&hello, "team/app", "v1").expect("a push");
    let proxy = Proxy::plain(registry.upstream()).expect("a proxy");
    let (host, client) = (proxy.host(), plain_client(&proxy.host()));
    push(
        &client,
        &host,
        &beside(&hello),
        None,
        &[(ENVELOPE, None, "beside")],
    )
    .await;
    let failing = || Fault::status(StatusCode::INTERNAL_SERVER_ERROR);
    let blob = format!("blobs/{}", sha256(b"beside"));
    let tag = beside(&hello);
    for path in [
        "/referrers/",
        "manifests/sha256-",
        tag.as_str(),
        blob.as_str(),
    ] {
        proxy.heal();
        proxy.on(path, failing());
        let error = attached(&client, &host, &hello).await.expect_err(path);
        assert!(error.to_string().contains("status 500"), "{path}: {error}");
    }
    proxy.heal();
    assert_eq!(
        attached(&client, &host, &hello).await,
        Ok(vec!["beside".to_owned()])
    );
}

#[tokio::test]
async fn more_than_is_read_is_refused_as_a_whole() {
    if !require(&[&CRANE]) {
        return;
    }
    let registry = Registry::crane().expect("a registry");
    let (many, large) = (image("many"), image("large"));
    for (one, tag) in [(&many, "v1"), (&large, "v2")] {
        registry.push(one, "team/app", tag).expect("a push");
    }
    let (host, client) = (registry.host(), plain_client(&registry.host()));
    let four = ["1", "2", "3", "4"].map(|text| (ENVELOPE, None, text));
    push(&client, &host, &beside(&many), None, &four).await;
    let error = attached(&client, &host, &many).await.expect_err("four");
    assert_eq!(error.failure, RegistryFailure::TooManyAttached { limit: 3 });

    let long = "x".repeat(1025);
    push(
        &client,
        &host,
        &beside(&large),
        None,
        &[(ENVELOPE, None, &long)],
    )
    .await;
    let error = attached(&client, &host, &large)
        .await
        .expect_err("1025 bytes");
    assert_eq!(
        error.failure,
        RegistryFailure::TooLargeAttached { limit: 1024 }
    );
    let said = error.to_string();
    assert!(
        said.starts_with("cannot read what is attached to localhost:"),
        "{said}"
    );
}

#[tokio::test]
async fn a_mirror_that_has_nothing_attached_is_not_the_last_word() {
    if !require(&[&REFERRERS, &CRANE]) {
        return;
    }
    let (origin, copies) = (Registry::referrers(), Registry::crane());
    let (origin, copies) = (origin.expect("a registry"), copies.expect("a mirror"));
    let hello = image("hello");
    for registry in [&origin, &copies] {
        registry.push(&hello, "team/app", "v1").expect("a push");
    }
    let host = origin.host();
    let direct = plain_client(&host);
    let documents = [(BUNDLE, Some("letter"), "referring")];
    push(&direct, &host, "a", Some(&hello), &documents).await;
    let documents = [(ENVELOPE, None, "beside")];
    push(&direct, &host, &beside(&hello), None, &documents).await;
    let mirror = Mirror::parse(&copies.host()).expect("a mirror");
    let mirrored = client(vec![
        named(&host, &Security::PlainHttp).with_mirror(mirror),
        named(&copies.host(), &Security::PlainHttp),
    ]);
    assert_eq!(
        attached(&mirrored, &host, &hello).await,
        Ok(vec!["beside".to_owned(), "referring".to_owned()])
    );
}
