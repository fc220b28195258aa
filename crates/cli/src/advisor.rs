//! `cise advisor`: the Vulnerability Advisor as a program of its own.

mod desk;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cise_advisor::Advisor;
use cise_advisor::remote::{AUDIENCE, Desk, MAX_QUESTION};
use cise_kubernetes::{ADVISOR_PAGE, Callers, Cluster};
use cise_server::{Admin, Api, Condition, Limits, Metrics, Readiness};
use clap::Args;
use jiff::Timestamp;
use tokio::sync::oneshot;

use crate::args::ServiceArgs;
use crate::config::Configuration;
use crate::failure::Failure;
use crate::listening::{POLL_INTERVAL, listen};
use crate::logs;
use crate::signals::{self, Stop};
use crate::{access, advisories, supply, wiring};
use desk::Reception;

/// The most questions that are open at one time. Most of them wait for an image that is being indexed.
const QUESTIONS: usize = 128;

#[derive(Args, Debug)]
#[command(
    long_about = "Answer the webhooks' questions about vulnerabilities\n\n\
        In a cluster the Vulnerability Advisor is a program of its own, so that the webhooks need no advisory database and index no \
        image. It answers by HTTPS whoever shows a token of a service account that --caller names, made for the audience \
        `cise-advisor`, and uses the pull credential that comes with a question for that question alone. The advisory database is \
        picked up when it appears or is replaced; with `advisor.pull` in the configuration, it is pulled from a registry on a schedule.",
    after_help = "\
Examples:
  cise advisor --db advisories.db --caller cise --tls-cert tls.crt --tls-key tls.key          in a pod of a cluster"
)]
pub(crate) struct AdvisorArgs {
    #[command(flatten)]
    service: ServiceArgs,
    /// A service account of CISE's namespace that may ask
    #[arg(long = "caller", value_name = "ACCOUNT", required = true)]
    callers: Vec<String>,
    /// Where the cluster is and as whom it is asked; by default, what KUBECONFIG names, else the pod's service account
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Where questions are answered, by HTTPS
    #[arg(
        long,
        value_name = "ADDR",
        default_value = "0.0.0.0:8444",
        env = "CISE_LISTEN"
    )]
    listen: SocketAddr,
    /// Where /healthz, /readyz and /metrics are, by plain HTTP
    #[arg(
        long,
        value_name = "ADDR",
        default_value = "127.0.0.1:8081",
        env = "CISE_ADMIN"
    )]
    admin: SocketAddr,
}

/// Serves until a signal comes, then finishes what was accepted.
pub(crate) fn run(args: AdvisorArgs) -> Result<(), Failure> {
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

async fn serve(args: AdvisorArgs, configuration: Configuration) -> Result<(), Failure> {
    let stop = signals::stop()?;
    let (metrics, readiness) = (Arc::new(Metrics::new()), Readiness::new());
    let ready = readiness.condition("database", "no advisory database has been read yet");
    let ServiceArgs { judging, tls, .. } = args.service;
    let certificates = tls.certificates(args.listen.ip(), &metrics)?;
    let certificates = certificates.ok_or_else(|| {
        Failure::new("there is no certificate")
            .with_hint("name one with --tls-cert and --tls-key, or make one with --self-signed")
    })?;
    let access = access::of(args.kubeconfig)?;
    let cluster = Cluster::connect(&access, Some(&configuration.admission.namespace)).await?;
    let callers = args.callers.iter().map(String::as_str);
    let callers = Callers::new(&cluster, AUDIENCE, callers);
    let (listener, admin) = (listen(args.listen).await?, listen(args.admin).await?);
    tracing::info!(
        "questions at https://{}, probes and metrics at http://{}",
        listener.local_addr()?,
        admin.local_addr()?
    );
    // The admin port answers until everything else has ended.
    let (_ended, when_ended) = oneshot::channel::<()>();
    let advisor = advisor(&configuration, judging.database(), &metrics)?;
    let admin_page = Admin::new(Arc::clone(&metrics), readiness)
        .with_page(ADVISOR_PAGE, advisories::page_of(advisor.clone()));
    tokio::spawn(cise_server::serve_admin(admin, admin_page, async {
        drop(when_ended.await);
    }));
    let dated = advisor.clone();
    metrics.advisories_age(move || age(&dated, Timestamp::now()));
    tokio::spawn(tell_when_loaded(advisor.clone(), ready));
    let limits = Limits {
        reviews: QUESTIONS,
        body_bytes: MAX_QUESTION,
        ..Limits::default()
    };
    let api = Api::new(Reception::new(callers, Desk::new(advisor)), metrics, limits);
    Ok(cise_server::serve_api(listener, certificates, api, stopped(stop)).await?)
}

/// The advisor, whose database need not be there yet: it is taken into use when it comes.
fn advisor(
    configuration: &Configuration,
    named: Option<&Path>,
    metrics: &Arc<Metrics>,
) -> Result<Advisor, Failure> {
    let database = named.or(configuration.advisor.database.as_deref());
    let database = database.ok_or_else(|| {
        Failure::new("no advisory database is named")
            .with_hint("name it with --db, or as `advisor.database` in the configuration")
    })?;
    let registry = wiring::registry(configuration);
    let advisor = wiring::empty_advisor(configuration, registry.clone());
    supply::start(configuration, database, &registry, &advisor, metrics)?;
    advisories::follow(Some(database.to_owned()), &advisor);
    Ok(advisor)
}

/// How old the oldest feed of the database in use is.
fn age(advisor: &Advisor, now: Timestamp) -> Option<Duration> {
    let database = advisor.database()?;
    let oldest = database.feeds().filter_map(|feed| feed.as_of).min()?;
    Some(Duration::try_from(now.duration_since(oldest)).unwrap_or_default())
}

async fn tell_when_loaded(advisor: Advisor, ready: Condition) {
    while advisor.database().is_none() {
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    ready.met();
    tracing::info!("ready");
}

async fn stopped(stop: Stop) {
    stop.wait().await;
    tracing::info!("shutting down: what was accepted is finished first");
}
