//! Signed tokens in the form that registries check: a JWT (RFC 7519) that carries its certificate.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use serde::Serialize;
use serde_json::{Value, json};

use crate::Error;
use crate::authority::Identity;

/// What a token permits on one repository.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Access {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) actions: Vec<String>,
}

/// Signs tokens with ES256.
#[derive(Debug)]
pub(super) struct Signer {
    key: EcdsaKeyPair,
    /// The certificate as the header `x5c` wants it (RFC 7515 §4.1.6).
    certificate: String,
}

impl Signer {
    /// The key has to be an ECDSA key on P-256, as an authority's certificates have them.
    pub(super) fn new(identity: &Identity) -> Result<Self, Error> {
        let certificate =
            CertificateDer::from_pem_slice(identity.certificate.as_bytes()).map_err(tls)?;
        let key = PrivatePkcs8KeyDer::from_pem_slice(identity.key.as_bytes()).map_err(tls)?;
        let key =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key.secret_pkcs8_der());
        Ok(Self {
            key: key.map_err(tls)?,
            certificate: STANDARD.encode(certificate),
        })
    }

    pub(super) fn sign(
        &self,
        subject: &str,
        audience: &str,
        lifetime: Duration,
        access: &[Access],
    ) -> Result<String, Error> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        let header = json!({ "typ": "JWT", "alg": "ES256", "x5c": [self.certificate] });
        let claims = json!({
            "iss": super::TokenServer::ISSUER,
            "sub": subject,
            "aud": audience,
            "iat": now,
            "nbf": now,
            "exp": now + lifetime.as_secs(),
            "access": access,
        });
        let signed = format!("{}.{}", encode(&header), encode(&claims));
        let signature = self
            .key
            .sign(&SystemRandom::new(), signed.as_bytes())
            .map_err(tls)?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

fn encode(part: &Value) -> String {
    URL_SAFE_NO_PAD.encode(part.to_string())
}

fn tls(error: impl std::fmt::Display) -> Error {
    Error::Tls(error.to_string())
}
