//! Keys that are replaced.

use cise_testkit::notary::Key;
use jiff::SignedDuration;

use crate::bed::{Bed, gun, image, target};

#[tokio::test]
async fn every_key_of_a_repository_can_be_rotated_under_a_running_verifier_and_over_a_restart() {
    let Some(bed) = Bed::start() else { return };
    let (owner, gun, hello) = (bed.person("owner"), gun("app"), image("hello"));
    owner.init(&gun).unwrap();
    owner.sign(&gun, &target("v1", &hello), &[]).unwrap();
    let tag = format!("{gun}:v1");
    let mut running = bed.verifier();
    assert_eq!(running.admits(&tag, &[]).await, hello.digest());
    for key in [
        Key::Timestamp,
        Key::Snapshot,
        Key::Targets,
        Key::Root,
        Key::Root,
        Key::Timestamp,
        Key::Root,
    ] {
        owner.rotate(&gun, key).unwrap();
        running = running.later(SignedDuration::from_mins(2));
        assert_eq!(
            running.admits(&tag, &[]).await,
            hello.digest(),
            "{key:?}, running"
        );
        assert_eq!(
            bed.verifier().admits(&tag, &[]).await,
            hello.digest(),
            "{key:?}, after a restart"
        );
    }
}

#[tokio::test]
async fn a_chain_of_several_roots_is_followed_at_once() {
    let Some(bed) = Bed::start() else { return };
    let (owner, gun, hello) = (bed.person("owner"), gun("app"), image("hello"));
    owner.init(&gun).unwrap();
    owner.sign(&gun, &target("v1", &hello), &[]).unwrap();
    let tag = format!("{gun}:v1");
    bed.verifier().admits(&tag, &[]).await;
    for _ in 0..4 {
        owner.rotate(&gun, Key::Root).unwrap();
    }
    assert_eq!(bed.verifier().admits(&tag, &[]).await, hello.digest());
}

#[tokio::test]
async fn a_signers_new_key_counts_once_it_has_signed_and_the_old_one_no_more() {
    let Some(bed) = Bed::start() else { return };
    let (owner, old, new) = (
        bed.person("owner"),
        bed.person("alice"),
        bed.person("alice"),
    );
    let (olds, news) = (old.generate_key().unwrap(), new.generate_key().unwrap());
    let (gun, hello) = (gun("app"), image("hello"));
    owner.init(&gun).unwrap();
    owner.add_signer(&gun, &olds).unwrap();
    old.release(&gun, &target("v1", &hello)).unwrap();
    let (tag, verifier) = (format!("{gun}:v1"), bed.verifier());
    assert_eq!(verifier.admits(&tag, &[&olds]).await, hello.digest());

    owner.remove_signer(&gun, &olds).unwrap();
    owner.add_signer(&gun, &news).unwrap();
    for role in ["targets/alice", "targets/releases"] {
        new.witness(&gun, role).unwrap();
    }
    let verifier = verifier.later(SignedDuration::from_mins(2));
    assert_eq!(verifier.admits(&tag, &[&news]).await, hello.digest());
    assert_eq!(
        verifier.refuses(&tag, &[&olds]).await,
        "trust-signer-key-mismatch"
    );
}
