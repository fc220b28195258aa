//! The server as a citizen of its cluster: its turn to lead, its certificate, its webhooks, and what it makes at first.

use std::env;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use cise_kubernetes::{
    CertificateKeeper, Cluster, Leadership, PolicyWatch, Registered, Registrar,
    RegistrationSettings, RegistrationStatus, ServingCertificate,
};
use cise_server::metrics::{Registration, RegistrationState};
use cise_server::{Certificates, Condition, Identity, Metrics};
use secrecy::ExposeSecret as _;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::defaults::{self, Begun};
use super::foresight::Foresight;
use crate::authority::{self, Authorities};
use crate::config::{Certificate, ClusterSettings, Defaults};
use crate::failure::Failure;

/// How long giving up the lease may take.
const RESIGNS_WITHIN: Duration = Duration::from_secs(3);

/// The environment variable with a name that no other replica has.
const IDENTITY: &str = "POD_NAME";

/// A server that takes part in the life of its cluster. What it does ends when it is dropped.
pub(super) struct Citizen {
    cluster: Cluster,
    lease: Arc<Leadership>,
    authorities: Authorities,
    registration: RegistrationSettings,
    defaults: Defaults,
    tasks: JoinSet<()>,
}

impl Citizen {
    /// Seeks to lead, and waits for the first certificate where CISE keeps it itself.
    pub(super) async fn join(
        cluster: Cluster,
        settings: ClusterSettings,
        given: Option<Arc<Certificates>>,
        advisor: Option<&str>,
        metrics: &Arc<Metrics>,
    ) -> Result<(Self, Arc<Certificates>), Failure> {
        let me = env::var(IDENTITY).map_err(|error| {
            Failure::from(error)
                .about(IDENTITY)
                .with_hint("set it to a name that no other replica has")
        })?;
        let lease = Arc::new(Leadership::new(&cluster, &settings.lease, me));
        let mut tasks = JoinSet::new();
        let following = Arc::clone(&lease);
        tasks.spawn(async move { following.follow().await });
        let (certificates, authorities) = match (settings.certificate, given) {
            (Certificate::Kept(secret), None) => {
                let service = &settings.registration.service;
                let mut keeper = CertificateKeeper::new(&cluster, secret, service);
                if let Some((secret, host)) = settings.advisor_certificate.zip(advisor) {
                    keeper = keeper.with_companion(&cluster, secret, host.to_owned());
                }
                let metrics = Arc::clone(metrics);
                keep(keeper, lease.leads(), metrics, &mut tasks).await?
            }
            (Certificate::IssuedBy(file), Some(given)) => {
                let (sender, authorities) = watch::channel(None);
                tasks.spawn(authority::follow(file, sender));
                (given, authorities)
            }
            (Certificate::Kept(_), Some(_)) => return Err(Failure::new(
                "a certificate is given, and `cluster.certificates` does not name its authority",
            )
            .with_hint("name it with `caFile`, or leave --tls-cert and --self-signed out")),
            (Certificate::IssuedBy(_), None) => {
                return Err(Failure::new(
                    "`cluster.certificates.caFile` names an authority, and no certificate is given",
                )
                .with_hint("name the certificate with --tls-cert and --tls-key"));
            }
        };
        let citizen = Self {
            cluster,
            lease,
            authorities,
            registration: settings.registration,
            defaults: settings.defaults,
            tasks,
        };
        Ok((citizen, certificates))
    }

    /// Who vouches for the certificates of CISE, from now on.
    pub(super) fn authorities(&self) -> Authorities {
        self.authorities.clone()
    }

    /// Waits until the default policies were made, where they are wanted, so that they are among the first that are read.
    pub(super) async fn default_policies(&mut self, ready: &Condition) {
        if self.defaults == Defaults::LeftOut {
            return;
        }
        if defaults::made(&self.cluster, self.lease.leads(), ready).await == Begun::WithoutThem {
            let making = defaults::make(self.cluster.clone(), self.lease.leads());
            self.tasks.spawn(making);
        }
    }

    /// The one who has the API server call the webhooks. What it finds is in the metrics from now on.
    pub(super) fn registrar(
        &self,
        policies: Arc<PolicyWatch>,
        metrics: &Metrics,
    ) -> Arc<Registrar> {
        let (settings, authorities) = (self.registration.clone(), self.authorities.clone());
        let registrar = Registrar::new(&self.cluster, settings, policies, authorities);
        let registrar = Arc::new(registrar);
        let asked = Arc::clone(&registrar);
        metrics.registration(move || shown(asked.status()));
        registrar
    }

    /// Has the API server call the webhooks, from now on; to be done when reviews can be answered.
    pub(super) fn register(&mut self, registrar: Arc<Registrar>) {
        let leads = self.lease.leads();
        self.tasks
            .spawn(async move { registrar.follow(leads).await });
    }

    /// Has the images that run looked at, by whichever replica leads.
    pub(super) fn look_ahead(&mut self, foresight: Foresight) {
        let leads = self.lease.leads();
        self.tasks.spawn(foresight.follow(leads));
    }

    /// Completes only if one of the tasks fails.
    pub(super) async fn failed(&mut self) -> Failure {
        loop {
            match self.tasks.join_next().await {
                Some(Ok(())) => {}
                Some(Err(error)) => {
                    return Failure::new(format!("taking part in the cluster failed: {error}"));
                }
                None => pending().await,
            }
        }
    }

    /// Lets another replica lead.
    pub(super) async fn leave(mut self) {
        self.tasks.shutdown().await;
        // Without an answer, the lease runs out by itself.
        let _ = tokio::time::timeout(RESIGNS_WITHIN, self.lease.resign()).await;
    }
}

async fn keep(
    keeper: CertificateKeeper,
    leads: watch::Receiver<bool>,
    metrics: Arc<Metrics>,
    tasks: &mut JoinSet<()>,
) -> Result<(Arc<Certificates>, Authorities), Failure> {
    let (mut kept, authorities) = (keeper.certificates(), keeper.authorities());
    tasks.spawn(async move { keeper.follow(leads).await });
    let first = kept.wait_for(Option::is_some).await?.clone();
    let Some(first) = first else {
        return Err(Failure::new("there is no certificate"));
    };
    let certificates = Arc::new(Certificates::new(identity(&first)?));
    tasks.spawn(show(kept, Arc::clone(&certificates), metrics));
    Ok((certificates, authorities))
}

/// Shows each certificate that takes the place of another.
async fn show(
    mut kept: watch::Receiver<Option<Arc<ServingCertificate>>>,
    certificates: Arc<Certificates>,
    metrics: Arc<Metrics>,
) {
    while kept.changed().await.is_ok() {
        let renewed = kept.borrow_and_update().clone();
        match renewed.as_deref().map(identity) {
            None => {}
            Some(Ok(identity)) => {
                certificates.replace(identity);
                metrics.certificate_replaced(certificates.expires());
            }
            Some(Err(failure)) => {
                metrics.certificate_kept();
                tracing::error!("a certificate is not shown: {}", failure.text());
            }
        }
    }
}

fn shown(status: RegistrationStatus) -> Registration {
    let state = |registered| match registered {
        Registered::Unknown => RegistrationState::Unknown,
        Registered::Yes => RegistrationState::Registered,
        Registered::Deleted => RegistrationState::Deleted,
        Registered::Failed(_) => RegistrationState::Failed,
    };
    Registration {
        mutating: state(status.mutating),
        validating: state(status.validating),
        left_out: status.left_out,
    }
}

fn identity(kept: &ServingCertificate) -> Result<Identity, Failure> {
    let key = kept.key.expose_secret().as_bytes();
    Ok(Identity::from_pem(kept.chain.as_bytes(), key)?)
}
