//! The certificate that the server shows, and its key.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use rustls::crypto::aws_lc_rs;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;
use x509_cert::Certificate;
use x509_cert::der::Decode;

/// Why a pair of certificate and key cannot be used. Never quotes the key.
#[derive(Debug, Error)]
pub enum CertificateError {
    /// A file cannot be read.
    #[error("reading {}: {cause}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// A file is larger than any certificate chain or key.
    #[error("reading {}: more than {limit} bytes, which no certificate chain has", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The bound, in bytes.
        limit: u64,
    },
    /// The chain is not PEM.
    #[error(
        "reading the certificate chain: expected PEM with `BEGIN CERTIFICATE`, the server's own first; it is cut or damaged"
    )]
    ChainPem,
    /// The chain has no certificate.
    #[error(
        "reading the certificate chain: there is no certificate in it; expected PEM with `BEGIN CERTIFICATE`"
    )]
    NoCertificate,
    /// The first certificate is not X.509.
    #[error("reading the first certificate of the chain: {0}")]
    Certificate(x509_cert::der::Error),
    /// The key is not PEM.
    #[error(
        "reading the key: expected PEM with `BEGIN PRIVATE KEY` (PKCS #8, PKCS #1 or SEC 1), not encrypted"
    )]
    KeyPem,
    /// TLS cannot use the pair: an unknown kind of key, or one that is not the certificate's.
    #[error("pairing the key with the certificate: {0}")]
    Pair(rustls::Error),
    /// A certificate of our own could not be made.
    #[error("making a certificate for {names}: {cause}")]
    Make {
        /// The names and addresses that it was to have.
        names: String,
        /// What went wrong.
        cause: rcgen::Error,
    },
}

/// A certificate chain with the key of its first certificate: parsed, and known to belong together.
pub struct Identity {
    key: Arc<CertifiedKey>,
    expires: SystemTime,
}

impl Identity {
    /// Reads a chain (the server's own certificate first) and its key, both PEM.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, CertificateError> {
        let chain = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| CertificateError::ChainPem)?;
        // The cause is dropped: it may quote the text at hand.
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| CertificateError::KeyPem)?;
        let leaf = chain.first().ok_or(CertificateError::NoCertificate)?;
        let expires = expiry(leaf).map_err(CertificateError::Certificate)?;
        let key = CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider())
            .map_err(CertificateError::Pair)?;
        Ok(Self {
            key: Arc::new(key),
            expires,
        })
    }

    /// The end of the first certificate's validity.
    pub fn expires(&self) -> SystemTime {
        self.expires
    }
}

fn expiry(certificate: &CertificateDer<'_>) -> Result<SystemTime, x509_cert::der::Error> {
    Ok(Certificate::from_der(certificate)?
        .tbs_certificate
        .validity
        .not_after
        .to_system_time())
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// The identity in use. It can be replaced at any time: connections that are open keep theirs.
#[derive(Debug)]
pub struct Certificates(ArcSwap<Identity>);

impl Certificates {
    /// Begins with `identity`.
    pub fn new(identity: Identity) -> Self {
        Self(ArcSwap::from_pointee(identity))
    }

    /// Shows `identity` to those who connect from now on.
    pub fn replace(&self, identity: Identity) {
        self.0.store(Arc::new(identity));
    }

    /// The end of validity of the certificate in use.
    pub fn expires(&self) -> SystemTime {
        self.0.load().expires
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.load().key))
    }
}

#[cfg(test)]
mod tests {
    use rcgen::KeyPair;

    use super::*;
    use crate::SelfSigned;

    #[test]
    fn what_is_no_pair_is_refused_with_what_was_expected() {
        let SelfSigned {
            chain_pem, key_pem, ..
        } = SelfSigned::new(&["localhost".to_owned()]).unwrap();
        let other = KeyPair::generate().unwrap().serialize_pem();
        let broken = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
        let cut = &chain_pem[..chain_pem.len() / 4];
        let messages: Vec<String> = [
            ("", key_pem.as_str()),
            (&key_pem, &key_pem),
            (cut, &key_pem),
            (broken, &key_pem),
            (&chain_pem, ""),
            (&chain_pem, &chain_pem),
            (&chain_pem, &other),
        ]
        .map(|(chain, key)| {
            Identity::from_pem(chain.as_bytes(), key.as_bytes())
                .unwrap_err()
                .to_string()
        })
        .into();
        insta::assert_snapshot!(messages.join("\n"), @r"
        reading the certificate chain: there is no certificate in it; expected PEM with `BEGIN CERTIFICATE`
        reading the certificate chain: there is no certificate in it; expected PEM with `BEGIN CERTIFICATE`
        reading the certificate chain: expected PEM with `BEGIN CERTIFICATE`, the server's own first; it is cut or damaged
        reading the first certificate of the chain: ASN.1 DER message is incomplete: expected 3, actual 2 at DER byte 2
        reading the key: expected PEM with `BEGIN PRIVATE KEY` (PKCS #8, PKCS #1 or SEC 1), not encrypted
        reading the key: expected PEM with `BEGIN PRIVATE KEY` (PKCS #8, PKCS #1 or SEC 1), not encrypted
        pairing the key with the certificate: keys may not be consistent: KeyMismatch
        ");
    }

    #[test]
    fn a_key_is_not_shown_for_debugging() {
        let identity = SelfSigned::new(&["localhost".to_owned()])
            .unwrap()
            .identity()
            .unwrap();
        let shown = format!("{:?}", Certificates::new(identity));
        assert!(shown.starts_with("Certificates("), "{shown}");
        assert!(!shown.contains("key"), "{shown}");
    }
}
