//! The trust server starts, takes what the real client signs, and is gone afterwards.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use cise_testkit::authority::{Authority, KeyKind};
use cise_testkit::components::{self, NOTARY, NOTARY_SERVER};
use cise_testkit::images::{Format, Image};
use cise_testkit::notary::{Key, NotaryServer, Publisher, Target};
use cise_testkit::process::is_listening;
use cise_testkit::proxy::{Fault, Proxy};
use cise_testkit::tokens::{TokenServer, User};

const GUN: &str = "registry.test/team/app";

fn target(tag: &str) -> Target {
    Target::new(tag, &Image::new(Format::Oci, &[("version", tag)]).unwrap())
}

fn available() -> bool {
    components::require(&[&NOTARY_SERVER, &NOTARY])
}

/// What a client that never saw the repository before finds in a role.
fn listed(server: &NotaryServer, role: &str) -> String {
    Publisher::new(server, "reader")
        .unwrap()
        .run(&["list", GUN, "-r", role])
        .unwrap()
}

#[test]
fn the_owner_signs_alone() {
    if !available() {
        return;
    }
    let server = NotaryServer::open(&Authority::new("test").unwrap()).unwrap();
    let owner = Publisher::new(&server, "owner").unwrap();
    owner.init_with_snapshot_key(GUN).unwrap();
    owner.sign(GUN, &target("v1"), &[]).unwrap();
    owner.sign(GUN, &target("v2"), &[]).unwrap();
    owner.remove_target(GUN, "v1", &[]).unwrap();

    let listed = listed(&server, "targets");
    assert!(
        listed.contains(target("v2").digest.trim_start_matches("sha256:")),
        "{listed}"
    );
    assert!(
        !listed.contains(target("v1").digest.trim_start_matches("sha256:")),
        "{listed}"
    );

    let address = server
        .trust()
        .server_url
        .replace("https://localhost", "127.0.0.1")
        .parse()
        .unwrap();
    assert!(is_listening(address));
    drop(server);
    assert!(!is_listening(address));
}

#[test]
fn signers_with_every_kind_of_key_release_tags() {
    if !available() {
        return;
    }
    let server = NotaryServer::open(&Authority::new("test").unwrap()).unwrap();
    let owner = Publisher::new(&server, "owner").unwrap();
    owner.init(GUN).unwrap();
    let person = |name| Publisher::new(&server, name).unwrap();
    let (alice, bob, carol, dave) = (
        person("alice"),
        person("bob"),
        person("carol"),
        person("dave"),
    );
    let keys = [
        (&alice, alice.generate_key().unwrap()),
        (&bob, bob.make_key(KeyKind::Rsa).unwrap()),
        (&carol, carol.make_certificate(KeyKind::Rsa).unwrap()),
        (&dave, dave.make_certificate(KeyKind::Ecdsa).unwrap()),
    ];
    assert!(keys[0].1.public_key.contains("\nrole: alice\n"));
    for (signer, key) in &keys {
        owner.add_signer(GUN, key).unwrap();
        signer.release(GUN, &target(&key.signer)).unwrap();
        let signed = listed(&server, &key.role());
        assert!(
            signed.contains(target(&key.signer).digest.trim_start_matches("sha256:")),
            "{signed}"
        );
    }
    let released = listed(&server, "targets/releases");
    assert!(
        keys.iter().all(|(_, key)| released.contains(&key.signer)),
        "{released}"
    );

    owner.remove_signer(GUN, &keys[3].1).unwrap();
    assert!(
        !owner
            .run(&["delegation", "list", GUN])
            .unwrap()
            .contains(&keys[3].1.key_id)
    );
    alice.witness(GUN, "targets/releases").unwrap();
    assert!(listed(&server, "targets/releases").contains("alice"));
}

#[test]
fn every_key_of_a_repository_can_be_replaced() {
    if !available() {
        return;
    }
    let server = NotaryServer::open(&Authority::new("test").unwrap()).unwrap();
    let owner = Publisher::new(&server, "owner").unwrap();
    owner.init(GUN).unwrap();
    owner.sign(GUN, &target("v1"), &[]).unwrap();
    for key in [Key::Root, Key::Targets, Key::Snapshot, Key::Timestamp] {
        owner.rotate(GUN, key).unwrap();
    }
    assert!(listed(&server, "targets").contains("v1"));
}

#[test]
fn a_root_key_can_be_brought_along() {
    if !available() {
        return;
    }
    let server = NotaryServer::open(&Authority::new("test").unwrap()).unwrap();
    let owner = Publisher::new(&server, "owner").unwrap();
    owner.init_with_root(GUN, KeyKind::Rsa).unwrap();
    owner.sign(GUN, &target("v1"), &[]).unwrap();
    assert!(listed(&server, "targets").contains("v1"));
}

#[test]
fn a_trust_server_with_tokens_wants_one() {
    if !available() {
        return;
    }
    let authority = Authority::new("test").unwrap();
    let owner = User {
        name: "owner",
        password: "secret",
        repositories: "team/",
        actions: &["pull", "push", "*"],
    };
    let tokens = TokenServer::start(&authority, &[owner]).unwrap();
    let server = NotaryServer::bearer(&authority, &tokens).unwrap();
    let owner = Publisher::new(&server, "owner")
        .unwrap()
        .with_login("owner", "secret");
    owner.init(GUN).unwrap();
    owner.sign(GUN, &target("v1"), &[]).unwrap();
    assert!(owner.run(&["list", GUN]).unwrap().contains("v1"));

    let stranger = Publisher::new(&server, "stranger").unwrap();
    assert!(stranger.run(&["list", GUN]).is_err());
}

#[test]
fn a_client_reads_through_a_proxy() {
    if !available() {
        return;
    }
    let authority = Authority::new("test").unwrap();
    let server = NotaryServer::open(&authority).unwrap();
    let owner = Publisher::new(&server, "owner").unwrap();
    owner.init(GUN).unwrap();
    owner.sign(GUN, &target("v1"), &[]).unwrap();
    let proxy = Proxy::tls(server.upstream(), &authority).unwrap();
    let reader = Publisher::new(&server, "reader").unwrap();
    let list = || reader.run(&["list", GUN, "--server", &proxy.url()]);
    assert!(list().unwrap().contains("v1"));
    let timestamp = format!("/v2/{GUN}/_trust/tuf/timestamp.json");
    assert!(
        proxy
            .exchanges()
            .iter()
            .any(|exchange| exchange.path == timestamp)
    );
    proxy.on("timestamp.json", Fault::body("{}"));
    assert!(list().is_err());
}
