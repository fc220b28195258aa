//! TLS settings of one host: which authorities vouch for it, and as whom we present ourselves.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// The most certificates in one PEM file: a system's whole bundle has a few hundred.
const MAX_CERTIFICATES: usize = 1024;

/// TLS settings of one host. The default trusts the system's authorities and presents no certificate.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    roots: Vec<CertificateDer<'static>>,
    identity: Option<Arc<ClientIdentity>>,
}

struct ClientIdentity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

/// Why TLS settings cannot be used. The caller knows the file and names it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The text is no PEM.
    #[error("this is not PEM ({0}); expected `-----BEGIN CERTIFICATE-----` and base64 below it")]
    NotPem(String),
    /// No certificate is in it.
    #[error("no certificate is in it; expected at least one `-----BEGIN CERTIFICATE-----`")]
    NoCertificate,
    /// More certificates than any bundle has.
    #[error("more than {MAX_CERTIFICATES} certificates are in it")]
    TooMany,
    /// A certificate that cannot be an authority's.
    #[error("certificate {number} in it cannot be used as an authority: {reason}")]
    Certificate {
        /// Which one, counted from 1.
        number: usize,
        /// What the certificate parser says.
        reason: String,
    },
    /// No private key is in it.
    #[error(
        "no private key is in it; expected `-----BEGIN PRIVATE KEY-----` (or an RSA or EC one)"
    )]
    NoKey,
    /// The client certificate and the key do not make an identity.
    #[error("the client certificate and its key cannot be used together: {0}")]
    Identity(String),
}

impl Tls {
    /// Trusts the authorities in `pem` as well as those of the system.
    pub fn with_roots(mut self, pem: &[u8]) -> Result<Self, TlsError> {
        let roots = certificates(pem)?;
        let mut probe = RootCertStore::empty();
        for (index, root) in roots.iter().enumerate() {
            let refused = |error: rustls::Error| TlsError::Certificate {
                number: index + 1,
                reason: error.to_string(),
            };
            probe.add(root.clone()).map_err(refused)?;
        }
        self.roots.extend(roots);
        Ok(self)
    }

    /// Presents the certificate chain in `chain_pem` with the private key in `key_pem` to servers that ask for one.
    pub fn with_identity(mut self, chain_pem: &[u8], key_pem: &[u8]) -> Result<Self, TlsError> {
        let chain = certificates(chain_pem)?;
        let key = PrivateKeyDer::from_pem_slice(key_pem).map_err(|error| match error {
            rustls_pki_types::pem::Error::NoItemsFound => TlsError::NoKey,
            other => TlsError::NotPem(other.to_string()),
        })?;
        self.identity = Some(Arc::new(ClientIdentity { chain, key }));
        self.client_config(&RootCertStore::empty())?;
        Ok(self)
    }

    /// The rustls configuration that these settings make, on top of the system's authorities.
    pub(crate) fn client_config(&self, system: &RootCertStore) -> Result<ClientConfig, TlsError> {
        let mut roots = system.clone();
        for root in &self.roots {
            // Every one of them was accepted by `with_roots`.
            let _ = roots.add(root.clone());
        }
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::Identity(error.to_string()))?
            .with_root_certificates(roots);
        let mut config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some(identity) => builder
                .with_client_auth_cert(identity.chain.clone(), identity.key.clone_key())
                .map_err(|error| TlsError::Identity(error.to_string()))?,
        };
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }
}

impl std::fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientIdentity")
            .field("certificates", &self.chain.len())
            .finish_non_exhaustive()
    }
}

/// The authorities that the operating system trusts; `SSL_CERT_FILE` and `SSL_CERT_DIR` are respected.
pub(crate) fn system_roots() -> RootCertStore {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "a certificate of the system cannot be read");
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    roots
}

// Passed on explicitly, so that nothing depends on what else the process has installed.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let mut certificates = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        certificates.push(certificate.map_err(|error| TlsError::NotPem(error.to_string()))?);
        if certificates.len() > MAX_CERTIFICATES {
            return Err(TlsError::TooMany);
        }
    }
    if certificates.is_empty() {
        Err(TlsError::NoCertificate)
    } else {
        Ok(certificates)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cise_testkit::authority::Authority;

    #[test]
    fn only_certificates_make_authorities() {
        let authority = Authority::new("test").expect("an authority").certificate();
        let key = std::fs::read_to_string(Authority::new("test").expect("an authority").key_file())
            .expect("a key");
        let table = [
            (authority.as_str(), true),
            (&format!("a comment\n{authority}{authority}"), true),
            ("", false),
            ("not PEM", false),
            (&key, false),
            (
                "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                false,
            ),
            (
                "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
                false,
            ),
        ];
        for (pem, taken) in table {
            assert_eq!(
                Tls::default().with_roots(pem.as_bytes()).is_ok(),
                taken,
                "{pem}"
            );
        }
    }

    #[test]
    fn a_client_certificate_needs_its_own_key() {
        let authority = Authority::new("test").expect("an authority");
        let (alice, bob) = (
            authority.client("alice", &[]).expect("alice"),
            authority.client("bob", &[]).expect("bob"),
        );
        let identity = |certificate: &str, key: &str| {
            Tls::default()
                .with_identity(certificate.as_bytes(), key.as_bytes())
                .err()
        };
        assert_eq!(identity(&alice.certificate, &alice.key), None);
        assert!(matches!(
            identity(&alice.certificate, &bob.key),
            Some(TlsError::Identity(_))
        ));
        assert_eq!(
            identity(&alice.certificate, &alice.certificate),
            Some(TlsError::NoKey)
        );
        assert_eq!(
            identity(&alice.key, &alice.key),
            Some(TlsError::NoCertificate)
        );
    }

    #[test]
    fn debug_prints_no_key() {
        let alice = Authority::new("test")
            .and_then(|authority| authority.client("alice", &[]))
            .expect("alice");
        let tls = Tls::default()
            .with_identity(alice.certificate.as_bytes(), alice.key.as_bytes())
            .expect("an identity");
        assert!(format!("{tls:?}").contains("certificates: 1"));
        assert!(!format!("{tls:?}").contains("PRIVATE"));
    }
}
