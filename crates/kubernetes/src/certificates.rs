//! The certificate that the webhooks show, and the authority that the API server trusts for it.

mod companion;
mod keyring;
mod stored;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::PostParams;
use secrecy::SecretString;
use tokio::sync::watch;

use crate::cluster::answer;
use crate::error::is;
use crate::{Cluster, Error};
use companion::Companion;
use keyring::Keyring;

/// How often the Secret is looked at, for what another replica has changed; and until there is a certificate, without which
/// nobody is answered.
const LOOKS_EVERY: Duration = Duration::from_secs(5);
const LOOKS_AT_START_EVERY: Duration = Duration::from_millis(500);

/// Makes the certificate of the webhooks, keeps it in a Secret that all replicas share, and renews it in time.
///
/// The first replica that finds no Secret makes it; after that, only the leader changes it. A new authority is trusted for some
/// time before it signs, and an old one for some time after, so that whatever mixture of old and new the replicas and the API
/// server have, they agree.
pub struct CertificateKeeper {
    api: Api<Secret>,
    place: String,
    name: String,
    names: Vec<String>,
    companion: Option<Companion>,
    current: watch::Sender<Option<Arc<ServingCertificate>>>,
    authorities: watch::Sender<Option<Arc<str>>>,
}

/// What a replica shows.
#[derive(Debug)]
pub struct ServingCertificate {
    /// The certificate, PEM.
    pub chain: String,
    /// Its key, PKCS #8 PEM.
    pub key: SecretString,
    /// When the certificate expires.
    pub expires: SystemTime,
}

/// Why certificates cannot be made or read. It never quotes a key.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("`{0}` is missing")]
    Missing(&'static str),
    #[error("`{0}` is not what was written: expected PEM")]
    Damaged(&'static str),
    #[error("making a certificate: {0}")]
    Make(#[from] rcgen::Error),
}

impl CertificateKeeper {
    /// Keeps the certificate for a Service of this program's namespace in the Secret of that name.
    pub fn new(cluster: &Cluster, secret: impl Into<String>, service: &str) -> Self {
        let (name, namespace) = (secret.into(), cluster.namespace());
        Self {
            api: Api::namespaced(cluster.client(), namespace),
            place: format!("Secret {namespace}/{name}"),
            name,
            names: vec![format!("{service}.{namespace}.svc")],
            companion: None,
            current: watch::Sender::new(None),
            authorities: watch::Sender::new(None),
        }
    }

    /// Gives another program a certificate of the same authority, for `host`, in a Secret of this program's namespace: it is filled
    /// where it exists, and never made.
    #[must_use]
    pub fn with_companion(self, cluster: &Cluster, secret: String, host: String) -> Self {
        Self {
            companion: Some(Companion::new(cluster, secret, host)),
            ..self
        }
    }

    /// The certificate, from now on; nothing before the first is made or read.
    pub fn certificates(&self) -> watch::Receiver<Option<Arc<ServingCertificate>>> {
        self.current.subscribe()
    }

    /// The authorities that the API server has to trust (PEM), from now on.
    pub fn authorities(&self) -> watch::Receiver<Option<Arc<str>>> {
        self.authorities.subscribe()
    }

    /// Follows the Secret, forever, and renews what is in it while this one leads.
    pub async fn follow(&self, leads: watch::Receiver<bool>) {
        let mut failing = None;
        loop {
            let authority = if *leads.borrow() {
                Authority::Leads
            } else {
                Authority::Follows
            };
            let failed = self.look(authority, SystemTime::now()).await.err();
            if failed != failing {
                failing = failed;
                report(failing.as_ref());
            }
            let pause = if self.current.borrow().is_some() {
                LOOKS_EVERY
            } else {
                LOOKS_AT_START_EVERY
            };
            tokio::time::sleep(pause).await;
        }
    }

    async fn look(&self, authority: Authority, now: SystemTime) -> Result<(), Error> {
        let secret = answer(self.api.get_opt(&self.name)).await;
        let secret = secret.map_err(|error| self.failed("reading", &error))?;
        let Some(secret) = secret else {
            return self.make(now).await;
        };
        match (Keyring::read(&secret), authority) {
            (Ok(keyring), Authority::Follows) => self.publish(&keyring),
            (Ok(keyring), Authority::Leads) => self.renew(&secret, keyring, now).await?,
            (Err(why), Authority::Follows) => return Err(self.unusable(&why)),
            (Err(why), Authority::Leads) => {
                tracing::error!("{} cannot be used and is made anew: {why}", self.place);
                self.replace(&secret, self.fresh(now)?).await?;
            }
        }
        Ok(())
    }

    /// Whoever is faster makes it; the others read it at their next look.
    async fn make(&self, now: SystemTime) -> Result<(), Error> {
        let keyring = self.fresh(now)?;
        let secret = keyring.secret(&self.name);
        match answer(self.api.create(&PostParams::default(), &secret)).await {
            Ok(_) => self.publish(&keyring),
            Err(error) if is(&error, 409) => {}
            Err(error) => return Err(self.failed("writing", &error)),
        }
        Ok(())
    }

    async fn renew(&self, secret: &Secret, keyring: Keyring, now: SystemTime) -> Result<(), Error> {
        let Some(change) = keyring.due(&self.names, now) else {
            self.publish(&keyring);
            return match &self.companion {
                Some(companion) => companion.fill(&keyring, now).await,
                None => Ok(()),
            };
        };
        tracing::info!(?change, "{} is renewed", self.place);
        let renewed = keyring.after(change, &self.names, now);
        self.replace(secret, renewed.map_err(|why| self.unusable(&why))?)
            .await
    }

    /// What another has written meanwhile stays; it is read at the next look.
    async fn replace(&self, before: &Secret, keyring: Keyring) -> Result<(), Error> {
        let mut secret = keyring.secret(&self.name);
        secret.metadata = before.metadata.clone();
        match answer(
            self.api
                .replace(&self.name, &PostParams::default(), &secret),
        )
        .await
        {
            Ok(_) => self.publish(&keyring),
            Err(error) if is(&error, 409) => {}
            Err(error) => return Err(self.failed("writing", &error)),
        }
        Ok(())
    }

    fn publish(&self, keyring: &Keyring) {
        let authorities = keyring.authorities();
        self.authorities.send_if_modified(|current| {
            let is_known = current.as_deref() == Some(&*authorities);
            if !is_known {
                *current = Some(authorities.into());
            }
            !is_known
        });
        self.current.send_if_modified(|current| {
            let certificate = keyring.serving_certificate();
            let is_known = current
                .as_ref()
                .is_some_and(|known| known.chain == certificate.chain);
            if !is_known {
                *current = Some(Arc::new(certificate));
            }
            !is_known
        });
    }

    fn fresh(&self, now: SystemTime) -> Result<Keyring, Error> {
        Keyring::new(&self.names, now).map_err(|why| self.unusable(&why))
    }

    fn unusable(&self, why: &Unusable) -> Error {
        Error::Unusable {
            what: self.place.clone(),
            why: why.to_string(),
        }
    }

    fn failed(&self, action: &'static str, error: &kube::Error) -> Error {
        Error::request(action, &self.place, error)
    }
}

/// A failure that goes on is told once.
fn report(failing: Option<&Error>) {
    match failing {
        None => tracing::info!("the certificate of the webhooks is kept again"),
        Some(error) => tracing::error!("the certificate of the webhooks is not kept: {error}"),
    }
}

/// Whether a replica may change what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Authority {
    Leads,
    Follows,
}
