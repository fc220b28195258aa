//! The certificate of another program of ours, signed by the authority of the webhooks.

use std::collections::BTreeMap;
use std::time::SystemTime;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::PostParams;
use secrecy::ExposeSecret as _;

use super::Unusable;
use super::keyring::{Dated, Keyring};
use crate::cluster::answer;
use crate::error::is;
use crate::{Cluster, Error};

/// The keys of the Secret: those of a Secret for TLS, and who signed.
const CERTIFICATE: &str = "tls.crt";
const KEY: &str = "tls.key";
const AUTHORITY: &str = "ca.crt";

/// A Secret that is filled with a certificate where it exists, and never made: whoever runs the program makes it. That program
/// reads its own key there, and never that of the webhooks.
pub(super) struct Companion {
    api: Api<Secret>,
    place: String,
    name: String,
    names: Vec<String>,
}

impl Companion {
    pub(super) fn new(cluster: &Cluster, secret: String, host: String) -> Self {
        let namespace = cluster.namespace();
        Self {
            api: Api::namespaced(cluster.client(), namespace),
            place: format!("Secret {namespace}/{secret}"),
            name: secret,
            names: vec![host],
        }
    }

    /// Fills the Secret, if what is in it will not do.
    pub(super) async fn fill(&self, keyring: &Keyring, now: SystemTime) -> Result<(), Error> {
        let found = answer(self.api.get_opt(&self.name)).await;
        let found = found.map_err(|error| self.failed("reading", &error))?;
        let Some(mut secret) = found.filter(|secret| !will_do(secret, keyring, &self.names, now))
        else {
            return Ok(());
        };
        tracing::info!("{} is given a certificate", self.place);
        let filled = filled(keyring, &self.names, now).map_err(|why| Error::Unusable {
            what: self.place.clone(),
            why: why.to_string(),
        })?;
        secret.data = Some(filled);
        let parameters = PostParams::default();
        match answer(self.api.replace(&self.name, &parameters, &secret)).await {
            // What another has written meanwhile is read at the next look.
            Err(error) if !is(&error, 409) => Err(self.failed("writing", &error)),
            _ => Ok(()),
        }
    }

    fn failed(&self, action: &'static str, error: &kube::Error) -> Error {
        Error::request(action, &self.place, error)
    }
}

/// Is there a certificate for these names, not old, of an authority that is trusted?
fn will_do(secret: &Secret, keyring: &Keyring, names: &[String], now: SystemTime) -> bool {
    let text = |key| {
        let value = secret.data.as_ref()?.get(key)?;
        String::from_utf8(value.0.clone()).ok()
    };
    let (Some(certificate), Some(authority), Some(_)) =
        (text(CERTIFICATE), text(AUTHORITY), text(KEY))
    else {
        return false;
    };
    let is_trusted = !authority.is_empty() && keyring.authorities().contains(&authority);
    is_trusted
        && Dated::read(CERTIFICATE, certificate)
            .is_ok_and(|certificate| certificate.is_for(names) && !certificate.is_old(now))
}

fn filled(
    keyring: &Keyring,
    names: &[String],
    now: SystemTime,
) -> Result<BTreeMap<String, ByteString>, Unusable> {
    let pair = keyring.authority.sign(names, now)?;
    let texts = [
        (CERTIFICATE, pair.certificate.pem.as_str()),
        (KEY, pair.key.expose_secret()),
        (AUTHORITY, keyring.authority.certificate.pem.as_str()),
    ];
    Ok(texts
        .map(|(key, text)| (key.to_owned(), ByteString(text.as_bytes().to_vec())))
        .into())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 3600);

    fn names(host: &str) -> Vec<String> {
        vec![host.to_owned()]
    }

    #[test]
    fn a_certificate_does_until_it_is_old_or_for_others_or_of_an_authority_that_nobody_trusts() {
        let now = SystemTime::now();
        let keyring = Keyring::new(&names("cise.ibm-system.svc"), now).unwrap();
        let host = names("cise-advisor.ibm-system.svc");
        let secret = Secret {
            data: Some(filled(&keyring, &host, now).unwrap()),
            ..Secret::default()
        };
        assert!(will_do(&secret, &keyring, &host, now));
        assert!(!will_do(&secret, &keyring, &host, now + DAY * 61));
        assert!(!will_do(&secret, &keyring, &names("other.svc"), now));
        let other = Keyring::new(&names("cise.ibm-system.svc"), now).unwrap();
        assert!(!will_do(&secret, &other, &host, now));
        assert!(!will_do(&Secret::default(), &keyring, &host, now));
    }
}
