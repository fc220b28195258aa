//! `cise serve`: the admission webhook.

mod advice;
mod citizen;
mod cluster;
mod defaults;
mod foresight;
mod manifests;
mod origin;
mod reviewer;

use std::future::pending;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use cise_admission::{Coverage, Engine, Everywhere};
use cise_advisor::Advisor;
use cise_kubernetes::{ADVISOR_PAGE, Cluster};
use cise_server::{Admin, Certificates, Condition, Hooks, Limits, Metrics, Readiness};
use clap::Args;
use tokio::sync::oneshot;

use crate::advisories;
use crate::args::ServiceArgs;
use crate::config::{ClusterSettings, Configuration};
use crate::failure::Failure;
use crate::listening::listen;
use crate::logs;
use crate::signals::{self, Stop};
use crate::wiring::{self, Peers};
use advice::{AdvisorArg, Guide};
use citizen::Citizen;
use foresight::Foresight;
use origin::{Origin, OriginArgs};
use reviewer::Judges;

#[derive(Args, Debug)]
#[command(
    long_about = "Answer a cluster's admission reviews over HTTPS\n\n\
        Policies, secrets and service accounts are those of the cluster, or come from manifests; changes of them are picked up. \
        Roots of trust are pinned in ConfigMaps of the cluster, or in a folder. The log goes to standard \
        error, as text on a terminal and as JSON elsewhere; the audit log, a line of JSON for each review, to standard output. \
        SIGTERM and SIGINT finish what was accepted, then end; a second one ends at once.",
    after_help = "\
Examples:
  cise serve --policies policies/ --self-signed --write-ca ca.pem
  cise serve --config cise.yaml --kubeconfig kubeconfig --tls-cert tls.crt --tls-key tls.key
  cise serve --config cise.yaml                            in a pod of a cluster
  cise serve --config cise.yaml --policies /etc/cise/policies --state /var/lib/cise \\
             --tls-cert /etc/cise/tls/tls.crt --tls-key /etc/cise/tls/tls.key"
)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    service: ServiceArgs,
    #[command(flatten)]
    advisor: AdvisorArg,
    #[command(flatten)]
    origin: OriginArgs,
    /// Where reviews are answered, by HTTPS
    #[arg(
        long,
        value_name = "ADDR",
        default_value = "0.0.0.0:8443",
        env = "CISE_LISTEN"
    )]
    listen: SocketAddr,
    /// Where /healthz, /readyz and /metrics are, by plain HTTP
    #[arg(
        long,
        value_name = "ADDR",
        default_value = "127.0.0.1:8080",
        env = "CISE_ADMIN"
    )]
    admin: SocketAddr,
}

/// Serves until a signal comes, then finishes what was accepted.
pub(crate) fn run(args: ServeArgs) -> Result<(), Failure> {
    logs::start(args.service.log_level);
    let configuration = args.service.judging.read()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let served = runtime.block_on(serve(args, configuration));
    // What is still under way belongs to nobody any more.
    runtime.shutdown_background();
    served
}

async fn serve(args: ServeArgs, mut configuration: Configuration) -> Result<(), Failure> {
    let stop = signals::stop()?;
    let (metrics, readiness) = (Arc::new(Metrics::new()), Readiness::new());
    let ready = readiness.condition("policies", "no policy has been read yet");
    let ServiceArgs { judging, tls, .. } = args.service;
    let given = tls.certificates(args.listen.ip(), &metrics)?;
    let standing = Standing::of(configuration.cluster.take(), given)?;
    let origin = Origin::prepare(args.origin, &configuration).await?;
    advice::refuse_own_database(&configuration, judging.database(), origin.cluster())?;
    let (listener, admin) = (listen(args.listen).await?, listen(args.admin).await?);
    let addresses = format!(
        "reviews at https://{}, probes and metrics at http://{}",
        listener.local_addr()?,
        admin.local_addr()?
    );
    // The admin port answers until everything else has ended.
    let (_ended, when_ended) = oneshot::channel::<()>();
    let own_advisor = Arc::new(OnceLock::<Advisor>::new());
    let admin_page = Admin::new(Arc::clone(&metrics), readiness).with_page(ADVISOR_PAGE, {
        let own_advisor = Arc::clone(&own_advisor);
        move || advisories::page_of(own_advisor.get()?.clone())()
    });
    tokio::spawn(cise_server::serve_admin(admin, admin_page, async {
        drop(when_ended.await);
    }));

    if let Standing::Citizen(..) = standing {
        ready.missing("the certificate of the webhooks is not there yet");
    }
    let (mut citizen, certificates) = tokio::select! {
        joined = standing.take(origin.cluster(), &configuration, &metrics) => joined?,
        () = stop.clone().wait() => return Ok(()),
    };
    if let Some(citizen) = &mut citizen {
        tokio::select! {
            () = citizen.default_policies(&ready) => {}
            () = stop.clone().wait() => return Ok(()),
        }
    }
    let cluster = origin.cluster().cloned();
    let (sources, mut following) = tokio::select! {
        opened = origin.open(&ready, &metrics) => opened?,
        () = stop.clone().wait() => return Ok(()),
    };
    let registrar = citizen.as_ref().zip(following.watch());
    let registrar = registrar.map(|(citizen, policies)| citizen.registrar(policies, &metrics));
    let coverage: Arc<dyn Coverage> = match &registrar {
        Some(registrar) => Arc::clone(registrar) as _,
        None => Arc::new(Everywhere),
    };
    let gate = wiring::gate(&configuration, &sources, coverage);
    let registry = wiring::registry(&configuration);
    let authorities = citizen.as_ref().map(Citizen::authorities);
    let guide = Guide::choose(
        &configuration,
        registry.clone(),
        judging.database(),
        &args.advisor,
        cluster.as_ref(),
        &metrics,
    )?;
    if let Some(advisor) = guide.own() {
        let _ = own_advisor.set(advisor);
    }
    let peers = Peers {
        advisor: guide.follow(authorities),
        registry,
    };
    let engine = wiring::engine(
        &configuration,
        configuration.admission.clone(),
        sources,
        peers,
    );
    count_kept(&engine, &metrics);
    let engine = Arc::new(engine);
    let foresight = Foresight::of(&configuration, cluster, &engine, &metrics);
    let limits = Limits {
        reviews: configuration.reviews,
        ..Limits::default()
    };
    let hooks = Hooks::new(Judges::new(engine, gate), metrics, limits);
    ready.met();
    tracing::info!("ready: {addresses}");
    if let (Some(citizen), Some(registrar)) = (&mut citizen, registrar) {
        citizen.register(registrar);
        if let Some(foresight) = foresight {
            citizen.look_ahead(foresight);
        }
    }
    let ended = tokio::select! {
        served = cise_server::serve(listener, certificates, hooks, stopping(stop, ready)) => Ok(served?),
        failure = following.ended() => Err(failure),
        failure = failed(&mut citizen) => Err(failure),
    };
    if let Some(citizen) = citizen {
        citizen.leave().await;
    }
    ended
}

/// What the server is to its cluster.
enum Standing {
    /// Nobody whom the cluster knows of, with this certificate.
    Stranger(Arc<Certificates>),
    /// One who takes part in its life, with a certificate from elsewhere or one that the cluster keeps.
    Citizen(ClusterSettings, Option<Arc<Certificates>>),
}

impl Standing {
    fn of(
        settings: Option<ClusterSettings>,
        given: Option<Arc<Certificates>>,
    ) -> Result<Self, Failure> {
        match (settings, given) {
            (Some(settings), given) => Ok(Self::Citizen(settings, given)),
            (None, Some(given)) => Ok(Self::Stranger(given)),
            (None, None) => Err(Failure::new("there is no certificate").with_hint(
                "name one with --tls-cert and --tls-key, or make one with --self-signed; in a cluster, a section `cluster` of \
                 the configuration has one made",
            )),
        }
    }

    /// Enters the cluster, if that is wanted, and gives the certificate that is shown.
    async fn take(
        self,
        cluster: Option<&Cluster>,
        configuration: &Configuration,
        metrics: &Arc<Metrics>,
    ) -> Result<(Option<Citizen>, Arc<Certificates>), Failure> {
        let (settings, given) = match self {
            Self::Stranger(given) => return Ok((None, given)),
            Self::Citizen(settings, given) => (settings, given),
        };
        let cluster = cluster.ok_or_else(|| Failure::new(
            "the configuration has a section `cluster`, and --policies are not those of a cluster",
        ))?;
        let advisor = configuration.advisor.host();
        let joining = Citizen::join(cluster.clone(), settings, given, advisor, metrics);
        let (citizen, shown) = joining.await?;
        Ok((Some(citizen), shown))
    }
}

/// Has the metrics count what the engine keeps in memory.
fn count_kept(engine: &Engine, metrics: &Metrics) {
    let (notary, registry) = (engine.notary().clone(), engine.registry().clone());
    let http = registry.http().clone();
    metrics.kept_results("notary", move || notary.kept());
    metrics.kept_results("tags", move || registry.kept_tags());
    metrics.kept_results("tokens", move || http.kept_tokens());
}

async fn failed(citizen: &mut Option<Citizen>) -> Failure {
    match citizen {
        Some(citizen) => citizen.failed().await,
        None => pending().await,
    }
}

/// Completes with the first signal. From then on, nobody should send reviews here.
async fn stopping(stop: Stop, ready: Condition) {
    stop.wait().await;
    ready.missing("shutting down");
    tracing::info!("shutting down: what was accepted is finished first");
}
