//! Public keys: as TUF metadata lists them, as people keep them, and what they verify.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA256_ASN1, ECDSA_P521_SHA256_ASN1, ED25519,
    RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use x509_cert::der::asn1::{ObjectIdentifier, SequenceOf, UintRef};
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::spki::SubjectPublicKeyInfoRef;

use super::certificate::{self, Chain};
use super::pem;
use super::shape::{At, BadShape};

/// The id under which metadata lists a key: the SHA-256 of the canonical form of its description.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 32]);

impl KeyId {
    pub(crate) fn read(at: &At<'_>) -> Result<Self, BadShape> {
        Self::parse(at.text()?)
            .ok_or_else(|| at.error("is no key id: expected 64 lower-case hexadecimal digits"))
    }

    /// Parses 64 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let nibble = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let mut id = [0; 32];
        if text.len() != 64 {
            return None;
        }
        for (place, pair) in id.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let &[high, low] = pair else { return None };
            *place = nibble(high)? << 4 | nibble(low)?;
        }
        Some(Self(id))
    }

    fn of(description: &str) -> Self {
        Self(sha256(description.as_bytes()))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A public key, whatever it was wrapped in: two that are equal are the same key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PublicKey {
    kind: KeyKind,
    /// What verification takes: the uncompressed point, the 32 bytes, or `RSAPublicKey` in DER.
    material: Box<[u8]>,
}

/// The kinds of keys that Notary v1 knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum KeyKind {
    EcdsaP256,
    EcdsaP384,
    EcdsaP521,
    Ed25519,
    Rsa,
}

/// The method that a signature says it was made with; the names are compared without case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Ecdsa,
    Eddsa,
    RsaPss,
    RsaPkcs1,
}

impl Method {
    /// The methods of Notary v1; `pycrypto-pkcs#1 pss` is an older name of RSA-PSS.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "ecdsa" => Some(Self::Ecdsa),
            "eddsa" => Some(Self::Eddsa),
            "rsapss" | "pycrypto-pkcs#1 pss" => Some(Self::RsaPss),
            "rsapkcs1v15" => Some(Self::RsaPkcs1),
            _ => None,
        }
    }
}

/// A text that holds no public key of a kind that Notary v1 knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected PEM of a public key or certificate: ECDSA on P-256, P-384 or P-521, Ed25519, or RSA of 2048 to 8192 bits"
)]
pub struct BadKey;

impl PublicKey {
    /// Reads the first public key or certificate of a PEM text. Headers such as Docker's `role: alice` are read past.
    pub fn from_pem(text: &str) -> Result<Self, BadKey> {
        let found = pem::blocks(text).find_map(|block| match block.label {
            "PUBLIC KEY" => Some(Self::from_spki(&block.contents)),
            "CERTIFICATE" => Some(
                certificate::from_der(&block.contents).and_then(|(_, spki)| Self::from_spki(&spki)),
            ),
            _ => None,
        });
        found.flatten().ok_or(BadKey)
    }

    /// Reads DER of `SubjectPublicKeyInfo`, RFC 5280 section 4.1.
    pub(crate) fn from_spki(der: &[u8]) -> Option<Self> {
        let info = SubjectPublicKeyInfoRef::from_der(der).ok()?;
        let bits = info.subject_public_key.as_bytes()?;
        let kind = match info.algorithm.oid {
            EC => curve(info.algorithm.parameters_oid().ok()?)?,
            ED25519_KEY => KeyKind::Ed25519,
            RSA => KeyKind::Rsa,
            _ => return None,
        };
        Self::new(kind, bits)
    }

    fn new(kind: KeyKind, material: &[u8]) -> Option<Self> {
        let point = |size: usize| material.len() == 1 + 2 * size && material.first() == Some(&4);
        let fits = match kind {
            KeyKind::EcdsaP256 => point(32),
            KeyKind::EcdsaP384 => point(48),
            KeyKind::EcdsaP521 => point(66),
            KeyKind::Ed25519 => material.len() == 32,
            KeyKind::Rsa => (2048..=8192).contains(&modulus_bits(material)?),
        };
        fits.then(|| Self {
            kind,
            material: material.into(),
        })
    }

    /// The SHA-256 of the key itself: the same whether it came bare or in a certificate.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        let mut bytes = vec![self.kind as u8];
        bytes.extend_from_slice(&self.material);
        Fingerprint(sha256(&bytes))
    }

    /// Whether `signature` is this key's over `message` by `method`. SHA-256 throughout, as in Notary v1.
    pub(crate) fn verifies(&self, method: Method, message: &[u8], signature: &[u8]) -> bool {
        match (method, self.kind) {
            (Method::Ecdsa, KeyKind::EcdsaP256) => {
                self.ecdsa(&ECDSA_P256_SHA256_ASN1, 32, message, signature)
            }
            (Method::Ecdsa, KeyKind::EcdsaP384) => {
                self.ecdsa(&ECDSA_P384_SHA256_ASN1, 48, message, signature)
            }
            (Method::Ecdsa, KeyKind::EcdsaP521) => {
                self.ecdsa(&ECDSA_P521_SHA256_ASN1, 66, message, signature)
            }
            (Method::Eddsa, KeyKind::Ed25519) => self.check(&ED25519, message, signature),
            (Method::RsaPss, KeyKind::Rsa) => {
                self.check(&RSA_PSS_2048_8192_SHA256, message, signature)
            }
            (Method::RsaPkcs1, KeyKind::Rsa) => {
                self.check(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            }
            _ => false,
        }
    }

    fn check(
        &self,
        algorithm: &'static dyn VerificationAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        UnparsedPublicKey::new(algorithm, &self.material)
            .verify(message, signature)
            .is_ok()
    }

    /// Notary writes ECDSA signatures as r and s side by side; the verifier takes DER for every pair of curve and hash.
    fn ecdsa(
        &self,
        algorithm: &'static dyn VerificationAlgorithm,
        size: usize,
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        if signature.len() != 2 * size {
            return false;
        }
        let (r, s) = signature.split_at(size);
        ecdsa_der(r, s).is_some_and(|der| self.check(algorithm, message, &der))
    }
}

/// The SHA-256 of a key's kind and material.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Fingerprint([u8; 32]);

/// A key as metadata lists it: under its id, and perhaps in a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TufKey {
    id: KeyId,
    key: PublicKey,
    certificate: Option<Chain>,
}

impl TufKey {
    /// Reads the `keys` of a document, by id.
    ///
    /// A key of an unknown type, one that its type does not fit, and one that is listed under an id that is not its
    /// own, are `None`: known, but of no use.
    pub(crate) fn read_all(
        keys: &At<'_>,
        most: usize,
    ) -> Result<Vec<(KeyId, Option<Self>)>, BadShape> {
        let read = |(id, entry): (&str, At<'_>)| {
            let id = KeyId::parse(id).ok_or_else(|| entry.error("is not listed under a key id"))?;
            Ok((id, Self::read(&entry)?.filter(|key| key.id == id)))
        };
        keys.members(most)?.map(read).collect()
    }

    fn read(entry: &At<'_>) -> Result<Option<Self>, BadShape> {
        let kind = entry.required("keytype")?.text()?;
        let public = entry.required("keyval")?.required("public")?.bytes()?;
        let Some((key, certificate)) = unwrap(kind, &public) else {
            return Ok(None);
        };
        // The type is one of five known names, so that nothing in it needs escaping.
        let description = format!(
            r#"{{"keytype":"{kind}","keyval":{{"private":null,"public":"{}"}}}}"#,
            STANDARD.encode(&public)
        );
        Ok(Some(Self {
            id: KeyId::of(&description),
            key,
            certificate,
        }))
    }

    pub(crate) fn id(&self) -> &KeyId {
        &self.id
    }

    pub(crate) fn public_key(&self) -> &PublicKey {
        &self.key
    }

    pub(crate) fn certificate(&self) -> Option<&Chain> {
        self.certificate.as_ref()
    }
}

fn unwrap(kind: &str, public: &[u8]) -> Option<(PublicKey, Option<Chain>)> {
    let in_certificate = || {
        let chain = Chain::from_pem(std::str::from_utf8(public).ok()?)?;
        Some((PublicKey::from_spki(chain.spki())?, Some(chain)))
    };
    let (key, certificate) = match kind {
        "ed25519" => (PublicKey::new(KeyKind::Ed25519, public)?, None),
        "ecdsa" => (PublicKey::from_spki(public)?, None),
        // Keys of the oldest repositories are PEM inside of the base64.
        "rsa" => (
            PublicKey::from_spki(public).or_else(|| from_pem_bytes(public))?,
            None,
        ),
        "ecdsa-x509" | "rsa-x509" => in_certificate()?,
        _ => return None,
    };
    let is_rsa = key.kind == KeyKind::Rsa;
    (is_rsa == kind.starts_with("rsa")).then_some((key, certificate))
}

fn from_pem_bytes(public: &[u8]) -> Option<PublicKey> {
    PublicKey::from_pem(std::str::from_utf8(public).ok()?).ok()
}

const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
const ED25519_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

fn curve(named: ObjectIdentifier) -> Option<KeyKind> {
    match named {
        P256 => Some(KeyKind::EcdsaP256),
        P384 => Some(KeyKind::EcdsaP384),
        P521 => Some(KeyKind::EcdsaP521),
        _ => None,
    }
}

fn ecdsa_der(r: &[u8], s: &[u8]) -> Option<Vec<u8>> {
    let mut pair = SequenceOf::<UintRef<'_>, 2>::new();
    pair.add(UintRef::new(r).ok()?).ok()?;
    pair.add(UintRef::new(s).ok()?).ok()?;
    pair.to_der().ok()
}

fn modulus_bits(rsa: &[u8]) -> Option<usize> {
    let key = SequenceOf::<UintRef<'_>, 2>::from_der(rsa).ok()?;
    let bytes = key.get(0)?.as_bytes();
    let zeros = bytes.first()?.leading_zeros() as usize;
    Some(bytes.len() * 8 - zeros)
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, bytes).as_ref());
    out
}
