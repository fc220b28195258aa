//! What refers to an image, at registries with a list of it and without.

use cise_reference::Digest;
use cise_registry::{Keyring, Registry as Client, RegistryFailure};
use cise_testkit::components::{CRANE, REFERRERS, require};
use cise_testkit::images::{Image, sha256};
use cise_testkit::proxy::{Fault, Proxy};
use cise_testkit::registry::Registry;
use http::header::{CONTENT_TYPE, LINK};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::setup::{caller, digest, image, plain_client, repository};

const SIGNATURE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const OTHER: &str = "application/vnd.example.sbom";
const EMPTY: &str = "application/vnd.oci.empty.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

fn descriptor(number: u64, artifact_type: &str) -> String {
    let digest = format!("sha256:{number:064x}");
    format!(
        r#"{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{digest}","size":2,"artifactType":"{artifact_type}"}}"#
    )
}

fn list(descriptors: &[String]) -> String {
    format!(
        r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{}]}}"#,
        descriptors.join(",")
    )
}

/// Answers with a list, and with the next page's address if there is one.
fn answering(list: String, next: Option<&'static str>) -> Fault {
    Fault::change(move |answer| {
        answer.status = StatusCode::OK;
        answer.headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(INDEX))]);
        if let Some(next) = next {
            answer.headers.insert(LINK, HeaderValue::from_static(next));
        }
        answer.body = list.clone().into();
    })
}

async fn referrers(
    client: &Client,
    host: &str,
    of: &Image,
) -> Result<Vec<Digest>, RegistryFailure> {
    let keyring = Keyring::empty();
    let found = client
        .referrers(
            &repository(host),
            &digest(of),
            Some(SIGNATURE),
            &caller(&keyring),
        )
        .await;
    let found = found.map_err(|error| error.failure)?;
    Ok(found
        .into_iter()
        .map(|descriptor| descriptor.digest)
        .collect())
}

/// Pushes a manifest with a subject. The registry of the tests tells the type of its configuration as its artifact type.
async fn attach(registry: &Registry, subject: &Image, artifact_type: &str, config: &str) -> Digest {
    let blob = |media_type: &str| {
        format!(
            r#"{{"mediaType":"{media_type}","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2}}"#
        )
    };
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"{artifact_type}","config":{},"layers":[{}],"subject":{{"mediaType":"{}","digest":"{}","size":{}}}}}"#,
        blob(config),
        blob(EMPTY),
        subject.media_type(),
        subject.digest(),
        subject.size()
    );
    let digest = sha256(manifest.as_bytes());
    let url = format!("{}/v2/team/app/manifests/{digest}", registry.url());
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(unused_tls())
        .build()
        .expect("a client");
    let request = client
        .put(url)
        .header(CONTENT_TYPE, "application/vnd.oci.image.manifest.v1+json")
        .body(manifest);
    let answer = request.send().await.expect("an answer");
    assert!(answer.status().is_success(), "{}", answer.status());
    Digest::parse(&digest).expect("a digest")
}

/// The HTTP client wants settings for TLS, although the registry speaks plain HTTP.
fn unused_tls() -> rustls::ClientConfig {
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth()
}

#[tokio::test]
async fn a_registry_with_a_list_is_asked_for_it() {
    if !require(&[&REFERRERS]) {
        return;
    }
    let registry = Registry::referrers().expect("a registry");
    let subject = image("hello");
    registry.push(&subject, "team/app", "v1").expect("a push");
    let says_so = attach(&registry, &subject, SIGNATURE, SIGNATURE).await;
    let says_nothing = attach(&registry, &subject, SIGNATURE, EMPTY).await;
    attach(&registry, &subject, OTHER, OTHER).await;
    let mut found = referrers(&plain_client(&registry.host()), &registry.host(), &subject)
        .await
        .expect("a list");
    found.sort();
    let mut expected = [says_so, says_nothing];
    expected.sort();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn without_a_list_the_tag_stands_in_and_with_both_neither_hides_the_other() {
    if !require(&[&CRANE]) {
        return;
    }
    let registry = Registry::crane().expect("a registry");
    let subject = image("hello");
    registry.push(&subject, "team/app", "v1").expect("a push");
    let proxy = Proxy::plain(registry.upstream()).expect("a proxy");
    let client = plain_client(&proxy.host());
    assert_eq!(
        referrers(&client, &proxy.host(), &subject).await,
        Ok(vec![]),
        "nothing refers to it yet"
    );
    let number = |number: u64| Digest::parse(&format!("sha256:{number:064x}")).expect("a digest");
    proxy.on(
        "manifests/sha256-",
        answering(
            list(&[descriptor(1, SIGNATURE), descriptor(2, OTHER)]),
            None,
        ),
    );
    assert_eq!(
        referrers(&client, &proxy.host(), &subject).await,
        Ok(vec![number(1)])
    );
    proxy.on(
        "/referrers/",
        answering(
            list(&[descriptor(3, SIGNATURE), descriptor(1, SIGNATURE)]),
            None,
        ),
    );
    assert_eq!(
        referrers(&client, &proxy.host(), &subject).await,
        Ok(vec![number(3), number(1)])
    );
}

#[tokio::test]
async fn pages_are_followed_to_a_bound() {
    if !require(&[&CRANE]) {
        return;
    }
    let registry = Registry::crane().expect("a registry");
    let subject = image("hello");
    let proxy = Proxy::plain(registry.upstream()).expect("a proxy");
    let client = plain_client(&proxy.host());
    let number = |number: u64| Digest::parse(&format!("sha256:{number:064x}")).expect("a digest");
    let page = "</v2/team/app/referrers/next?page=2>; rel=\"next\"";
    proxy.on(
        "/referrers/sha256:",
        answering(list(&[descriptor(1, SIGNATURE)]), Some(page)),
    );
    proxy.on("page=2", answering(list(&[descriptor(2, SIGNATURE)]), None));
    assert_eq!(
        referrers(&client, &proxy.host(), &subject).await,
        Ok(vec![number(1), number(2)])
    );

    proxy.heal();
    proxy.forget();
    proxy.on("/referrers/", answering(list(&[]), Some(page)));
    let error = referrers(&client, &proxy.host(), &subject)
        .await
        .expect_err("pages without end");
    assert!(error.to_string().contains("too many pages"), "{error}");
    assert!(proxy.exchanges().len() < 30);
}

#[tokio::test]
async fn too_many_referrers_are_refused_and_those_of_other_kinds_do_not_count() {
    if !require(&[&CRANE]) {
        return;
    }
    let registry = Registry::crane().expect("a registry");
    let subject = image("hello");
    let proxy = Proxy::plain(registry.upstream()).expect("a proxy");
    let client = plain_client(&proxy.host());
    let junk = |artifact_type: &str, count: u64| {
        (1..=count)
            .map(|number| descriptor(number, artifact_type))
            .collect::<Vec<_>>()
    };
    proxy.on(
        "/referrers/",
        answering(
            list(&[junk(OTHER, 4000), vec![descriptor(5000, SIGNATURE)]].concat()),
            None,
        ),
    );
    assert_eq!(
        referrers(&client, &proxy.host(), &subject)
            .await
            .map(|found| found.len()),
        Ok(1)
    );
    proxy.heal();
    proxy.on("/referrers/", answering(list(&junk(SIGNATURE, 1001)), None));
    let error = referrers(&client, &proxy.host(), &subject)
        .await
        .expect_err("too many");
    assert_eq!(error, RegistryFailure::TooManyReferrers { limit: 1000 });
}
