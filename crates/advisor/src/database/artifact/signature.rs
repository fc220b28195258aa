//! Signatures as `cosign sign --key` writes them: a payload that names the digest of an image, signed by ECDSA on P-256 with
//! SHA-256.
//!
//! Source: cosign's `specs/SIGNATURE_SPEC.md`, and the format of "simple signing" that it takes the payload from.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _,
    ParsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cise_reference::{Digest, Repository};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{PrivateKeyDer, SubjectPublicKeyInfoDer};
use serde::{Deserialize, Serialize};

/// The media type of a payload.
pub(super) const PAYLOAD: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
/// The annotation of a payload with its signature.
pub(super) const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
/// The most bytes of a payload.
pub(super) const MAX_PAYLOAD_BYTES: usize = 64 * 1024;

const KIND: &str = "cosign container image signature";

/// A key by which signatures are verified.
#[derive(Clone, Debug)]
pub struct PublicKey(ParsedPublicKey);

/// A key that signs.
#[derive(Debug)]
pub struct Signer(EcdsaKeyPair);

/// A text that is not the key that is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadKey {
    /// It is no public key.
    #[error("expected a public key of ECDSA on P-256 in PEM, as `cosign public-key` prints it")]
    Public,
    /// It is no private key.
    #[error(
        "expected a private key of ECDSA on P-256 in PEM, not encrypted, as `openssl ecparam -name prime256v1 -genkey -noout` prints it"
    )]
    Private,
}

#[derive(Serialize, Deserialize)]
struct Payload<'a> {
    #[serde(borrow)]
    critical: Critical<'a>,
    #[serde(default, skip_deserializing)]
    optional: Option<()>,
}

#[derive(Serialize, Deserialize)]
struct Critical<'a> {
    #[serde(borrow)]
    identity: Identity<'a>,
    #[serde(borrow)]
    image: Image<'a>,
    #[serde(borrow)]
    r#type: std::borrow::Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
struct Identity<'a> {
    #[serde(rename = "docker-reference", borrow)]
    reference: std::borrow::Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
struct Image<'a> {
    #[serde(rename = "docker-manifest-digest", borrow)]
    digest: std::borrow::Cow<'a, str>,
}

impl PublicKey {
    /// Reads a key in PEM.
    pub fn from_pem(pem: &[u8]) -> Result<Self, BadKey> {
        let key = SubjectPublicKeyInfoDer::from_pem_slice(pem).map_err(|_| BadKey::Public)?;
        Self::parse(key.as_ref()).ok_or(BadKey::Public)
    }

    fn parse(key: &[u8]) -> Option<Self> {
        ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key)
            .ok()
            .map(Self)
    }

    /// Whether `signature`, in Base64, says for this key that `payload` is about that digest.
    pub(super) fn vouches(&self, payload: &[u8], signature: &str, digest: &Digest) -> bool {
        let signature = STANDARD.decode(signature).unwrap_or_default();
        self.0.verify_sig(payload, &signature).is_ok() && names(payload, digest)
    }
}

/// Whether a payload is about that digest. Under which name it was signed does not count: databases are copied between
/// registries with their signatures.
fn names(payload: &[u8], digest: &Digest) -> bool {
    serde_json::from_slice(payload).is_ok_and(|payload: Payload<'_>| {
        payload.critical.r#type == KIND && payload.critical.image.digest == digest.as_str()
    })
}

impl Signer {
    /// Reads a key in PEM: PKCS#8, or as `openssl ecparam` writes it.
    pub fn from_pem(pem: &[u8]) -> Result<Self, BadKey> {
        let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let pair = match PrivateKeyDer::from_pem_slice(pem).map_err(|_| BadKey::Private)? {
            PrivateKeyDer::Pkcs8(key) => {
                EcdsaKeyPair::from_pkcs8(algorithm, key.secret_pkcs8_der())
            }
            PrivateKeyDer::Sec1(key) => {
                EcdsaKeyPair::from_private_key_der(algorithm, key.secret_sec1_der())
            }
            _ => return Err(BadKey::Private),
        };
        pair.map(Self).map_err(|_| BadKey::Private)
    }

    /// The key by which its signatures are verified.
    pub(super) fn public_key(&self) -> Option<PublicKey> {
        PublicKey::parse(self.0.public_key().as_ref())
    }

    /// The signature of `payload`, in Base64.
    pub(super) fn sign(&self, payload: &[u8]) -> Option<String> {
        let signature = self.0.sign(&SystemRandom::new(), payload).ok()?;
        Some(STANDARD.encode(signature))
    }
}

/// What is signed of an image.
pub(super) fn payload(repository: &Repository, digest: &Digest) -> Vec<u8> {
    let payload = Payload {
        critical: Critical {
            identity: Identity {
                reference: repository.as_str().into(),
            },
            image: Image {
                digest: digest.as_str().into(),
            },
            r#type: KIND.into(),
        },
        optional: None,
    };
    // A structure of texts can always be written.
    serde_json::to_vec(&payload).unwrap_or_default()
}

#[cfg(test)]
mod tests;
