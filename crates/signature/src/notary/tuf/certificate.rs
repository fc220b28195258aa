//! What Notary takes from an X.509 certificate: the key, whom it names, and from when until when.

use std::slice;
use std::time::Duration;

use jiff::Timestamp;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, anchor_from_trusted_cert};
use x509_cert::Certificate;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode as _, Encode as _, Tagged as _};

use super::pem;

/// `id-at-commonName`, RFC 5280 appendix A.
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

/// `id-kp-codeSigning`, 1.3.6.1.5.5.7.3.3, which Notary's certificates are for; the contents of its DER.
const CODE_SIGNING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 3];

/// How many certificates one key may come with.
const MAX_CHAIN: usize = 8;

/// The facts of a certificate that Notary looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CertificateFacts {
    /// The common name of the subject: for a root key the repository's name, or its beginning and `*`.
    pub(crate) common_name: Option<Box<str>>,
    /// When it holds.
    pub(crate) term: Term,
}

/// The time during which certificates hold, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Term {
    from: Timestamp,
    until: Timestamp,
}

impl Term {
    /// Any time at all.
    pub(crate) const ALWAYS: Self = Self {
        from: Timestamp::MIN,
        until: Timestamp::MAX,
    };

    /// The time during which both hold.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            from: self.from.max(other.from),
            until: self.until.min(other.until),
        }
    }

    /// Whether `now` lies in it.
    pub(crate) fn contains(self, now: Timestamp) -> bool {
        (self.from..=self.until).contains(&now)
    }
}

impl CertificateFacts {
    /// Whether the certificate was issued for the repository of that name, as Notary compares them.
    pub(crate) fn names(&self, gun: &str) -> bool {
        let Some(name) = self.common_name.as_deref() else {
            return false;
        };
        match name.strip_suffix('*') {
            Some(_) => gun.starts_with(name.trim_end_matches('*')),
            None => gun == name,
        }
    }
}

/// The certificate of a key, and those that lead from it to its authority, in DER.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chain {
    facts: CertificateFacts,
    spki: Vec<u8>,
    certificates: Vec<CertificateDer<'static>>,
}

impl Chain {
    /// The certificates of a PEM text, that of the key first.
    pub(crate) fn from_pem(text: &str) -> Option<Self> {
        let blocks = pem::blocks(text)
            .filter(|block| block.label == "CERTIFICATE")
            .take(MAX_CHAIN);
        let certificates: Vec<_> = blocks
            .map(|block| CertificateDer::from(block.contents))
            .collect();
        let (facts, spki) = from_der(certificates.first()?)?;
        Some(Self {
            facts,
            spki,
            certificates,
        })
    }

    /// The time during which every certificate of the chain holds.
    pub(crate) fn term(&self) -> Term {
        let terms = self
            .certificates
            .iter()
            .filter_map(|der| Some(from_der(der)?.0.term));
        terms.fold(self.facts.term, Term::and)
    }

    /// The facts of the key's certificate.
    pub(crate) fn facts(&self) -> &CertificateFacts {
        &self.facts
    }

    /// The key, as DER of `SubjectPublicKeyInfo`.
    pub(crate) fn spki(&self) -> &[u8] {
        &self.spki
    }
}

/// A certification authority that is trusted to say whose a root key is.
#[derive(Debug, Clone)]
pub(crate) struct Authority(TrustAnchor<'static>);

impl Authority {
    /// The authority whose certificate is the first of a PEM text.
    pub(crate) fn from_pem(text: &str) -> Option<Self> {
        let der = pem::blocks(text)
            .find(|block| block.label == "CERTIFICATE")?
            .contents;
        let anchor = anchor_from_trusted_cert(&CertificateDer::from(der))
            .ok()?
            .to_owned();
        Some(Self(anchor))
    }

    /// Whether the authority issued the certificate at the head of `chain`, directly or by way of the others, and all
    /// of them hold at `now` (RFC 5280 section 6).
    pub(crate) fn issued(&self, chain: &Chain, now: Timestamp) -> bool {
        let Some((leaf, between)) = chain.certificates.split_first() else {
            return false;
        };
        let Ok(seconds) = u64::try_from(now.as_second()) else {
            return false;
        };
        let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let usage = KeyUsage::required_if_present(CODE_SIGNING);
        EndEntityCert::try_from(leaf).is_ok_and(|leaf| {
            let anchors = slice::from_ref(&self.0);
            leaf.verify_for_usage(
                ALL_VERIFICATION_ALGS,
                anchors,
                between,
                time,
                usage,
                None,
                None,
            )
            .is_ok()
        })
    }
}

/// The facts and the key of a certificate in DER.
pub(crate) fn from_der(der: &[u8]) -> Option<(CertificateFacts, Vec<u8>)> {
    let certificate = Certificate::from_der(der).ok()?.tbs_certificate;
    let facts = CertificateFacts {
        common_name: common_name(&certificate),
        term: Term {
            from: timestamp(certificate.validity.not_before)?,
            until: timestamp(certificate.validity.not_after)?,
        },
    };
    Some((facts, certificate.subject_public_key_info.to_der().ok()?))
}

fn timestamp(time: x509_cert::time::Time) -> Option<Timestamp> {
    let seconds = i64::try_from(time.to_unix_duration().as_secs()).ok()?;
    Timestamp::from_second(seconds).ok()
}

fn common_name(certificate: &x509_cert::TbsCertificate) -> Option<Box<str>> {
    use x509_cert::der::Tag;
    let mut attributes = certificate.subject.0.iter().flat_map(|name| name.0.iter());
    let value = &attributes
        .rfind(|attribute| attribute.oid == COMMON_NAME)?
        .value;
    match value.tag() {
        Tag::Utf8String | Tag::PrintableString | Tag::TeletexString | Tag::Ia5String => {
            std::str::from_utf8(value.value()).ok().map(Into::into)
        }
        _ => None,
    }
}
