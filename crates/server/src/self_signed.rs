//! A certificate of the server's own making, for trying it out.

use std::fmt;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
};

use crate::certificate::{CertificateError, Identity};

/// How long the certificates hold: longer than a process that tries something out lives.
const VALIDITY: Duration = Duration::from_secs(365 * 24 * 3600);
/// How far back they hold, for clients whose clock is behind.
const CLOCK_SKEW: Duration = Duration::from_secs(3600);

/// A server certificate, signed by a CA that exists for this one only and whose key is gone.
pub struct SelfSigned {
    /// The certificate of the CA, PEM: what a client has to trust.
    pub ca_pem: String,
    /// The server's certificate, PEM.
    pub chain_pem: String,
    /// The server's key, PEM.
    pub(crate) key_pem: String,
}

impl SelfSigned {
    /// Makes a certificate for `names`: host names and IP addresses.
    pub fn new(names: &[String]) -> Result<Self, CertificateError> {
        make(names).map_err(|cause| CertificateError::Make {
            names: names.join(", "),
            cause,
        })
    }

    /// The pair, for the server to use.
    pub fn identity(&self) -> Result<Identity, CertificateError> {
        Identity::from_pem(self.chain_pem.as_bytes(), self.key_pem.as_bytes())
    }
}

fn make(names: &[String]) -> Result<SelfSigned, rcgen::Error> {
    let ca = CertifiedIssuer::self_signed(ca_params()?, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let certificate = server_params(names)?.signed_by(&key, &ca)?;
    Ok(SelfSigned {
        ca_pem: ca.pem(),
        chain_pem: certificate.pem(),
        key_pem: key.serialize_pem(),
    })
}

fn ca_params() -> Result<CertificateParams, rcgen::Error> {
    let mut params = params(&[], "CISE self-signed CA")?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    Ok(params)
}

fn server_params(names: &[String]) -> Result<CertificateParams, rcgen::Error> {
    let mut params = params(names, "CISE")?;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn params(names: &[String], common_name: &str) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    let now = SystemTime::now();
    params.not_before = (now - CLOCK_SKEW).into();
    params.not_after = (now + VALIDITY).into();
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    Ok(params)
}

impl fmt::Debug for SelfSigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SelfSigned")
            .field("ca_pem", &self.ca_pem)
            .finish_non_exhaustive()
    }
}
