//! All kinds of keys, in all the forms in which people have them.

use cise_signature::notary::Requirement;
use cise_testkit::authority::KeyKind;

use crate::bed::{Bed, gun, image, signer, target};

#[tokio::test]
async fn signer_keys_of_each_kind_are_compared_whatever_they_are_wrapped_in() {
    let Some(bed) = Bed::start() else { return };
    let owner = bed.person("owner");
    let hello = image("hello");
    for kind in [KeyKind::Ecdsa, KeyKind::Rsa] {
        for certificate in [false, true] {
            let name = format!("app-{}-{certificate}", format!("{kind:?}").to_lowercase());
            let (gun, alice) = (gun(&name), bed.person("alice"));
            let key = if certificate {
                alice.make_certificate(kind)
            } else {
                alice.make_key(kind)
            }
            .unwrap();
            owner.init(&gun).unwrap();
            owner.add_signer(&gun, &key).unwrap();
            alice.release(&gun, &target("v1", &hello)).unwrap();
            assert_eq!(
                bed.verifier().admits(&format!("{gun}:v1"), &[&key]).await,
                hello.digest(),
                "{name}"
            );
        }
    }
}

#[tokio::test]
async fn a_signer_name_of_the_secret_may_end_in_a_newline_and_the_key_in_a_header() {
    let Some(bed) = Bed::start() else { return };
    let (owner, alice, gun, hello) = (
        bed.person("owner"),
        bed.person("alice"),
        gun("app"),
        image("hello"),
    );
    let key = alice.generate_key().unwrap();
    assert!(key.public_key.contains("role: alice"));
    owner.init(&gun).unwrap();
    owner.add_signer(&gun, &key).unwrap();
    alice.release(&gun, &target("v1", &hello)).unwrap();
    let plain = key
        .public_key
        .replace("role: alice\n\n", "")
        .replace('\n', "\r\n");
    for text in [key.public_key.as_str(), plain.as_str()] {
        let requirement = Requirement::new(None, vec![signer("alice", text)]);
        let evidence = bed
            .verifier()
            .require(&format!("{gun}:v1"), &requirement)
            .await
            .unwrap();
        assert_eq!(evidence.digest().to_string(), hello.digest());
    }
}

#[tokio::test]
async fn a_repository_whose_root_key_is_rsa_is_believed() {
    let Some(bed) = Bed::start() else { return };
    let (owner, gun, hello) = (bed.person("owner"), gun("app"), image("hello"));
    owner.init_with_root(&gun, KeyKind::Rsa).unwrap();
    owner.sign(&gun, &target("v1", &hello), &[]).unwrap();
    assert_eq!(
        bed.verifier().admits(&format!("{gun}:v1"), &[]).await,
        hello.digest()
    );
}
