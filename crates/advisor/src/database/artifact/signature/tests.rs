use serde::Deserialize;

use super::*;

const SEC1: &str = include_str!("../../../../fixtures/cosign/sec1.pem");
const PKCS8: &str = include_str!("../../../../fixtures/cosign/pkcs8.pem");
const OWN: &str = include_str!("../../../../fixtures/cosign/own.pub");
const COSIGN: &str = include_str!("../../../../fixtures/cosign/cosign.pub");
const P384: &str = include_str!("../../../../fixtures/cosign/p384.pub");
const RSA: &str = include_str!("../../../../fixtures/cosign/rsa.pub");

/// What cosign itself wrote.
#[derive(Deserialize)]
struct Written {
    digest: String,
    payload: String,
    signature: String,
}

fn written() -> Written {
    serde_json::from_str(include_str!("../../../../fixtures/cosign/signature.json")).unwrap()
}

fn public(pem: &str) -> PublicKey {
    PublicKey::from_pem(pem.as_bytes()).unwrap()
}

#[test]
fn a_signature_of_cosign_vouches_for_its_digest_by_its_key_only() {
    let written = written();
    let digest = Digest::parse(&written.digest).unwrap();
    let other = Digest::sha256([7; 32]);
    let altered = written.payload.replace("cosign/key", "cosign/yek");
    for (key, payload, digest, vouches) in [
        (COSIGN, &written.payload, &digest, true),
        (COSIGN, &written.payload, &other, false),
        (COSIGN, &altered, &digest, false),
        (OWN, &written.payload, &digest, false),
    ] {
        let found = public(key).vouches(payload.as_bytes(), &written.signature, digest);
        assert_eq!(found, vouches, "{payload} {digest}");
    }
    assert!(!public(COSIGN).vouches(written.payload.as_bytes(), "no Base64", &digest));
}

#[test]
fn what_is_signed_has_the_shape_of_what_cosign_signs() {
    let written = written();
    let repository = Repository::parse("localhost:15500/cosign/key").unwrap();
    let own = payload(&repository, &Digest::parse(&written.digest).unwrap());
    let read = |payload: &[u8]| serde_json::from_slice::<serde_json::Value>(payload).unwrap();
    assert_eq!(read(&own), read(written.payload.as_bytes()));
}

#[test]
fn keys_of_both_forms_sign_and_the_public_one_verifies() {
    let repository = Repository::parse("registry.example.com/advisories").unwrap();
    let digest = Digest::sha256([1; 32]);
    let payload = payload(&repository, &digest);
    for pem in [SEC1, PKCS8] {
        let signer = Signer::from_pem(pem.as_bytes()).unwrap();
        let signature = signer.sign(&payload).unwrap();
        assert!(public(OWN).vouches(&payload, &signature, &digest));
        let key = signer.public_key().unwrap();
        assert!(key.vouches(&payload, &signature, &digest));
        assert!(!public(COSIGN).vouches(&payload, &signature, &digest));
    }
}

#[test]
fn a_signature_of_another_kind_of_statement_vouches_for_nothing() {
    let digest = Digest::sha256([1; 32]);
    let signer = Signer::from_pem(SEC1.as_bytes()).unwrap();
    let repository = Repository::parse("registry.example.com/advisories").unwrap();
    let statement = String::from_utf8(payload(&repository, &digest)).unwrap();
    let statement = statement.replace(KIND, "atomic container signature");
    let signature = signer.sign(statement.as_bytes()).unwrap();
    assert!(!public(OWN).vouches(statement.as_bytes(), &signature, &digest));
}

#[test]
fn other_keys_are_refused_with_what_was_expected() {
    for text in [
        P384,
        RSA,
        SEC1,
        "",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
    ] {
        assert_eq!(
            PublicKey::from_pem(text.as_bytes()).unwrap_err(),
            BadKey::Public,
            "{text}"
        );
    }
    for text in [
        OWN,
        "",
        "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n",
    ] {
        assert_eq!(
            Signer::from_pem(text.as_bytes()).unwrap_err(),
            BadKey::Private,
            "{text}"
        );
    }
}
