use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use secrecy::{ExposeSecret as _, SecretString};
use x509_cert::Certificate;
use x509_cert::der::{Decode as _, DecodePem as _};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use super::{ServingCertificate, Unusable};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// How long an authority holds, and a certificate of the webhooks. Each is renewed when a third of it is left.
const AUTHORITY_HOLDS: Duration = DAY.saturating_mul(3 * 365);
const SERVING_HOLDS: Duration = DAY.saturating_mul(90);

/// How long an authority is trusted before it signs: all API servers have heard of it by then.
const SETTLES_FOR: Duration = Duration::from_secs(3600);

/// How far back a certificate holds, for those whose clock is behind.
const CLOCK_SKEW: Duration = Duration::from_secs(3600);

/// The name of every authority. They are told apart by their keys.
const AUTHORITY_NAME: &str = "CISE webhooks";

/// The authorities and the certificate of the webhooks, with their keys.
#[derive(Debug)]
pub(super) struct Keyring {
    /// Signs.
    pub(super) authority: Pair,
    /// Is trusted already, and will sign.
    pub(super) next: Option<Pair>,
    /// Is trusted still, and signs no more.
    pub(super) former: Option<Dated>,
    /// What the webhooks show.
    pub(super) serving: Pair,
}

/// A certificate and its key.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) certificate: Dated,
    /// PKCS #8 PEM.
    pub(super) key: SecretString,
}

/// A certificate, and when it holds.
#[derive(Clone, Debug)]
pub(super) struct Dated {
    pub(super) pem: String,
    begins: SystemTime,
    expires: SystemTime,
    names: Vec<String>,
}

/// What has to be renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Another authority is made, and trusted besides the one that signs.
    NextAuthority,
    /// The next authority signs from now on, and the certificate first.
    Succession,
    /// The certificate of the webhooks.
    Serving,
    /// The former authority is trusted no longer: it has expired.
    FormerAuthority,
}

impl Keyring {
    /// A new authority, and a certificate for these names.
    pub(super) fn new(names: &[String], now: SystemTime) -> Result<Self, Unusable> {
        let authority = Pair::authority(now)?;
        Ok(Self {
            serving: authority.sign(names, now)?,
            authority,
            next: None,
            former: None,
        })
    }

    /// What has to be renewed first.
    pub(super) fn due(&self, names: &[String], now: SystemTime) -> Option<Change> {
        let settled = |next: &Pair| next.certificate.begins + CLOCK_SKEW + SETTLES_FOR <= now;
        if self.next.as_ref().is_some_and(settled) {
            Some(Change::Succession)
        } else if self.next.is_none() && self.authority.certificate.is_old(now) {
            Some(Change::NextAuthority)
        } else if self.serving.certificate.is_old(now) || !self.serving.certificate.is_for(names) {
            Some(Change::Serving)
        } else if self
            .former
            .as_ref()
            .is_some_and(|former| former.expires <= now)
        {
            Some(Change::FormerAuthority)
        } else {
            None
        }
    }

    /// With that renewed.
    pub(super) fn after(
        self,
        change: Change,
        names: &[String],
        now: SystemTime,
    ) -> Result<Self, Unusable> {
        match (change, self.next) {
            (Change::NextAuthority, _) => Ok(Self {
                next: Some(Pair::authority(now)?),
                ..self
            }),
            (Change::Succession, Some(next)) => Ok(Self {
                serving: next.sign(names, now)?,
                former: Some(self.authority.certificate),
                authority: next,
                next: None,
            }),
            (Change::Succession | Change::Serving, next) => Ok(Self {
                serving: self.authority.sign(names, now)?,
                next,
                ..self
            }),
            (Change::FormerAuthority, next) => Ok(Self {
                former: None,
                next,
                ..self
            }),
        }
    }

    /// What a replica shows.
    pub(super) fn serving_certificate(&self) -> ServingCertificate {
        ServingCertificate {
            chain: self.serving.certificate.pem.clone(),
            key: self.serving.key.clone(),
            expires: self.serving.certificate.expires,
        }
    }

    /// What the API server has to trust, PEM.
    pub(super) fn authorities(&self) -> String {
        let next = self.next.as_ref().map(|next| &next.certificate);
        let trusted = [
            Some(&self.authority.certificate),
            next,
            self.former.as_ref(),
        ];
        trusted.into_iter().flatten().map(|one| &*one.pem).collect()
    }
}

impl Pair {
    fn authority(now: SystemTime) -> Result<Self, Unusable> {
        let key = KeyPair::generate()?;
        let key_pem = key.serialize_pem();
        let issuer = CertifiedIssuer::self_signed(authority_parameters(now)?, key)?;
        Self::new(issuer.pem(), key_pem)
    }

    pub(super) fn sign(&self, names: &[String], now: SystemTime) -> Result<Self, Unusable> {
        let authority_key = KeyPair::from_pem(self.key.expose_secret())?;
        let issuer = Issuer::new(authority_parameters(now)?, authority_key);
        let key = KeyPair::generate()?;
        let certificate = serving_parameters(names, now)?.signed_by(&key, &issuer)?;
        Self::new(certificate.pem(), key.serialize_pem())
    }

    fn new(certificate: String, key: String) -> Result<Self, Unusable> {
        let certificate = Dated::read("a new certificate", certificate)?;
        let key = key.into();
        Ok(Self { certificate, key })
    }
}

impl Dated {
    /// Reads a certificate, which is called `what`.
    pub(super) fn read(what: &'static str, pem: String) -> Result<Self, Unusable> {
        let damaged = || Unusable::Damaged(what);
        let parsed = Certificate::from_pem(pem.as_bytes()).map_err(|_| damaged())?;
        let validity = parsed.tbs_certificate.validity;
        Ok(Self {
            begins: validity.not_before.to_system_time(),
            expires: validity.not_after.to_system_time(),
            names: names_of(&parsed).ok_or_else(damaged)?,
            pem,
        })
    }

    /// Is it for these names, and no others?
    pub(super) fn is_for(&self, names: &[String]) -> bool {
        self.names == names
    }

    /// Is only a third of its time left?
    pub(super) fn is_old(&self, now: SystemTime) -> bool {
        let whole = self.expires.duration_since(self.begins).unwrap_or_default();
        let left = self.expires.duration_since(now).unwrap_or_default();
        left < whole / 3
    }
}

fn names_of(certificate: &Certificate) -> Option<Vec<String>> {
    let extensions = certificate
        .tbs_certificate
        .extensions
        .as_deref()
        .unwrap_or_default();
    let mut names = Vec::new();
    for extension in extensions {
        if extension.extn_id == <SubjectAltName as x509_cert::der::oid::AssociatedOid>::OID {
            let alternatives = SubjectAltName::from_der(extension.extn_value.as_bytes()).ok()?;
            names.extend(alternatives.0.iter().filter_map(|name| match name {
                GeneralName::DnsName(name) => Some(name.to_string()),
                _ => None,
            }));
        }
    }
    Some(names)
}

fn authority_parameters(now: SystemTime) -> Result<CertificateParams, Unusable> {
    let mut parameters = parameters(&[], AUTHORITY_NAME, now, AUTHORITY_HOLDS)?;
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::DigitalSignature,
    ];
    Ok(parameters)
}

fn serving_parameters(names: &[String], now: SystemTime) -> Result<CertificateParams, Unusable> {
    let mut parameters = parameters(names, "CISE", now, SERVING_HOLDS)?;
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    parameters.use_authority_key_identifier_extension = true;
    Ok(parameters)
}

fn parameters(
    names: &[String],
    common_name: &str,
    now: SystemTime,
    holds: Duration,
) -> Result<CertificateParams, Unusable> {
    let mut parameters = CertificateParams::new(names)?;
    parameters.not_before = (now - CLOCK_SKEW).into();
    parameters.not_after = (now + holds).into();
    parameters.distinguished_name = DistinguishedName::new();
    parameters
        .distinguished_name
        .push(DnType::CommonName, common_name);
    Ok(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<String> {
        vec!["cise.ibm-system.svc".to_owned()]
    }

    /// A time without parts of seconds, as certificates have them.
    fn start() -> SystemTime {
        SystemTime::UNIX_EPOCH + DAY * 20_000
    }

    fn renewed(keyring: Keyring, now: SystemTime) -> (Option<Change>, Keyring) {
        match keyring.due(&names(), now) {
            None => (None, keyring),
            Some(change) => (Some(change), keyring.after(change, &names(), now).unwrap()),
        }
    }

    #[test]
    fn a_certificate_is_for_its_names_and_holds_for_its_time() {
        let keyring = Keyring::new(&names(), start()).unwrap();
        assert_eq!(keyring.serving.certificate.names, names());
        assert_eq!(keyring.serving.certificate.begins, start() - CLOCK_SKEW);
        assert_eq!(keyring.serving.certificate.expires, start() + SERVING_HOLDS);
        assert_eq!(keyring.due(&names(), start()), None);
    }

    #[test]
    fn a_certificate_is_renewed_when_a_third_of_its_time_is_left_or_its_names_have_changed() {
        let keyring = Keyring::new(&names(), start()).unwrap();
        assert_eq!(keyring.due(&names(), start() + DAY * 59), None);
        assert_eq!(
            keyring.due(&names(), start() + DAY * 61),
            Some(Change::Serving)
        );
        assert_eq!(
            keyring.due(&["other.svc".to_owned()], start()),
            Some(Change::Serving)
        );
        let (_, after) = renewed(keyring, start() + DAY * 61);
        assert_eq!(after.due(&names(), start() + DAY * 61), None);
    }

    #[test]
    fn an_authority_is_trusted_before_it_signs_and_after() {
        let first = Keyring::new(&names(), start()).unwrap();
        let old = first.authority.certificate.pem.clone();
        let mut now = start() + DAY * (2 * 365 + 5);
        let (change, both) = renewed(first, now);
        assert_eq!(change, Some(Change::NextAuthority));
        let new = both.next.as_ref().unwrap().certificate.pem.clone();
        assert_eq!(both.authorities(), format!("{old}{new}"));
        assert_eq!(both.authority.certificate.pem, old);

        let (change, both) = renewed(both, now);
        assert_eq!(change, Some(Change::Serving), "the old one signs meanwhile");
        assert_eq!(both.due(&names(), now), None);

        now += SETTLES_FOR;
        let (change, after) = renewed(both, now);
        assert_eq!(change, Some(Change::Succession));
        assert_eq!(after.authorities(), format!("{new}{old}"));
        assert_eq!(after.serving.certificate.expires, now + SERVING_HOLDS);
        assert_eq!(after.due(&names(), now), None);

        now = start() + DAY * (3 * 365);
        let (change, after) = renewed(after, now);
        assert_eq!(change, Some(Change::Serving));
        let (change, after) = renewed(after, now);
        assert_eq!(change, Some(Change::FormerAuthority));
        assert_eq!(after.authorities(), new);
    }

    /// For ten years, a client that trusts the authorities of some hours ago accepts the certificate of now, and one that
    /// trusts those of now accepts the certificate of some hours ago.
    #[test]
    fn whoever_is_some_time_behind_is_understood_still() {
        let mut keyring = Keyring::new(&names(), start()).unwrap();
        let mut before = (keyring.authorities(), signer(&keyring));
        for hours in 0..10 * 365 * 2 {
            let now = start() + Duration::from_secs(hours * 12 * 3600);
            keyring = renewed(keyring, now).1;
            let after = (keyring.authorities(), signer(&keyring));
            assert!(
                before.0.contains(&after.1),
                "the new certificate is trusted by those behind"
            );
            assert!(
                after.0.contains(&before.1),
                "the old certificate is trusted by those ahead"
            );
            assert!(keyring.serving.certificate.expires > now + DAY);
            before = after;
        }
    }

    /// The authority that has signed the certificate: it is always the one that signs now.
    fn signer(keyring: &Keyring) -> String {
        keyring.authority.certificate.pem.clone()
    }

    #[test]
    fn no_key_is_shown() {
        let keyring = Keyring::new(&names(), start()).unwrap();
        let shown = format!("{keyring:?} {:?}", keyring.serving_certificate());
        assert!(!shown.contains("PRIVATE KEY"), "{shown}");
    }
}
