use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::ObjectMeta;
use secrecy::{ExposeSecret as _, SecretString};

use super::Unusable;
use super::keyring::{Dated, Keyring, Pair};

/// The keys of the Secret. The first two are those of a Secret for TLS, so that people find what they know.
const SERVING: (&str, &str) = ("tls.crt", "tls.key");
const AUTHORITY: (&str, &str) = ("authority.crt", "authority.key");
const NEXT: (&str, &str) = ("next-authority.crt", "next-authority.key");
const FORMER: &str = "former-authority.crt";

type Data = BTreeMap<String, ByteString>;

impl Keyring {
    /// Reads what [`secret`](Self::secret) wrote.
    pub(super) fn read(secret: &Secret) -> Result<Self, Unusable> {
        let empty = Data::new();
        let data = secret.data.as_ref().unwrap_or(&empty);
        Ok(Self {
            authority: pair(data, AUTHORITY)?,
            next: data
                .contains_key(NEXT.0)
                .then(|| pair(data, NEXT))
                .transpose()?,
            former: data
                .contains_key(FORMER)
                .then(|| certificate(data, FORMER))
                .transpose()?,
            serving: pair(data, SERVING)?,
        })
    }

    /// The Secret that all replicas share.
    pub(super) fn secret(&self, name: &str) -> Secret {
        let mut data = Data::new();
        put_pair(&mut data, SERVING, &self.serving);
        put_pair(&mut data, AUTHORITY, &self.authority);
        if let Some(next) = &self.next {
            put_pair(&mut data, NEXT, next);
        }
        if let Some(former) = &self.former {
            put(&mut data, FORMER, &former.pem);
        }
        Secret {
            metadata: ObjectMeta {
                name: Some(name.to_owned()),
                ..ObjectMeta::default()
            },
            data: Some(data),
            ..Secret::default()
        }
    }
}

fn pair(data: &Data, (chain, key): (&'static str, &'static str)) -> Result<Pair, Unusable> {
    let key_pem = text(data, key)?;
    // Whether it can sign is known only by trying: one that cannot must be found before it is needed.
    if rcgen::KeyPair::from_pem(&key_pem).is_err() {
        return Err(Unusable::Damaged(key));
    }
    Ok(Pair {
        certificate: certificate(data, chain)?,
        key: SecretString::from(key_pem),
    })
}

fn certificate(data: &Data, key: &'static str) -> Result<Dated, Unusable> {
    Dated::read(key, text(data, key)?)
}

fn text(data: &Data, key: &'static str) -> Result<String, Unusable> {
    let value = data.get(key).ok_or(Unusable::Missing(key))?;
    String::from_utf8(value.0.clone()).map_err(|_| Unusable::Damaged(key))
}

fn put_pair(data: &mut Data, (chain, key): (&str, &str), pair: &Pair) {
    put(data, chain, &pair.certificate.pem);
    put(data, key, pair.key.expose_secret());
}

fn put(data: &mut Data, key: &str, pem: &str) {
    data.insert(key.to_owned(), ByteString(pem.as_bytes().to_vec()));
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::super::keyring::Change;
    use super::*;

    fn names() -> Vec<String> {
        vec!["cise.ibm-system.svc".to_owned()]
    }

    #[test]
    fn a_secret_is_read_as_it_was_written() {
        let now = SystemTime::now();
        let mut keyring = Keyring::new(&names(), now).unwrap();
        for change in [
            Change::NextAuthority,
            Change::Succession,
            Change::NextAuthority,
        ] {
            keyring = keyring
                .after(change, &names(), now + Duration::from_secs(1))
                .unwrap();
            let read = Keyring::read(&keyring.secret("a")).unwrap();
            let [one, other] = [&keyring, &read].map(Keyring::serving_certificate);
            assert_eq!(read.authorities(), keyring.authorities());
            assert_eq!(one.chain, other.chain);
            assert_eq!(one.key.expose_secret(), other.key.expose_secret());
        }
    }

    #[test]
    fn a_damaged_secret_is_refused_with_the_key_and_never_with_its_value() {
        let secret = Keyring::new(&names(), SystemTime::now())
            .unwrap()
            .secret("a");
        for key in ["tls.crt", "tls.key", "authority.crt", "authority.key"] {
            let mut missing = secret.clone();
            missing.data.as_mut().unwrap().remove(key);
            assert_eq!(
                Keyring::read(&missing).unwrap_err().to_string(),
                format!("`{key}` is missing")
            );
            let mut damaged = secret.clone();
            put(damaged.data.as_mut().unwrap(), key, "hunter2");
            let error = Keyring::read(&damaged).unwrap_err().to_string();
            assert!(error.contains(key) && !error.contains("hunter2"), "{error}");
        }
        assert!(Keyring::read(&Secret::default()).is_err());
    }
}
