//! Short ways to say what a test is about.

use std::time::Duration;

use cise_policy::HostPattern;
use cise_reference::{Digest, Reference, Repository, Tag};
use cise_registry::{
    Caller, Deadline, DockerConfig, Freshness, Http, Keyring, Outbound, Proxies, Reason,
    Registries, Registry, RegistryError, RegistryFailure, RegistryLimits, RegistrySettings,
    Security, Tls,
};
use cise_testkit::authority::Authority;
use cise_testkit::images::{Format, Image};

/// What a reason should be.
pub(crate) type Expected = fn(&Reason) -> bool;

/// Far more than any test needs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn outbound() -> Outbound {
    Outbound::new(Proxies::default())
}

pub(crate) fn trusting(authority: &Authority) -> Security {
    Security::Https(
        Tls::default()
            .with_roots(authority.certificate().as_bytes())
            .expect("a certificate"),
    )
}

pub(crate) fn named(host: &str, security: &Security) -> RegistrySettings {
    RegistrySettings::new(HostPattern::parse(host).expect(host), &outbound(), security)
        .expect("settings")
}

pub(crate) fn client(entries: Vec<RegistrySettings>) -> Registry {
    let limits = RegistryLimits::default();
    let registries = Registries::new(&outbound(), entries).expect("registries");
    Registry::new(Http::new(registries, limits.flights), limits)
}

/// A client for one registry over plain HTTP.
pub(crate) fn plain_client(host: &str) -> Registry {
    client(vec![named(host, &Security::PlainHttp)])
}

/// A client for one registry over HTTPS.
pub(crate) fn tls_client(host: &str, authority: &Authority) -> Registry {
    client(vec![named(host, &trusting(authority))])
}

/// A keyring of one secret with these keys, users and passwords.
pub(crate) fn keyring(entries: &[(&str, &str, &str)]) -> Keyring {
    let secrets = entries
        .iter()
        .enumerate()
        .map(|(number, (key, user, password))| {
            let json = format!(
                r#"{{"auths":{{"{key}":{{"username":"{user}","password":"{password}"}}}}}}"#
            );
            DockerConfig::from_config_json(&format!("Secret team/pull-{number}"), json.as_bytes())
                .expect("a document")
        });
    Keyring::new(&secrets.collect::<Vec<_>>())
}

pub(crate) fn raw_keyring(json: &str) -> Keyring {
    Keyring::new([
        &DockerConfig::from_config_json("Secret team/pull", json.as_bytes()).expect("a document"),
    ])
}

pub(crate) fn caller(keyring: &Keyring) -> Caller<'_> {
    within(keyring, PATIENCE)
}

pub(crate) fn within(keyring: &Keyring, time: Duration) -> Caller<'_> {
    Caller {
        keyring,
        namespace: "team",
        deadline: Deadline::after(time),
    }
}

pub(crate) fn image(content: &str) -> Image {
    Image::new(Format::Oci, &[("etc/motd", content)]).expect("an image")
}

pub(crate) fn digest(image: &Image) -> Digest {
    Digest::parse(&image.digest()).expect("a digest")
}

pub(crate) fn repository(host: &str) -> Repository {
    Repository::parse(&format!("{host}/team/app")).expect("a repository")
}

/// Resolves `host/team/app:v1` afresh.
pub(crate) async fn resolve(
    registry: &Registry,
    host: &str,
    keyring: &Keyring,
) -> Result<Digest, RegistryError> {
    resolve_as(registry, host, &caller(keyring)).await
}

pub(crate) async fn resolve_as(
    registry: &Registry,
    host: &str,
    caller: &Caller<'_>,
) -> Result<Digest, RegistryError> {
    let reference = Reference::parse(&format!("{host}/team/app:v1")).expect("a reference");
    let tag = Tag::parse("v1").expect("a tag");
    registry
        .resolve(reference.repository(), &tag, Freshness::Fresh, caller)
        .await
}

/// Why a host could not be asked.
pub(crate) fn reason(error: &RegistryError) -> &Reason {
    match &error.failure {
        RegistryFailure::Fetch(error) => match &error.reason {
            Reason::AllRefused(refused) if refused.len() == 1 => &refused[0].error.reason,
            reason => reason,
        },
        other => panic!("expected a failed fetch, got {other:?}"),
    }
}
