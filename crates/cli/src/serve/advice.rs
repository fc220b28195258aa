//! Who is asked about vulnerabilities: an advisor in this process, or one that is a program of its own.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cise_advisor::inventory::Platform;
use cise_advisor::remote::{MAX_PLATFORMS, Remote, RemoteSettings};
use cise_advisor::{Advise, Advisor};
use cise_kubernetes::{Cluster, NodeWatch};
use cise_registry::{Registry, Service, Tls};
use cise_server::Metrics;
use clap::Args;
use tokio::sync::watch;

use crate::authority::{self, Authorities};
use crate::config::{AdvisorService, Configuration, PlatformChoice};
use crate::failure::Failure;
use crate::{advisories, supply, wiring};

#[derive(Args, Debug)]
pub(super) struct AdvisorArg {
    /// Where the advisor is reached, instead of at the address of the host in `advisor.service.url`, whose name its certificate still has
    /// to have: as for a forwarded port
    #[arg(long, value_name = "ADDR")]
    advisor_address: Option<SocketAddr>,
}

/// The advisor of a server, before anything is followed.
pub(super) enum Guide {
    /// In this process, with the file of its database.
    Builtin(Arc<Advisor>, Option<PathBuf>),
    /// Elsewhere, reached as the configuration says.
    Elsewhere(Box<Way>),
}

/// An advisor elsewhere, how it is reached, and whose nodes say what it judges.
pub(super) struct Way {
    remote: Remote,
    service: AdvisorService,
    address: Option<SocketAddr>,
    nodes: Option<NodeWatch>,
}

/// In a cluster, an advisory database is the advisor's. A webhook that had one would judge for platforms that no node may have, and
/// each replica would read every image by itself.
pub(super) fn refuse_own_database(
    configuration: &Configuration,
    database: Option<&Path>,
    cluster: Option<&Cluster>,
) -> Result<(), Failure> {
    let settings = &configuration.advisor;
    let database = database.or(settings.database.as_deref());
    match (cluster, database) {
        (Some(_), Some(_)) if settings.service.is_none() => Err(Failure::new(
            "in a cluster, `cise serve` has no advisory database of its own",
        )
        .with_hint(
            "give the database to `cise advisor`, and name that as `advisor.service` in the configuration; or serve policies of files with \
             --policies",
        )),
        _ => Ok(()),
    }
}

impl Guide {
    pub(super) fn choose(
        configuration: &Configuration,
        registry: Registry,
        database: Option<&Path>,
        reached: &AdvisorArg,
        cluster: Option<&Cluster>,
        metrics: &Arc<Metrics>,
    ) -> Result<Self, Failure> {
        let settings = &configuration.advisor;
        if settings.service.is_some() && !settings.work.vex.is_empty() {
            tracing::warn!(
                "`advisor.vex` is for `cise advisor`, which judges the images: this program reads nothing that is attached to them"
            );
        }
        let Some(service) = settings.service.clone() else {
            return Self::builtin(configuration, registry, database, metrics);
        };
        if settings.pull.is_some() {
            tracing::warn!(
                "`advisor.pull` is left alone: the service that `advisor.service` names has the database, and pulls it"
            );
        }
        if database.or(settings.database.as_deref()).is_some() {
            return Err(
                Failure::new("there are an advisory database and a service that has one")
                    .with_hint("leave out `advisor.service`, or else `advisor.database` and --db"),
            );
        }
        let nodes = match settings.platforms {
            PlatformChoice::Named => None,
            PlatformChoice::OfNodes => cluster.map(NodeWatch::new),
        };
        let remote = Remote::new(RemoteSettings {
            url: Arc::clone(&service.url),
            token_file: service.token_file.clone(),
            platforms: nodes.is_none().then(|| settings.work.platforms.clone()),
            flights: configuration.flights,
            kept: settings.work.shares.examinations,
        });
        let way = Way {
            remote,
            service,
            address: reached.advisor_address,
            nodes,
        };
        Ok(Self::Elsewhere(Box::new(way)))
    }

    /// An advisor in this process, whose database is pulled where the configuration says from where.
    fn builtin(
        configuration: &Configuration,
        registry: Registry,
        database: Option<&Path>,
        metrics: &Arc<Metrics>,
    ) -> Result<Self, Failure> {
        let settings = &configuration.advisor;
        let file = database.or(settings.database.as_deref());
        let advisor = match (&settings.pull, file) {
            (None, _) => wiring::advisor(configuration, registry, database)?,
            (Some(_), Some(file)) => {
                let advisor = wiring::empty_advisor(configuration, registry.clone());
                supply::start(configuration, file, &registry, &advisor, metrics)?;
                advisor
            }
            (Some(_), None) => {
                return Err(Failure::new(
                    "`advisor.pull` names no file to put the advisory database into",
                )
                .with_hint("name it with --db, or as `advisor.database` in the configuration"));
            }
        };
        let file = file.map(Path::to_owned);
        Ok(Self::Builtin(Arc::new(advisor), file))
    }

    /// The advisor in this process, if it is here.
    pub(super) fn own(&self) -> Option<Advisor> {
        match self {
            Self::Builtin(advisor, _) => Some((**advisor).clone()),
            Self::Elsewhere(_) => None,
        }
    }

    /// Follows what changes: the file of the database, or who vouches for the service.
    pub(super) fn follow(self, authorities: Option<Authorities>) -> Arc<dyn Advise> {
        match self {
            Self::Builtin(advisor, database) => {
                advisories::follow(database, &advisor);
                advisor
            }
            Self::Elsewhere(mut way) => {
                let remote = way.remote.clone();
                if let Some(nodes) = way.nodes.take() {
                    tokio::spawn(judge_for_nodes(remote.clone(), nodes));
                }
                match (way.service.vouched.clone(), authorities) {
                    (Some(vouched), _) => {
                        way.reach(vouched.tls);
                        let (sender, authorities) = watch::channel(None);
                        tokio::spawn(authority::follow(vouched.file, sender));
                        tokio::spawn(trust(*way, authorities));
                    }
                    (None, Some(authorities)) => drop(tokio::spawn(trust(*way, authorities))),
                    (None, None) => tracing::error!(
                        "nobody vouches for the advisor: expected `advisor.service.caFile`, or a section `cluster`"
                    ),
                }
                Arc::new(remote)
            }
        }
    }
}

impl Way {
    fn reach(&self, tls: Tls) {
        let channel = match wiring::way_inward(tls, self.address) {
            Ok(channel) => channel,
            Err(error) => return tracing::error!("the advisor is not trusted: {error}"),
        };
        match Service::new(&self.service.url, channel) {
            Ok(service) => self.remote.reach(service),
            Err(error) => tracing::error!("the advisor cannot be reached: {error}"),
        }
    }
}

/// Has images judged for the platforms of the nodes, as they come and go.
async fn judge_for_nodes(remote: Remote, nodes: NodeWatch) {
    let mut platforms = nodes.platforms();
    let judge = async {
        // It fails only when the watch is gone.
        while platforms.changed().await.is_ok() {
            let known = platforms.borrow_and_update().clone();
            remote.judge_for(judged(known.unwrap_or_default()));
        }
    };
    tokio::join!(nodes.follow(), judge);
}

/// A cluster whose nodes do not say what they are is judged for as one that nobody knows.
fn judged(of_nodes: BTreeSet<Platform>) -> Vec<Platform> {
    if of_nodes.len() > MAX_PLATFORMS {
        tracing::error!(
            "the nodes are of {} platforms, and images are judged for {MAX_PLATFORMS}: none is until `advisor.platforms` says for which",
            of_nodes.len()
        );
    }
    let mut judged: Vec<Platform> = of_nodes.into_iter().collect();
    if judged.is_empty() {
        judged = cise_advisor::Settings::default().platforms;
    }
    let names: Vec<String> = judged.iter().map(ToString::to_string).collect();
    tracing::info!("images are judged for {}", names.join(", "));
    judged
}

/// Trusts each authority that takes the place of another.
async fn trust(way: Way, mut authorities: Authorities) {
    loop {
        let pem = authorities.borrow_and_update().clone();
        if let Some(pem) = pem {
            match Tls::default().with_roots(pem.as_bytes()) {
                Ok(tls) => way.reach(tls),
                Err(error) => tracing::error!("the advisor is not trusted: {error}"),
            }
        }
        if authorities.changed().await.is_err() {
            return;
        }
    }
}
