//! Repositories made for tests, in which anything can be wrong.

use std::collections::BTreeMap;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cise_reference::Digest;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
};
use serde_json::{Value, json};

use super::requirement::{Signer, SignerSecret};
use super::tuf::{canonical_bytes, sha256};

pub(super) const GUN: &str = "registry.example.com/app";

/// A signing key, and how metadata lists it.
pub(super) struct ForgedKey {
    pub(super) id: String,
    pub(super) entry: Value,
    pub(super) public_pem: String,
    pair: EcdsaKeyPair,
}

impl ForgedKey {
    /// A key with a certificate that it signs itself, as Notary makes them.
    pub(super) fn new(common_name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = parameters(common_name).self_signed(&key).unwrap().pem();
        Self::certified(&key, certificate)
    }

    /// A key with a certificate of an authority.
    pub(super) fn issued_by(authority: &ForgedAuthority, common_name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = parameters(common_name)
            .signed_by(&key, &authority.issuer)
            .unwrap()
            .pem();
        Self::certified(&key, certificate)
    }

    fn certified(key: &KeyPair, public_pem: String) -> Self {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key.serialized_der())
            .unwrap();
        let entry = key_entry("ecdsa-x509", public_pem.as_bytes());
        Self {
            id: key_id(&entry),
            entry,
            public_pem,
            pair,
        }
    }

    pub(super) fn sign(&self, message: &[u8]) -> Value {
        let signature = self.pair.sign(&SystemRandom::new(), message).unwrap();
        json!({"keyid": self.id, "method": "ecdsa", "sig": STANDARD.encode(signature.as_ref())})
    }

    /// The signer who has this key.
    pub(super) fn signer(&self, name: &str) -> Signer {
        let key = Some(self.public_pem.as_bytes());
        Signer::from_secret(&SignerSecret {
            secret: name,
            name: Some(name.as_bytes()),
            public_key: key,
        })
        .unwrap()
    }
}

fn parameters(common_name: &str) -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters
        .distinguished_name
        .push(DnType::CommonName, common_name);
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
    parameters
}

/// An authority of root keys.
pub(super) struct ForgedAuthority {
    pub(super) pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl ForgedAuthority {
    pub(super) fn new(name: &str) -> Self {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = parameters.self_signed(&key).unwrap().pem();
        Self {
            pem,
            issuer: Issuer::new(parameters, key),
        }
    }
}

pub(super) fn key_entry(kind: &str, public: &[u8]) -> Value {
    json!({"keytype": kind, "keyval": {"private": null, "public": STANDARD.encode(public)}})
}

pub(super) fn key_id(entry: &Value) -> String {
    Digest::sha256(sha256(&canonical_bytes(entry)))
        .hex()
        .to_owned()
}

/// A repository before it is signed: what the documents say, and by whom each is to be signed.
pub(super) struct Forge {
    pub(super) owner: ForgedKey,
    pub(super) alice: ForgedKey,
    pub(super) mallory: ForgedKey,
}

/// The signed parts of the documents, by role.
pub(super) type Documents = BTreeMap<&'static str, Value>;

impl Forge {
    pub(super) fn new() -> Self {
        Self {
            owner: ForgedKey::new(GUN),
            alice: ForgedKey::new("alice"),
            mallory: ForgedKey::new("mallory"),
        }
    }

    /// A repository in which nothing is wrong: `1.0` is in `targets/releases` and `targets/alice`.
    pub(super) fn documents(&self) -> Documents {
        let role = |key: &ForgedKey| json!({"keyids": [key.id], "threshold": 1});
        let delegation = |name: &str| json!({"keyids": [self.alice.id], "threshold": 1, "name": name, "paths": [""]});
        let base =
            |kind: &str| json!({"_type": kind, "version": 1, "expires": "2030-01-01T00:00:00Z"});
        let with = |mut base: Value, more: Value| {
            base.as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            base
        };
        let owner = role(&self.owner);
        let root = json!({
            "consistent_snapshot": false,
            "keys": {self.owner.id.clone(): self.owner.entry},
            "roles": {"root": owner, "timestamp": owner, "snapshot": owner, "targets": owner},
        });
        let delegations = json!({
            "keys": {self.alice.id.clone(): self.alice.entry},
            "roles": [delegation("targets/alice"), delegation("targets/releases")],
        });
        let tags = json!({"1.0": target(1)});
        let none = json!({"keys": {}, "roles": []});
        Documents::from([
            ("root", with(base("Root"), root)),
            (
                "targets",
                with(
                    base("Targets"),
                    json!({"targets": {}, "delegations": delegations}),
                ),
            ),
            (
                "targets/alice",
                with(
                    base("Targets"),
                    json!({"targets": tags, "delegations": none}),
                ),
            ),
            (
                "targets/releases",
                with(
                    base("Targets"),
                    json!({"targets": tags, "delegations": none}),
                ),
            ),
            ("snapshot", base("Snapshot")),
            ("timestamp", base("Timestamp")),
        ])
    }

    /// Signs the documents as they should be, and makes snapshot and timestamp fit.
    pub(super) fn files(&self, documents: &Documents) -> BTreeMap<String, Vec<u8>> {
        Self::files_signed_by(documents, |role| {
            if role.starts_with("targets/") {
                vec![&self.alice]
            } else {
                vec![&self.owner]
            }
        })
    }

    pub(super) fn files_signed_by<'f>(
        documents: &Documents,
        signers: impl Fn(&str) -> Vec<&'f ForgedKey>,
    ) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        let mut meta = serde_json::Map::new();
        let mut publish = |role: &str, signed: Value, meta: &mut serde_json::Map<String, Value>| {
            let bytes = envelope(&signed, &signers(role));
            meta.insert(role.to_owned(), file_meta(&bytes));
            files.insert(format!("{role}.json"), bytes);
        };
        for (role, signed) in documents
            .iter()
            .filter(|(role, _)| !matches!(**role, "snapshot" | "timestamp"))
        {
            publish(role, signed.clone(), &mut meta);
        }
        let mut snapshot = documents["snapshot"].clone();
        snapshot["meta"] = Value::Object(meta);
        let mut meta = serde_json::Map::new();
        publish("snapshot", snapshot, &mut meta);
        let mut timestamp = documents["timestamp"].clone();
        timestamp["meta"] = Value::Object(meta);
        publish("timestamp", timestamp, &mut serde_json::Map::new());
        files
    }
}

/// A target whose SHA-256 is this byte over and over.
pub(super) fn target(byte: u8) -> Value {
    json!({"hashes": {"sha256": STANDARD.encode([byte; 32])}, "length": 10})
}

pub(super) fn envelope(signed: &Value, signers: &[&ForgedKey]) -> Vec<u8> {
    let message = canonical_bytes(signed);
    let signatures: Vec<_> = signers.iter().map(|key| key.sign(&message)).collect();
    json!({"signed": signed, "signatures": signatures})
        .to_string()
        .into_bytes()
}

pub(super) fn file_meta(bytes: &[u8]) -> Value {
    json!({"hashes": {"sha256": STANDARD.encode(sha256(bytes))}, "length": bytes.len()})
}
