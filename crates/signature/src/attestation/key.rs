//! The keys that are trusted to attest, and what they verify.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ECDSA_P521_SHA256_ASN1,
    ECDSA_P521_SHA512_ASN1, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA256, VerificationAlgorithm,
};
use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject as _;
use x509_cert::der::Decode as _;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::spki::SubjectPublicKeyInfoRef;

use super::{Envelope, EnvelopeError};

const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
const ED25519_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// A kind of key, with the ways in which one may sign: cosign hashes with SHA-256 whatever the curve, and bundles with the hash that
/// fits it.
type Algorithms = &'static [&'static dyn VerificationAlgorithm];
const OF_P256: Algorithms = &[&ECDSA_P256_SHA256_ASN1];
const OF_P384: Algorithms = &[&ECDSA_P384_SHA256_ASN1, &ECDSA_P384_SHA384_ASN1];
const OF_P521: Algorithms = &[&ECDSA_P521_SHA256_ASN1, &ECDSA_P521_SHA512_ASN1];
const OF_ED25519: Algorithms = &[&ED25519];
const OF_RSA: Algorithms = &[&RSA_PKCS1_2048_8192_SHA256, &RSA_PSS_2048_8192_SHA256];

/// A public key whose holder is trusted to attest.
#[derive(Clone, Debug)]
pub struct TrustedKey {
    ways: Vec<ParsedPublicKey>,
    evidence: KeyEvidence,
}

/// The keys that are trusted to attest. Without any, nothing is attested.
#[derive(Clone, Debug, Default)]
pub struct TrustedKeys(Arc<[TrustedKey]>);

/// Which key has signed. It is displayed as its name and its fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyEvidence {
    name: Arc<str>,
    fingerprint: Arc<str>,
}

/// A text that is not the key that is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a public key in PEM, as `cosign public-key` prints it: ECDSA on P-256, P-384 or P-521, Ed25519, or RSA of 2048 to 8192 bits"
)]
pub struct BadKey;

impl TrustedKey {
    /// Reads a key in PEM (`PUBLIC KEY`). `name` is what people know it by, as its file.
    pub fn from_pem(name: &str, pem: &[u8]) -> Result<Self, BadKey> {
        let der = SubjectPublicKeyInfoDer::from_pem_slice(pem).map_err(|_| BadKey)?;
        let algorithms = algorithms(der.as_ref()).ok_or(BadKey)?;
        let ways = algorithms
            .iter()
            .map(|algorithm| ParsedPublicKey::new(*algorithm, der.as_ref()));
        Ok(Self {
            ways: ways.collect::<Result<_, _>>().map_err(|_| BadKey)?,
            evidence: KeyEvidence {
                name: name.into(),
                fingerprint: fingerprint(der.as_ref()).into(),
            },
        })
    }

    /// How it is told from others.
    pub fn evidence(&self) -> &KeyEvidence {
        &self.evidence
    }

    fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let mut ways = self.ways.iter();
        ways.any(|way| way.verify_sig(message, signature).is_ok())
    }
}

impl TrustedKeys {
    /// Is nobody trusted?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first of the keys that has signed an envelope.
    pub fn signer_of(&self, envelope: &Envelope) -> Result<KeyEvidence, EnvelopeError> {
        let message = envelope.signed_bytes();
        let has_signed = |key: &&TrustedKey| {
            let mut signatures = envelope.signatures();
            signatures.any(|signature| key.verifies(&message, signature))
        };
        let signer = self.0.iter().find(has_signed);
        let signer = signer.ok_or(EnvelopeError::NotSigned { keys: self.0.len() })?;
        Ok(signer.evidence.clone())
    }
}

impl FromIterator<TrustedKey> for TrustedKeys {
    fn from_iter<I: IntoIterator<Item = TrustedKey>>(keys: I) -> Self {
        Self(keys.into_iter().collect())
    }
}

impl KeyEvidence {
    /// What people know it by.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The SHA-256 of its `SubjectPublicKeyInfo` in DER, as `sha256:` and hexadecimal digits: what
    /// `openssl pkey -pubin -outform DER | sha256sum` prints.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}

impl fmt::Display for KeyEvidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.fingerprint)
    }
}

/// The ways in which a key in `SubjectPublicKeyInfo` (RFC 5280, section 4.1) may sign.
fn algorithms(der: &[u8]) -> Option<Algorithms> {
    let info = SubjectPublicKeyInfoRef::from_der(der).ok()?;
    match info.algorithm.oid {
        EC => match info.algorithm.parameters_oid().ok()? {
            P256 => Some(OF_P256),
            P384 => Some(OF_P384),
            P521 => Some(OF_P521),
            _ => None,
        },
        ED25519_KEY => Some(OF_ED25519),
        RSA => Some(OF_RSA),
        _ => None,
    }
}

fn fingerprint(der: &[u8]) -> String {
    let digest = digest(&SHA256, der);
    let bytes = digest.as_ref().iter();
    bytes.fold("sha256:".to_owned(), |text, byte| {
        format!("{text}{byte:02x}")
    })
}
