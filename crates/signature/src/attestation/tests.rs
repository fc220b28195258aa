use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::{
    KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256,
    SigningKey as _,
};
use serde_json::{Value, json};

use super::envelope::pre_authentication_encoding;
use super::*;

const IMAGE: &str = "sha256:6c3c624b58dbbcd3c0dd82b4c53f04194d1247c6eebdaab7c610cf7d66709b3b";
const PREDICATE_TYPE: &str = "https://example.com/approval/v1";

fn image() -> Digest {
    Digest::parse(IMAGE).unwrap()
}

fn statement() -> Value {
    let hex = IMAGE.strip_prefix("sha256:").unwrap();
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "registry.example.com/app", "digest": {"sha256": hex}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {"approved": true},
    })
}

fn key() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap()
}

fn trusted(name: &str, key: &KeyPair) -> TrustedKey {
    TrustedKey::from_pem(name, key.public_key_pem().as_bytes()).unwrap()
}

fn only(key: &KeyPair) -> TrustedKeys {
    [trusted("team.pub", key)].into_iter().collect()
}

fn envelope(payload: &str, keys: &[&KeyPair]) -> Value {
    let message = pre_authentication_encoding("application/vnd.in-toto+json", payload.as_bytes());
    let signatures = keys
        .iter()
        .map(|key| json!({"keyid": "", "sig": STANDARD.encode(key.sign(&message).unwrap())}));
    json!({
        "payloadType": "application/vnd.in-toto+json",
        "payload": STANDARD.encode(payload),
        "signatures": signatures.collect::<Vec<_>>(),
    })
}

fn bundle(envelope: &Value) -> Value {
    json!({
        "mediaType": BUNDLE,
        "verificationMaterial": {"publicKey": {"hint": "x"}, "tlogEntries": []},
        "dsseEnvelope": envelope,
    })
}

fn verified(envelope: &Value, keys: &TrustedKeys) -> Result<Attestation, AttestationError> {
    Attestation::verify(Carrier::Envelope, envelope.to_string().as_bytes(), keys)
}

fn unsigned(envelope: &Value, keys: &TrustedKeys) -> EnvelopeError {
    match verified(envelope, keys) {
        Err(AttestationError::Unsigned(why)) => why,
        other => panic!("{other:?}"),
    }
}

fn unreadable(payload: &str) -> StatementError {
    let key = key();
    match verified(&envelope(payload, &[&key]), &only(&key)) {
        Err(AttestationError::Unreadable { key, why }) => {
            assert_eq!(key.name(), "team.pub");
            why
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_encoding_that_is_signed_is_that_of_the_specification() {
    let encoded = pre_authentication_encoding("http://example.com/HelloWorld", b"hello world");
    assert_eq!(
        encoded,
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    );
}

#[test]
fn a_statement_counts_bare_and_in_a_bundle_and_says_which_key_has_signed_it() {
    let (signer, other) = (key(), key());
    let keys: TrustedKeys = [trusted("other.pub", &other), trusted("team.pub", &signer)]
        .into_iter()
        .collect();
    let envelope = envelope(&statement().to_string(), &[&signer]);
    for (carrier, document) in [
        (Carrier::Envelope, envelope.clone()),
        (Carrier::Bundle, bundle(&envelope)),
    ] {
        let attestation =
            Attestation::verify(carrier, document.to_string().as_bytes(), &keys).unwrap();
        assert_eq!(attestation.key(), trusted("team.pub", &signer).evidence());
        assert_eq!(attestation.predicate_type(), PREDICATE_TYPE);
        assert!(attestation.is_about(&image()));
        assert!(!attestation.is_about(&Digest::sha256([1; 32])));
        assert_eq!(attestation.predicate(), Ok(json!({"approved": true})));
    }
}

#[test]
fn keys_of_every_kind_verify_and_none_verifies_for_another() {
    let kinds = [
        &PKCS_ECDSA_P256_SHA256,
        &PKCS_ECDSA_P384_SHA384,
        &PKCS_ED25519,
        &PKCS_RSA_SHA256,
    ];
    let keys = kinds.map(|kind| KeyPair::generate_for(kind).unwrap());
    for (signer_place, signer) in keys.iter().enumerate() {
        let envelope = envelope(&statement().to_string(), &[signer]);
        for (place, key) in keys.iter().enumerate() {
            let counts = verified(&envelope, &only(key)).is_ok();
            assert_eq!(counts, place == signer_place, "{signer_place} {place}");
        }
    }
}

#[test]
fn one_good_signature_is_enough_and_the_hints_beside_it_count_for_nothing() {
    let (signer, stranger) = (key(), key());
    let mut envelope = envelope(&statement().to_string(), &[&stranger, &signer]);
    for (place, hint) in ["team.pub", "somebody else"].into_iter().enumerate() {
        envelope["signatures"][place]["keyid"] = hint.into();
    }
    assert!(verified(&envelope, &only(&signer)).is_ok());
    let why = unsigned(&envelope, &only(&key()));
    assert_eq!(why, EnvelopeError::NotSigned { keys: 1 });
    assert_eq!(why.to_string(), "it is not signed with the configured key");
    let nobody = unsigned(&envelope, &TrustedKeys::default());
    assert_eq!(nobody, EnvelopeError::NotSigned { keys: 0 });
}

#[test]
fn whatever_is_changed_in_an_envelope_it_does_not_count() {
    let signer = key();
    let good = envelope(&statement().to_string(), &[&signer]);
    let mut forged = statement();
    forged["subject"][0]["digest"]["sha256"] = "0".repeat(64).into();
    let changes: [(&str, Value); 6] = [
        ("/payload", STANDARD.encode(forged.to_string()).into()),
        ("/payload", "no Base64!".into()),
        ("/payloadType", "text/plain".into()),
        ("/signatures/0/sig", STANDARD.encode("no signature").into()),
        ("/signatures", json!([])),
        ("/signatures", Value::Null),
    ];
    for (place, value) in changes {
        let mut envelope = good.clone();
        *envelope.pointer_mut(place).unwrap() = value.clone();
        unsigned(&envelope, &only(&signer));
    }
    let mut url_safe = good;
    url_safe["payload"] = URL_SAFE_NO_PAD.encode(statement().to_string()).into();
    assert!(verified(&url_safe, &only(&signer)).is_ok());
}

#[test]
fn what_is_no_envelope_is_told() {
    let signer = key();
    let good = envelope(&statement().to_string(), &[&signer]);
    let many: Vec<_> = (0..5).map(|_| json!({"sig": ""})).collect();
    let mut crowded = good.clone();
    crowded["signatures"] = many.into();
    assert_eq!(
        unsigned(&crowded, &only(&signer)),
        EnvelopeError::TooManySignatures
    );

    let text = good.to_string();
    let twice = text.replacen('{', r#"{"payload": "", "#, 1);
    let open = |carrier: Carrier, document: &str| carrier.open(document.as_bytes()).unwrap_err();
    assert!(
        matches!(open(Carrier::Envelope, &twice), EnvelopeError::Malformed(why) if why.contains("twice"))
    );
    let large = " ".repeat(MAX_BYTES + 1);
    assert_eq!(
        open(Carrier::Envelope, &large),
        EnvelopeError::Size {
            bytes: MAX_BYTES + 1
        }
    );

    let mut old = bundle(&good);
    old["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.1".into();
    assert_eq!(
        open(Carrier::Bundle, &old.to_string()),
        EnvelopeError::BundleVersion
    );
    let mut of_artifact = bundle(&good);
    of_artifact["messageSignature"] = json!({});
    assert_eq!(
        open(Carrier::Bundle, &of_artifact.to_string()),
        EnvelopeError::NoEnvelope
    );
    let bare = json!({"mediaType": BUNDLE});
    assert_eq!(
        open(Carrier::Bundle, &bare.to_string()),
        EnvelopeError::NoEnvelope
    );
    assert_eq!(
        Carrier::of("application/vnd.dev.cosign.simplesigning.v1+json"),
        None
    );
}

#[test]
fn what_is_signed_and_cannot_be_read_is_told_apart_from_what_nobody_signed() {
    let without = |field: &str| {
        let mut written = statement();
        written.as_object_mut().unwrap().remove(field);
        written.to_string()
    };
    for field in ["_type", "subject", "predicateType", "predicate"] {
        let why = unreadable(&without(field));
        assert!(
            matches!(why, StatementError::Malformed(_)),
            "{field}: {why}"
        );
    }
    let mut other = statement();
    other["_type"] = "https://in-toto.io/Statement/v2".into();
    assert_eq!(unreadable(&other.to_string()), StatementError::Type);
    let mut crowded = statement();
    crowded["subject"] = vec![json!({"digest": {}}); 1025].into();
    assert_eq!(
        unreadable(&crowded.to_string()),
        StatementError::TooManySubjects
    );
    let twice =
        statement()
            .to_string()
            .replacen(r#"{"approved""#, r#"{"approved":false,"approved""#, 1);
    assert!(matches!(unreadable(&twice), StatementError::Malformed(why) if why.contains("twice")));
}

#[test]
fn a_digest_is_that_of_a_subject_by_its_own_algorithm_only() {
    let hex = "ab".repeat(32);
    let mut written = statement();
    written["subject"] =
        json!([{"digest": {"sha1": hex}}, {"name": "x", "digest": {"sha256": "cd".repeat(32)}}]);
    let read = Statement::parse(written.to_string().as_bytes()).unwrap();
    for (digest, expected) in [
        (format!("sha256:{hex}"), false),
        (format!("sha256:{}", "cd".repeat(32)), true),
    ] {
        assert_eq!(read.is_about(&Digest::parse(&digest).unwrap()), expected);
    }
}

#[test]
fn a_key_is_public_and_of_a_known_kind() {
    let pair = key();
    let evidence = trusted("team.pub", &pair).evidence().to_string();
    assert!(evidence.starts_with("team.pub (sha256:"), "{evidence}");
    for pem in ["", "no key", &pair.serialize_pem()] {
        assert!(TrustedKey::from_pem("x", pem.as_bytes()).is_err(), "{pem}");
    }
}
