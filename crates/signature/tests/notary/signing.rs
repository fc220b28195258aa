//! Who signed what, and whether that is enough.

use cise_signature::notary::Requirement;
use cise_signature::{Refusal, RefusalKind};

use crate::bed::{Bed, gun, image, requirement, signer, target};

#[tokio::test]
async fn a_repository_in_which_nothing_was_ever_signed_is_refused() {
    let Some(bed) = Bed::start() else { return };
    let refusal = bed
        .verifier()
        .ask(&format!("{}:v1", gun("app")), &[])
        .await
        .unwrap_err();
    assert_eq!(refusal.code(), "trust-no-data");
    assert_eq!(refusal.kind(), RefusalKind::Untrusted);
    let text = refusal.to_string();
    assert!(
        text.contains("registry.example.com/app") && text.contains("https://localhost:"),
        "{text}"
    );
}

#[tokio::test]
async fn a_registry_without_a_trust_server_is_not_supported() {
    let Some(bed) = Bed::start() else { return };
    let refusal = bed
        .verifier()
        .ask("docker.io/library/nginx:1", &[])
        .await
        .unwrap_err();
    assert_eq!(
        refusal,
        Refusal::UnsupportedRegistry {
            registry: "docker.io".into()
        }
    );
    assert_eq!(refusal.kind(), RefusalKind::Unsupported);
}

#[tokio::test]
async fn a_tag_in_the_targets_role_is_signed_and_others_are_not() {
    let Some(bed) = Bed::start() else { return };
    let (owner, gun, hello) = (bed.person("owner"), gun("app"), image("hello"));
    owner.init_with_snapshot_key(&gun).unwrap();
    owner.sign(&gun, &target("v1", &hello), &[]).unwrap();

    let verifier = bed.verifier();
    assert_eq!(
        verifier.admits(&format!("{gun}:v1"), &[]).await,
        hello.digest()
    );
    assert_eq!(
        verifier.refuses(&format!("{gun}:v2"), &[]).await,
        "trust-unsigned"
    );
    assert_eq!(verifier.refuses(&gun, &[]).await, "trust-unsigned");
}

#[tokio::test]
async fn a_release_by_one_signer_satisfies_who_asks_for_that_signer_and_nobody_else() {
    let Some(bed) = Bed::start() else { return };
    let (owner, alice, bob) = (bed.person("owner"), bed.person("alice"), bed.person("bob"));
    let (gun, hello) = (gun("app"), image("hello"));
    let (alices, bobs) = (alice.generate_key().unwrap(), bob.generate_key().unwrap());
    owner.init(&gun).unwrap();
    owner.add_signer(&gun, &alices).unwrap();
    owner.add_signer(&gun, &bobs).unwrap();

    let (tag, verifier) = (format!("{gun}:v1"), bed.verifier());
    assert_eq!(
        verifier.refuses(&tag, &[]).await,
        "trust-unsigned",
        "nothing is released yet"
    );
    assert_eq!(verifier.refuses(&tag, &[&alices]).await, "trust-unsigned");

    alice.release(&gun, &target("v1", &hello)).unwrap();
    assert_eq!(verifier.admits(&tag, &[]).await, hello.digest());
    assert_eq!(verifier.admits(&tag, &[&alices]).await, hello.digest());
    assert_eq!(
        verifier.refuses(&tag, &[&bobs]).await,
        "trust-signer-unknown"
    );
    assert_eq!(
        verifier.refuses(&tag, &[&alices, &bobs]).await,
        "trust-signer-unknown"
    );

    bob.release(&gun, &target("v1", &hello)).unwrap();
    let evidence = verifier.ask(&tag, &[&alices, &bobs]).await.unwrap();
    let json = serde_json::to_value(&evidence).unwrap();
    assert_eq!(json["kind"], "contentTrust");
    assert_eq!(json["releasedBy"], "targets/releases");
    assert_eq!(json["signers"][0]["name"], "alice");
    assert_eq!(json["signers"][1]["name"], "bob");
    assert_eq!(json["signers"][1]["keyId"], bobs.key_id);
}

#[tokio::test]
async fn signatures_of_another_digest_than_the_released_one_do_not_count() {
    let Some(bed) = Bed::start() else { return };
    let people = ["alice", "bob", "carol"].map(|name| bed.person(name));
    let keys = people
        .each_ref()
        .map(|person| person.generate_key().unwrap());
    let (owner, gun) = (bed.person("owner"), gun("app"));
    let (first, second) = (image("first"), image("second"));
    owner.init(&gun).unwrap();
    for key in &keys {
        owner.add_signer(&gun, key).unwrap();
    }
    let [alice, bob, carol] = &people;
    alice.release(&gun, &target("v1", &first)).unwrap();
    bob.release(&gun, &target("v1", &first)).unwrap();

    let (tag, verifier) = (format!("{gun}:v1"), bed.verifier());
    let [alices, bobs, carols] = keys.each_ref();
    assert_eq!(verifier.admits(&tag, &[alices, bobs]).await, first.digest());

    carol.release(&gun, &target("v1", &second)).unwrap();
    let verifier = verifier.later(jiff::SignedDuration::from_mins(2));
    assert_eq!(verifier.admits(&tag, &[]).await, second.digest());
    assert_eq!(verifier.admits(&tag, &[carols]).await, second.digest());
    assert_eq!(
        verifier.refuses(&tag, &[alices, bobs]).await,
        "trust-signer-digest-mismatch"
    );
    // The first digest is released no more, however it is asked for.
    let by_digest = format!("{gun}@{}", first.digest());
    assert_eq!(
        verifier.refuses(&by_digest, &[]).await,
        "trust-digest-unsigned"
    );
    assert_eq!(
        verifier.refuses(&by_digest, &[alices, bobs]).await,
        "trust-digest-unsigned"
    );
}

#[tokio::test]
async fn a_signer_who_is_removed_counts_no_more() {
    let Some(bed) = Bed::start() else { return };
    let (owner, alice, bob) = (bed.person("owner"), bed.person("alice"), bed.person("bob"));
    let (alices, bobs) = (alice.generate_key().unwrap(), bob.generate_key().unwrap());
    let (gun, hello) = (gun("app"), image("hello"));
    owner.init(&gun).unwrap();
    owner.add_signer(&gun, &alices).unwrap();
    owner.add_signer(&gun, &bobs).unwrap();
    bob.release(&gun, &target("v1", &hello)).unwrap();
    alice.release(&gun, &target("v1", &hello)).unwrap();
    // What is the same already is not signed anew; so this is what makes Alice the last who signed the releases.
    alice.release(&gun, &target("v2", &hello)).unwrap();

    let (tag, verifier) = (format!("{gun}:v1"), bed.verifier());
    assert_eq!(
        verifier.admits(&tag, &[&alices, &bobs]).await,
        hello.digest()
    );

    owner.remove_signer(&gun, &bobs).unwrap();
    let verifier = verifier.later(jiff::SignedDuration::from_mins(2));
    assert_eq!(verifier.admits(&tag, &[&alices]).await, hello.digest());
    assert_eq!(
        verifier.refuses(&tag, &[&bobs]).await,
        "trust-signer-unknown"
    );
    assert_eq!(
        verifier.refuses(&tag, &[&alices, &bobs]).await,
        "trust-signer-unknown"
    );
}

#[tokio::test]
async fn releases_whose_last_signer_was_removed_are_not_believed_until_another_signs_them() {
    let Some(bed) = Bed::start() else { return };
    let (owner, alice, bob) = (bed.person("owner"), bed.person("alice"), bed.person("bob"));
    let (alices, bobs) = (alice.generate_key().unwrap(), bob.generate_key().unwrap());
    let (gun, hello) = (gun("app"), image("hello"));
    owner.init(&gun).unwrap();
    owner.add_signer(&gun, &alices).unwrap();
    owner.add_signer(&gun, &bobs).unwrap();
    alice.release(&gun, &target("v1", &hello)).unwrap();
    bob.release(&gun, &target("v2", &hello)).unwrap();
    owner.remove_signer(&gun, &bobs).unwrap();

    let (tag, verifier) = (format!("{gun}:v1"), bed.verifier());
    assert_eq!(verifier.refuses(&tag, &[]).await, "trust-signature-invalid");
    alice.witness(&gun, "targets/releases").unwrap();
    assert_eq!(verifier.admits(&tag, &[&alices]).await, hello.digest());
}

#[tokio::test]
async fn the_key_in_the_secret_must_be_the_one_that_signed() {
    let Some(bed) = Bed::start() else { return };
    let (owner, alice, mallory) = (
        bed.person("owner"),
        bed.person("alice"),
        bed.person("alice"),
    );
    let (alices, mallorys) = (
        alice.generate_key().unwrap(),
        mallory.generate_key().unwrap(),
    );
    let (gun, hello) = (gun("app"), image("hello"));
    owner.init(&gun).unwrap();
    owner.add_signer(&gun, &alices).unwrap();
    alice.release(&gun, &target("v1", &hello)).unwrap();

    let (tag, verifier) = (format!("{gun}:v1"), bed.verifier());
    assert_eq!(
        verifier.refuses(&tag, &[&mallorys]).await,
        "trust-signer-key-mismatch"
    );
    assert_eq!(verifier.admits(&tag, &[&alices]).await, hello.digest());

    // Both may sign for the role, and only one did.
    owner
        .delegate(&gun, "targets/alice", &[&mallorys], &[])
        .unwrap();
    let verifier = verifier.later(jiff::SignedDuration::from_mins(2));
    assert_eq!(
        verifier.refuses(&tag, &[&mallorys]).await,
        "trust-signer-key-mismatch"
    );
}

#[tokio::test]
async fn a_digest_is_held_against_the_tag_beside_it_or_against_all_that_is_released() {
    let Some(bed) = Bed::start() else { return };
    let (owner, alice) = (bed.person("owner"), bed.person("alice"));
    let alices = alice.generate_key().unwrap();
    let (gun, first, second, third) = (gun("app"), image("first"), image("second"), image("third"));
    owner.init(&gun).unwrap();
    owner.sign(&gun, &target("admin", &third), &[]).unwrap();
    owner.add_signer(&gun, &alices).unwrap();
    alice.release(&gun, &target("v1", &first)).unwrap();
    alice.release(&gun, &target("v2", &second)).unwrap();

    let verifier = bed.verifier();
    for (reference, signers, expected) in [
        (
            format!("{gun}:v1@{}", first.digest()),
            &[][..],
            Ok(first.digest()),
        ),
        (
            format!("{gun}:v1@{}", second.digest()),
            &[],
            Err("trust-digest-mismatch"),
        ),
        (
            format!("{gun}:v9@{}", first.digest()),
            &[],
            Err("trust-unsigned"),
        ),
        (
            format!("{gun}@{}", second.digest()),
            &[],
            Ok(second.digest()),
        ),
        (
            format!("{gun}@{}", second.digest()),
            &[&alices],
            Ok(second.digest()),
        ),
        (format!("{gun}@{}", third.digest()), &[], Ok(third.digest())),
        (
            format!("{gun}@{}", third.digest()),
            &[&alices],
            Err("trust-signer-missing"),
        ),
        (format!("{gun}:admin"), &[], Ok(third.digest())),
        (
            format!("{gun}@{}", image("other").digest()),
            &[],
            Err("trust-digest-unsigned"),
        ),
    ] {
        let found = verifier.require(&reference, &requirement(signers)).await;
        let found = found
            .map(|evidence| evidence.digest().to_string())
            .map_err(|refusal| refusal.code());
        assert_eq!(found, expected, "{reference}");
    }
}

#[tokio::test]
async fn a_delegation_speaks_only_of_the_tags_that_it_was_given() {
    let Some(bed) = Bed::start() else { return };
    let (owner, alice) = (bed.person("owner"), bed.person("alice"));
    let alices = alice.generate_key().unwrap();
    let (gun, hello) = (gun("app"), image("hello"));
    owner.init(&gun).unwrap();
    owner
        .delegate(&gun, "targets/alice", &[&alices], &["prod-"])
        .unwrap();
    owner
        .delegate(&gun, "targets/releases", &[&alices], &[])
        .unwrap();
    alice.release(&gun, &target("prod-1", &hello)).unwrap();
    alice
        .sign(&gun, &target("dev-1", &hello), &["targets/releases"])
        .unwrap();

    let verifier = bed.verifier();
    assert_eq!(
        verifier.admits(&format!("{gun}:prod-1"), &[&alices]).await,
        hello.digest()
    );
    assert_eq!(
        verifier.admits(&format!("{gun}:dev-1"), &[]).await,
        hello.digest()
    );
    assert_eq!(
        verifier.refuses(&format!("{gun}:dev-1"), &[&alices]).await,
        "trust-signer-missing"
    );

    // The path is taken away: what was signed under it does not count any more.
    owner
        .run(&[
            "delegation",
            "remove",
            &gun,
            "targets/alice",
            "--paths=prod-",
            "-p",
        ])
        .unwrap();
    let verifier = verifier.later(jiff::SignedDuration::from_mins(2));
    assert_eq!(
        verifier.refuses(&format!("{gun}:prod-1"), &[&alices]).await,
        "trust-signer-missing"
    );
}

#[tokio::test]
async fn what_has_expired_is_refused_although_it_was_admitted_before() {
    let Some(bed) = Bed::start() else { return };
    let (owner, gun, hello) = (bed.person("owner"), gun("app"), image("hello"));
    owner.init(&gun).unwrap();
    owner.sign(&gun, &target("v1", &hello), &[]).unwrap();
    let (tag, verifier) = (format!("{gun}:v1"), bed.verifier());
    verifier.admits(&tag, &[]).await;
    // A timestamp of Notary's holds for 14 days, targets for three years, a root and its certificate for ten.
    for (days, code) in [
        (15, "trust-expired"),
        (3 * 366, "trust-expired"),
        (10 * 366, "trust-root-certificate-expired"),
    ] {
        let later = verifier.later(jiff::SignedDuration::from_hours(days * 24));
        assert_eq!(later.refuses(&tag, &[]).await, code, "after {days} days");
    }
    assert_eq!(verifier.admits(&tag, &[]).await, hello.digest());
}

/// Alice hands her role on, level by level, each of which the real client signs.
#[tokio::test]
async fn delegations_are_followed_eight_levels_deep_and_no_deeper() {
    let Some(bed) = Bed::start() else { return };
    let (owner, alice) = (bed.person("owner"), bed.person("alice"));
    let alices = alice.generate_key().unwrap();
    let (gun, hello) = (gun("app"), image("hello"));
    owner.init(&gun).unwrap();
    owner.add_signer(&gun, &alices).unwrap();
    alice.release(&gun, &target("v1", &hello)).unwrap();
    let name = |level: usize| format!("alice{}", "/a".repeat(level - 1));
    for level in 2..=9 {
        let role = format!("targets/{}", name(level));
        alice.delegate(&gun, &role, &[&alices], &[]).unwrap();
        alice.sign(&gun, &target("v1", &hello), &[&role]).unwrap();
    }
    let (tag, verifier) = (format!("{gun}:v1"), bed.verifier());
    let by = |level| Requirement::new(None, vec![signer(&name(level), &alices.public_key)]);
    for level in [1, 2, 8] {
        let admitted = verifier.require(&tag, &by(level)).await.unwrap();
        assert_eq!(admitted.digest().to_string(), hello.digest(), "{level}");
    }
    let refusal = verifier.require(&tag, &by(9)).await.unwrap_err();
    assert_eq!(refusal.code(), "trust-signer-unknown", "{refusal}");
}
