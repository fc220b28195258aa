//! Registries start, take images, ask for credentials where they should, and are gone afterwards.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;
use std::sync::Arc;

use cise_testkit::authority::Authority;
use cise_testkit::components::{self, CRANE, REFERRERS, REGISTRY};
use cise_testkit::images::{Format, Image};
use cise_testkit::process::is_listening;
use cise_testkit::registry::Registry;
use cise_testkit::tokens::{TokenServer, User};

fn image() -> Image {
    Image::multi_platform(Format::Oci, &[("etc/motd", "hello")]).unwrap()
}

/// What a real client makes of a reference: its digest, or what it complains about.
fn resolve(
    reference: &str,
    authority: Option<&Authority>,
    login: Option<(&str, &str)>,
) -> Result<String, String> {
    let home = tempfile::tempdir().unwrap();
    let crane = || {
        let mut crane = Command::new(CRANE.find().unwrap());
        crane
            .env("HOME", home.path())
            .env("DOCKER_CONFIG", home.path());
        if let Some(authority) = authority {
            crane.env("SSL_CERT_FILE", authority.certificate_file());
        }
        crane
    };
    if let Some((user, password)) = login {
        let host = reference.split('/').next().unwrap();
        let login = crane()
            .args(["auth", "login", host, "-u", user, "-p", password])
            .output()
            .unwrap();
        assert!(login.status.success(), "{login:?}");
    }
    let output = crane().args(["digest", reference]).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(text(&output.stderr))
    }
}

#[test]
fn an_open_registry_serves_what_was_pushed_and_is_gone_afterwards() {
    if !components::require(&[&REGISTRY, &CRANE]) {
        return;
    }
    let registry = Registry::open().unwrap();
    for format in [Format::Oci, Format::Docker] {
        let image = Image::new(format, &[("etc/motd", "hello")]).unwrap();
        let reference = registry.push(&image, "team/app", "v1").unwrap();
        assert_eq!(resolve(&reference, None, None).unwrap(), image.digest());
    }
    let reference = registry.push(&image(), "team/app", "v2").unwrap();
    assert_eq!(resolve(&reference, None, None).unwrap(), image().digest());
    let address = registry
        .host()
        .replace("localhost", "127.0.0.1")
        .parse()
        .unwrap();
    assert!(is_listening(address));
    drop(registry);
    assert!(!is_listening(address));
}

#[test]
fn a_registry_with_a_password_wants_it() {
    if !components::require(&[&REGISTRY, &CRANE]) {
        return;
    }
    let authority = Authority::new("test").unwrap();
    let registry = Registry::basic(&authority).unwrap();
    let reference = registry.push(&image(), "team/app", "v1").unwrap();
    let login = Some((Registry::USER, Registry::PASSWORD));
    assert_eq!(
        resolve(&reference, Some(&authority), login).unwrap(),
        image().digest()
    );
    assert!(
        resolve(&reference, Some(&authority), None)
            .unwrap_err()
            .contains("401")
    );
}

#[test]
fn a_registry_with_tokens_wants_one_for_the_repository() {
    if !components::require(&[&REGISTRY, &CRANE]) {
        return;
    }
    let authority = Authority::new("test").unwrap();
    let user = |name, password, repositories| User {
        name,
        password,
        repositories,
        actions: &["pull"],
    };
    let users = [user("alice", "secret", "team/"), user("", "", "public/")];
    let tokens = Arc::new(TokenServer::start(&authority, &users).unwrap());
    let registry = Registry::bearer(&authority, &tokens).unwrap();
    let team = registry.push(&image(), "team/app", "v1").unwrap();
    let public = registry.push(&image(), "public/app", "v1").unwrap();
    let alice = Some(("alice", "secret"));

    assert_eq!(tokens.requests(), []);
    assert_eq!(
        resolve(&public, Some(&authority), None).unwrap(),
        image().digest()
    );
    assert_eq!(
        resolve(&team, Some(&authority), alice).unwrap(),
        image().digest()
    );
    assert!(resolve(&team, Some(&authority), None).is_err());
    assert!(resolve(&team, Some(&authority), Some(("alice", "wrong"))).is_err());

    let asked: Vec<_> = tokens
        .requests()
        .into_iter()
        .map(|request| (request.user, request.scopes))
        .collect();
    assert!(
        asked.contains(&(
            Some("alice".to_owned()),
            vec!["repository:team/app:pull".to_owned()]
        )),
        "{asked:?}"
    );
}

#[test]
fn crane_serves_a_registry_without_and_with_referrers() {
    if !components::require(&[&CRANE, &REFERRERS]) {
        return;
    }
    for registry in [Registry::crane().unwrap(), Registry::referrers().unwrap()] {
        let reference = registry.push(&image(), "team/app", "v1").unwrap();
        assert_eq!(resolve(&reference, None, None).unwrap(), image().digest());
    }
}
