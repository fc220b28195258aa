//! Trust metadata of any number of repositories, signed with throw-away keys when it is asked for.
//!
//! Having the real client sign as many repositories as a measurement of memory needs would take hours. The form is that of
//! Notary v1: one root for all repositories (its certificate names `registry.test/*`), alice's delegation, and what is
//! released; each repository has one target, `v1`, with a digest of its own.

use anyhow::{Context as _, Result};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};

/// Signs as everybody: the root has a key of its own, all other roles share one.
#[derive(Debug)]
pub(crate) struct Notary {
    everybody: Ed25519KeyPair,
    expires: String,
    root: Vec<u8>,
    targets: Vec<u8>,
}

impl Notary {
    /// Makes the keys, and what is the same for all repositories.
    pub(crate) fn new() -> Result<Self> {
        let expires = Timestamp::now().checked_add(24.hours())?.to_string();
        let everybody = Ed25519KeyPair::generate()?;
        let key = Key::new("ed25519", everybody.public_key().as_ref());
        let root = root(&key, &expires)?;
        let mut notary = Self {
            everybody,
            expires,
            root,
            targets: Vec::new(),
        };
        notary.targets = notary.targets(&json!({}), &delegations(&key));
        Ok(notary)
    }

    /// The public key of alice, PEM.
    pub(crate) fn alice(&self) -> Result<String> {
        let key: PublicKeyX509Der<'_> = self.everybody.public_key().as_der()?;
        let text = STANDARD.encode(key.as_ref());
        Ok(format!(
            "-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n"
        ))
    }

    /// The file of a role of a repository, if the role is one that repositories have.
    pub(crate) fn file(&self, gun: &str, role: &str) -> Option<Vec<u8>> {
        match role {
            "root" => Some(self.root.clone()),
            "targets" => Some(self.targets.clone()),
            "targets/alice" | "targets/releases" => Some(self.released(gun)),
            "snapshot" => Some(self.snapshot(gun)),
            "timestamp" => Some(self.timestamp(gun)),
            _ => None,
        }
    }

    fn released(&self, gun: &str) -> Vec<u8> {
        let target = json!({ "hashes": { "sha256": checksum(gun.as_bytes()) }, "length": 500 });
        self.targets(
            &json!({ "v1": target }),
            &json!({ "keys": {}, "roles": [] }),
        )
    }

    fn targets(&self, targets: &Value, delegations: &Value) -> Vec<u8> {
        self.sign(&json!({
            "_type": "Targets", "delegations": delegations, "expires": self.expires, "targets": targets, "version": 1,
        }))
    }

    fn snapshot(&self, gun: &str) -> Vec<u8> {
        let released = self.released(gun);
        self.sign(
            &json!({ "_type": "Snapshot", "expires": self.expires, "version": 1, "meta": {
            "root": file(&self.root),
            "targets": file(&self.targets),
            "targets/alice": file(&released),
            "targets/releases": file(&released),
        } }),
        )
    }

    fn timestamp(&self, gun: &str) -> Vec<u8> {
        let meta = json!({ "snapshot": file(&self.snapshot(gun)) });
        self.sign(
            &json!({ "_type": "Timestamp", "expires": self.expires, "meta": meta, "version": 1 }),
        )
    }

    fn sign(&self, signed: &Value) -> Vec<u8> {
        let key = Key::new("ed25519", self.everybody.public_key().as_ref());
        document(signed, &key, "eddsa", |message| {
            self.everybody.sign(message).as_ref().to_vec()
        })
    }
}

/// A public key as metadata lists it.
struct Key {
    id: String,
    entry: Value,
}

impl Key {
    fn new(kind: &str, public: &[u8]) -> Self {
        let value = json!({ "private": null, "public": STANDARD.encode(public) });
        let entry = json!({ "keytype": kind, "keyval": value });
        Self {
            id: hex(digest(&SHA256, &canonical(entry.clone())).as_ref()),
            entry,
        }
    }
}

fn root(everybody: &Key, expires: &str) -> Result<Vec<u8>> {
    let mut certificate = rcgen::CertificateParams::default();
    certificate
        .distinguished_name
        .push(rcgen::DnType::CommonName, "registry.test/*");
    let pair = rcgen::KeyPair::generate()?;
    let certificate = certificate.self_signed(&pair)?;
    let key = Key::new("ecdsa-x509", certificate.pem().as_bytes());
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pair.serialize_der())?;

    let role = |key: &Key| json!({ "keyids": [key.id], "threshold": 1 });
    let keys = Value::from_iter([
        (key.id.clone(), key.entry.clone()),
        (everybody.id.clone(), everybody.entry.clone()),
    ]);
    let signed = json!({
        "_type": "Root", "consistent_snapshot": false, "expires": expires, "keys": keys, "version": 1,
        "roles": {
            "root": role(&key), "snapshot": role(everybody), "targets": role(everybody), "timestamp": role(everybody),
        },
    });
    let signature = pair
        .sign(&SystemRandom::new(), &canonical(signed.clone()))
        .ok()
        .context("signing the root")?;
    Ok(document(&signed, &key, "ecdsa", |_| {
        signature.as_ref().to_vec()
    }))
}

fn delegations(key: &Key) -> Value {
    let role = |name| json!({ "keyids": [key.id], "name": name, "paths": [""], "threshold": 1 });
    json!({
        "keys": Value::from_iter([(key.id.clone(), key.entry.clone())]),
        "roles": [role("targets/alice"), role("targets/releases")],
    })
}

fn document(signed: &Value, key: &Key, method: &str, sign: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let signature = STANDARD.encode(sign(&canonical(signed.clone())));
    let signatures = json!([{ "keyid": key.id, "method": method, "sig": signature }]);
    canonical(json!({ "signatures": signatures, "signed": signed }))
}

/// What a role's file is known by.
fn file(bytes: &[u8]) -> Value {
    json!({ "hashes": { "sha256": checksum(bytes) }, "length": bytes.len() })
}

fn checksum(bytes: &[u8]) -> String {
    STANDARD.encode(digest(&SHA256, bytes))
}

/// Sorted, without blanks. Nothing here has a character that JSON escapes and Notary does not.
fn canonical(mut value: Value) -> Vec<u8> {
    value.sort_all_objects();
    value.to_string().into_bytes()
}

fn hex(bytes: &[u8]) -> String {
    let nibbles = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    nibbles
        .filter_map(|nibble| char::from_digit(nibble.into(), 16))
        .collect()
}
