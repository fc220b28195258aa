//! Who is asked about vulnerabilities: an advisor in this process, or one that is a program of its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cise_advisor::remote::{Remote, RemoteSettings};
use cise_advisor::{Advise, Advisor};
use cise_registry::{Channel, Registry, Service, Tls};

use super::citizen::Authorities;
use crate::config::{AdvisorService, Configuration};
use crate::failure::Failure;
use crate::{advisories, wiring};

/// The advisor of a server, before anything is followed.
pub(super) enum Guide {
    /// In this process, with the file of its database.
    Builtin(Arc<Advisor>, Option<PathBuf>),
    /// Elsewhere, reached as the configuration says.
    Elsewhere(Box<Remote>, AdvisorService),
}

impl Guide {
    pub(super) fn choose(
        configuration: &Configuration,
        registry: Registry,
        database: Option<&Path>,
    ) -> Result<Self, Failure> {
        let settings = &configuration.advisor;
        let Some(service) = settings.service.clone() else {
            let advisor = wiring::advisor(configuration, registry, database)?;
            let database = database.or(settings.database.as_deref());
            return Ok(Self::Builtin(
                Arc::new(advisor),
                database.map(Path::to_owned),
            ));
        };
        if database.or(settings.database.as_deref()).is_some() {
            return Err(
                Failure::new("there are an advisory database and a service that has one")
                    .with_hint("leave out `advisor.service`, or else `advisor.database` and --db"),
            );
        }
        let remote = Remote::new(RemoteSettings {
            url: Arc::clone(&service.url),
            token_file: service.token_file.clone(),
            platforms: settings.work.platforms.clone(),
            flights: configuration.flights,
            kept: settings.work.kept_assessments,
        });
        Ok(Self::Elsewhere(Box::new(remote), service))
    }

    /// Follows what changes: the file of the database, or who vouches for the service.
    pub(super) fn follow(self, authorities: Option<Authorities>) -> Arc<dyn Advise> {
        match self {
            Self::Builtin(advisor, database) => {
                advisories::follow(database, &advisor);
                advisor
            }
            Self::Elsewhere(remote, service) => {
                match (&service.channel, authorities) {
                    (Some(channel), _) => reach(&remote, &service.url, channel.clone()),
                    (None, Some(authorities)) => {
                        tokio::spawn(trust(
                            (*remote).clone(),
                            Arc::clone(&service.url),
                            authorities,
                        ));
                    }
                    (None, None) => tracing::error!(
                        "nobody vouches for the advisor: expected `advisor.service.caFile`, or a section `cluster`"
                    ),
                }
                Arc::new(*remote)
            }
        }
    }
}

fn reach(remote: &Remote, url: &str, channel: Channel) {
    match Service::new(url, channel) {
        Ok(service) => remote.reach(service),
        Err(error) => tracing::error!("the advisor cannot be reached: {error}"),
    }
}

/// Trusts each authority that takes the place of another.
async fn trust(remote: Remote, url: Arc<str>, mut authorities: Authorities) {
    loop {
        let pem = authorities.borrow_and_update().clone();
        if let Some(pem) = pem {
            let tls = Tls::default().with_roots(pem.as_bytes());
            let channel = tls.map_err(Into::into).and_then(wiring::way_inward);
            match channel {
                Ok(channel) => reach(&remote, &url, channel),
                Err(error) => tracing::error!("the advisor is not trusted: {error}"),
            }
        }
        if authorities.changed().await.is_err() {
            return;
        }
    }
}
