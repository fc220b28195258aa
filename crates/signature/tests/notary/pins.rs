//! Trust on first use: recorded before anything is admitted, and held against everything that comes later.

use std::fs;
use std::sync::Arc;

use cise_policy::TrustServer;
use cise_reference::Repository;
use cise_signature::notary::{Presets, Requirement};
use cise_signature::store::{FolderStore, TrustState};
use cise_signature::{Gun, PinKey};
use cise_testkit::notary::{NotaryServer, Publisher};
use tempfile::TempDir;

use crate::bed::{Bed, gun, image, target};

fn store(bed: &Bed) -> FolderStore {
    FolderStore::open(bed.state.path(), 100).unwrap()
}

fn shared(gun: &str) -> PinKey {
    PinKey::shared(Gun::of(&Repository::parse(gun).unwrap()))
}

fn pinned(bed: &Bed, gun: &str) -> Option<u64> {
    store(bed)
        .show(&shared(gun))
        .unwrap()
        .map(|state| state.root_version())
}

/// Another trust server, on which somebody else initialized the repository.
fn foreign_server(bed: &Bed, gun: &str) -> NotaryServer {
    let server = NotaryServer::open(&bed.authority).unwrap();
    let mallory = Publisher::new(&server, "mallory").unwrap();
    mallory.init(gun).unwrap();
    mallory
        .sign(gun, &target("v1", &image("evil")), &[])
        .unwrap();
    server
}

fn signed(bed: &Bed, gun: &str) -> String {
    let (owner, hello) = (bed.person("owner"), image("hello"));
    owner.init(gun).unwrap();
    owner.sign(gun, &target("v1", &hello), &[]).unwrap();
    hello.digest()
}

#[tokio::test]
async fn the_first_root_is_pinned_and_a_foreign_one_is_refused_until_the_pin_is_forgotten() {
    let Some(bed) = Bed::start() else { return };
    let gun = gun("app");
    let digest = signed(&bed, &gun);
    let tag = format!("{gun}:v1");
    assert_eq!(bed.verifier().admits(&tag, &[]).await, digest);
    assert_eq!(pinned(&bed, &gun), Some(bed_root_version(&bed, &gun)));

    let foreign = foreign_server(&bed, &gun);
    let verifier = bed.verifier_of(
        &foreign.trust().server_url,
        bed.state.path(),
        Presets::new(),
    );
    assert_eq!(verifier.refuses(&tag, &[]).await, "trust-root-changed");
    assert_eq!(
        bed.verifier().admits(&tag, &[]).await,
        digest,
        "the pin is as it was"
    );

    assert!(store(&bed).forget(&shared(&gun)).unwrap());
    assert!(!store(&bed).forget(&shared(&gun)).unwrap());
    assert_eq!(verifier.admits(&tag, &[]).await, image("evil").digest());
}

fn bed_root_version(bed: &Bed, gun: &str) -> u64 {
    let listed = store(bed).list().unwrap();
    let state = listed
        .into_iter()
        .map(Result::unwrap)
        .find(|state| state.gun().as_str() == gun);
    state.unwrap().root_version()
}

/// Mallory may write policies in one namespace. She sets up a trust server, signs an image of hers in the name of everybody's
/// repository, and is the first to have it verified.
#[tokio::test]
async fn a_trust_server_that_a_policy_names_pins_a_root_for_nobody_else() {
    let Some(bed) = Bed::start() else { return };
    let gun = gun("app");
    let (digest, foreign) = (signed(&bed, &gun), foreign_server(&bed, &gun));
    let (tag, verifier) = (format!("{gun}:v1"), bed.verifier());
    let naming = |server: &NotaryServer| {
        let url = TrustServer::parse(&server.trust().server_url).unwrap();
        Requirement::new(Some(url), Vec::new())
    };
    let of_mallory = verifier.require(&tag, &naming(&foreign)).await.unwrap();
    assert_eq!(of_mallory.digest().to_string(), image("evil").digest());
    assert_eq!(pinned(&bed, &gun), None, "her pin is hers alone");

    assert_eq!(verifier.admits(&tag, &[]).await, digest);
    let same = verifier.require(&tag, &naming(&bed.server)).await.unwrap();
    assert_eq!(
        same.digest().to_string(),
        digest,
        "the configured server, by its name"
    );
    let records = store(&bed).list().unwrap();
    let pins: Vec<_> = records.into_iter().map(|record| record.unwrap()).collect();
    let own = TrustServer::parse(&foreign.trust().server_url).unwrap();
    let own = PinKey::of_policies_that_name(own, shared(&gun).gun().clone());
    assert_eq!(
        pins.iter().map(TrustState::pin).collect::<Vec<_>>(),
        [&shared(&gun), &own]
    );

    // Nor does it help her to have the pin forgotten that she can reach.
    assert!(store(&bed).forget(&own).unwrap());
    let restarted = bed.verifier();
    restarted.require(&tag, &naming(&foreign)).await.unwrap();
    assert_eq!(restarted.admits(&tag, &[]).await, digest);
}

#[tokio::test]
async fn a_dry_run_decides_the_same_and_leaves_no_trace() {
    let Some(bed) = Bed::start() else { return };
    let gun = gun("app");
    let digest = signed(&bed, &gun);
    let (tag, verifier) = (format!("{gun}:v1"), bed.verifier());
    assert_eq!(verifier.dry_run().admits(&tag, &[]).await, digest);
    assert_eq!(
        verifier.dry_run().refuses(&format!("{gun}:v2"), &[]).await,
        "trust-unsigned"
    );
    assert_eq!(pinned(&bed, &gun), None);
    // What a dry run found does not stand in for the record that the real request has to make.
    assert_eq!(verifier.admits(&tag, &[]).await, digest);
    assert!(pinned(&bed, &gun).is_some());
}

#[tokio::test]
async fn a_refusal_pins_only_what_was_verified_completely() {
    let Some(bed) = Bed::start() else { return };
    let gun = gun("app");
    bed.verifier().refuses(&format!("{gun}:v1"), &[]).await;
    assert_eq!(pinned(&bed, &gun), None, "there is nothing to pin");
}

#[tokio::test]
async fn a_record_that_cannot_be_read_denies_and_is_named() {
    let Some(bed) = Bed::start() else { return };
    let gun = gun("app");
    let digest = signed(&bed, &gun);
    let tag = format!("{gun}:v1");
    bed.verifier().admits(&tag, &[]).await;
    let is_record = |path: &std::path::PathBuf| {
        path.extension()
            .is_some_and(|extension| extension == "json")
    };
    let mut files = fs::read_dir(bed.state.path())
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let file = files.find(is_record).unwrap();
    let whole = fs::read_to_string(&file).unwrap();
    for damaged in [
        "",
        "{}",
        &whole[..whole.len() / 2],
        &whole.replace("\"rootVersion\"", "\"x\""),
    ] {
        fs::write(&file, damaged).unwrap();
        let refusal = bed.verifier().ask(&tag, &[]).await.unwrap_err();
        assert_eq!(refusal.code(), "trust-record-unavailable");
        assert!(
            refusal.to_string().contains(&*file.to_string_lossy()),
            "{refusal}"
        );
    }
    fs::write(&file, whole).unwrap();
    assert_eq!(bed.verifier().admits(&tag, &[]).await, digest);
}

#[tokio::test]
async fn past_the_bound_a_new_repository_is_denied_and_the_old_ones_stay() {
    let Some(bed) = Bed::start() else { return };
    let (first, second) = (gun("first"), gun("second"));
    let digest = signed(&bed, &first);
    signed(&bed, &second);
    let store = FolderStore::open(bed.state.path(), 1).unwrap();
    let verifier = bed.verifier_in(
        &bed.server.trust().server_url,
        Arc::new(store),
        Presets::new(),
    );
    assert_eq!(verifier.admits(&format!("{first}:v1"), &[]).await, digest);
    let refusal = verifier
        .ask(&format!("{second}:v1"), &[])
        .await
        .unwrap_err();
    assert!(refusal.to_string().contains("already"), "{refusal}");
    assert_eq!(verifier.admits(&format!("{first}:v1"), &[]).await, digest);
}

#[tokio::test]
async fn a_preset_root_key_is_held_against_the_very_first_root() {
    let Some(bed) = Bed::start() else { return };
    let gun = gun("app");
    let digest = signed(&bed, &gun);
    let tag = format!("{gun}:v1");
    let other = TempDir::new().unwrap();
    let own = cise_testkit::authority::Identity::code_signing(
        other.path(),
        &gun,
        cise_testkit::authority::KeyKind::Ecdsa,
    )
    .unwrap();
    let preset = |pattern: &str| Presets::new().with(pattern, &own.certificate).unwrap();
    assert_eq!(
        bed.verifier_with(preset(&gun)).refuses(&tag, &[]).await,
        "trust-root-not-preset"
    );
    assert_eq!(
        bed.verifier_with(preset("registry.example.com/*"))
            .refuses(&tag, &[])
            .await,
        "trust-root-not-preset"
    );
    assert_eq!(pinned(&bed, &gun), None);
    assert_eq!(
        bed.verifier_with(preset("other.example.com/*"))
            .admits(&tag, &[])
            .await,
        digest
    );
}

#[tokio::test]
async fn two_that_race_for_the_first_root_end_with_one_pin() {
    let Some(bed) = Bed::start() else { return };
    let gun = gun("app");
    let digest = signed(&bed, &gun);
    let foreign = foreign_server(&bed, &gun);
    let tag = format!("{gun}:v1");
    for _ in 0..5 {
        let own = bed.verifier();
        let other = bed.verifier_of(
            &foreign.trust().server_url,
            bed.state.path(),
            Presets::new(),
        );
        let (own, other) = tokio::join!(own.ask(&tag, &[]), other.ask(&tag, &[]));
        assert_eq!(
            usize::from(own.is_ok()) + usize::from(other.is_ok()),
            1,
            "{own:?} {other:?}"
        );
        if let Ok(evidence) = own {
            assert_eq!(evidence.digest().to_string(), digest);
        }
        store(&bed).forget(&shared(&gun)).unwrap();
    }
}
