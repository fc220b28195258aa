//! A certificate authority that lives as long as its test, and signers' keys and certificates.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256,
};
use tempfile::TempDir;

use crate::Error;

/// The names and addresses under which everything of the test kit listens.
pub const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// A throw-away certificate authority with its files in a temporary folder.
#[derive(Debug)]
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

/// A certificate and its private key, in memory and as PEM files that live as long as their authority.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The certificate, PEM.
    pub certificate: String,
    /// The private key, PKCS #8 PEM.
    pub key: String,
    /// A file with the certificate.
    pub certificate_file: PathBuf,
    /// A file with the private key.
    pub key_file: PathBuf,
}

/// The kind of a signer's key. The notary client takes no others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// ECDSA on P-256.
    Ecdsa,
    /// RSA with 2048 bits.
    Rsa,
}

impl Authority {
    /// A new authority; `name` goes into its certificate.
    pub fn new(name: &str) -> Result<Self, Error> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        let folder = crate::temporary_folder()?;
        write(folder.path(), "ca.crt", &issuer.pem())?;
        write(folder.path(), "ca.key", &issuer.key().serialize_pem())?;
        Ok(Self { issuer, folder })
    }

    /// The authority's own certificate, PEM.
    pub fn certificate(&self) -> String {
        self.issuer.pem()
    }

    /// A file with the authority's own certificate.
    pub fn certificate_file(&self) -> PathBuf {
        self.folder.path().join("ca.crt")
    }

    /// A file with the authority's private key.
    pub fn key_file(&self) -> PathBuf {
        self.folder.path().join("ca.key")
    }

    /// A certificate for a server with these names and addresses, such as [`LOOPBACK`].
    pub fn server(&self, names: &[&str]) -> Result<Identity, Error> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let common_name = names.first().cloned().unwrap_or_default();
        let mut params = CertificateParams::new(names)?;
        params
            .distinguished_name
            .push(DnType::CommonName, common_name.as_str());
        self.issue("server", params, ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// A certificate for a client: Kubernetes takes the common name for the user and the organisations for the groups.
    pub fn client(&self, common_name: &str, organisations: &[&str]) -> Result<Identity, Error> {
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, common_name);
        for organisation in organisations {
            params
                .distinguished_name
                .push(DnType::OrganizationName, *organisation);
        }
        self.issue("client", params, ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn issue(
        &self,
        purpose: &str,
        mut params: CertificateParams,
        usage: ExtendedKeyUsagePurpose,
    ) -> Result<Identity, Error> {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![usage];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Identity::write(
            self.folder.path(),
            purpose,
            certificate.pem(),
            key.serialize_pem(),
        )
    }
}

impl Identity {
    /// Makes a key and a certificate that it signs itself, with the usage for signing code, as Notary wants them of
    /// signers and of root keys. The files go into `folder`.
    pub fn code_signing(folder: &Path, common_name: &str, kind: KeyKind) -> Result<Self, Error> {
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, common_name);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
        let key = kind.generate()?;
        let certificate = params.self_signed(&key)?;
        Self::write(folder, "signer", certificate.pem(), key.serialize_pem())
    }

    /// Writes the two files under a name that is not taken.
    fn write(
        folder: &Path,
        purpose: &str,
        certificate: String,
        key: String,
    ) -> Result<Self, Error> {
        let folder = tempfile::Builder::new().prefix(purpose).tempdir_in(folder);
        let folder = folder.map_err(Error::writing(Path::new(purpose)))?.keep();
        let certificate_file = write(&folder, "tls.crt", &certificate)?;
        let key_file = write(&folder, "tls.key", &key)?;
        Ok(Self {
            certificate,
            key,
            certificate_file,
            key_file,
        })
    }
}

impl KeyKind {
    /// A new key of this kind.
    pub(crate) fn generate(self) -> Result<KeyPair, Error> {
        let algorithm = match self {
            Self::Ecdsa => &PKCS_ECDSA_P256_SHA256,
            Self::Rsa => &PKCS_RSA_SHA256,
        };
        Ok(KeyPair::generate_for(algorithm)?)
    }
}

fn write(folder: &Path, name: &str, text: &str) -> Result<PathBuf, Error> {
    let path = folder.join(name);
    fs::write(&path, text).map_err(Error::writing(&path))?;
    Ok(path)
}
