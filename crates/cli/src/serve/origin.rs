//! Where policies, secrets and pinned roots of trust are: in a cluster, or in files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cise_admission::AdmissionRecord;
use cise_kubernetes::{
    Access, AdmissionConfigMaps, Cluster, ClusterSecrets, ConfigMapStore, ExemptionWatch,
    PolicyWatch,
};
use cise_server::{Condition, Metrics};
use cise_signature::TrustStore;
use clap::Args;
use tokio::task::JoinHandle;

use super::{cluster, manifests};
use crate::config::Configuration;
use crate::failure::Failure;
use crate::store;
use crate::wiring::Sources;
use crate::{access, admissions};

#[derive(Args, Debug)]
pub(super) struct OriginArgs {
    /// Manifests of policies, and of the secrets and service accounts that they need, instead of those of a cluster
    #[arg(long, value_name = "PATH", env = "CISE_POLICIES")]
    policies: Vec<PathBuf>,
    /// Where the cluster is and as whom it is asked; by default, what KUBECONFIG names, else the pod's service account
    #[arg(long, value_name = "FILE", conflicts_with = "policies")]
    kubeconfig: Option<PathBuf>,
    /// The folder in which roots of trust are pinned; without it, they are pinned in the cluster, or until the process ends
    #[arg(long, value_name = "DIR", env = "CISE_STATE")]
    state: Option<PathBuf>,
}

/// Where everything is, before anything was read.
pub(super) struct Origin {
    policies: Policies,
    trust: Arc<dyn TrustStore>,
    admitted: Option<Arc<dyn AdmissionRecord>>,
}

enum Policies {
    OfManifests(Vec<PathBuf>),
    OfCluster(Cluster),
}

/// The task that follows changes of policies. It never ends by itself.
pub(super) struct Following {
    task: JoinHandle<()>,
    watch: Option<Arc<PolicyWatch>>,
}

impl Origin {
    /// Finds out how everything is reached; nothing is asked yet.
    pub(super) async fn prepare(
        args: OriginArgs,
        configuration: &Configuration,
    ) -> Result<Self, Failure> {
        let most = configuration.trusted_repositories;
        let policies = if args.policies.is_empty() {
            let access = access::of(args.kubeconfig)?;
            Policies::OfCluster(connect(&access, &configuration.admission.namespace).await?)
        } else {
            Policies::OfManifests(args.policies)
        };
        let trust: Arc<dyn TrustStore> = match (&args.state, &policies) {
            (None, Policies::OfCluster(cluster)) => Arc::new(ConfigMapStore::new(cluster, most)),
            (state, _) => store::open(state.as_deref(), most)?,
        };
        if args.state.is_none() && matches!(policies, Policies::OfManifests(_)) {
            tracing::warn!(
                "without --state, pinned roots of trust, and what was admitted, end with this process"
            );
        }
        let forgives = configuration.advisor.already_admitted.is_some();
        let admitted = forgives.then(|| records(args.state.as_deref(), &policies));
        Ok(Self {
            policies,
            trust,
            admitted: admitted.transpose()?,
        })
    }

    /// The cluster, if policies are there.
    pub(super) fn cluster(&self) -> Option<&Cluster> {
        match &self.policies {
            Policies::OfCluster(cluster) => Some(cluster),
            Policies::OfManifests(_) => None,
        }
    }

    /// Reads the policies for the first time, however long it takes, and follows them from then on.
    pub(super) async fn open(
        self,
        ready: &Condition,
        metrics: &Arc<Metrics>,
    ) -> Result<(Sources, Following), Failure> {
        let memory = Memory {
            trust: self.trust,
            admitted: self.admitted,
        };
        match self.policies {
            Policies::OfManifests(paths) => {
                Ok(follow_manifests(&paths, memory, ready, metrics).await)
            }
            Policies::OfCluster(cluster) => follow_cluster(cluster, memory, ready, metrics).await,
        }
    }
}

/// What is remembered, and where.
struct Memory {
    trust: Arc<dyn TrustStore>,
    admitted: Option<Arc<dyn AdmissionRecord>>,
}

/// What was admitted is recorded where roots of trust are pinned.
fn records(state: Option<&Path>, policies: &Policies) -> Result<Arc<dyn AdmissionRecord>, Failure> {
    match (state, policies) {
        (None, Policies::OfCluster(cluster)) => Ok(Arc::new(AdmissionConfigMaps::new(cluster))),
        (state, _) => admissions::open(state),
    }
}

async fn follow_manifests(
    paths: &[PathBuf],
    memory: Memory,
    ready: &Condition,
    metrics: &Arc<Metrics>,
) -> (Sources, Following) {
    let source = manifests::first(paths, ready).await;
    let following = manifests::follow(Arc::clone(&source), Arc::clone(metrics));
    let sources = Sources {
        policies: Arc::clone(&source) as _,
        exemptions: Arc::clone(&source) as _,
        secrets: source,
        trust: memory.trust,
        admitted: memory.admitted,
    };
    let following = Following {
        task: tokio::spawn(following),
        watch: None,
    };
    (sources, following)
}

async fn follow_cluster(
    cluster: Cluster,
    memory: Memory,
    ready: &Condition,
    metrics: &Arc<Metrics>,
) -> Result<(Sources, Following), Failure> {
    let secrets = Arc::new(ClusterSecrets::new(&cluster));
    let exemptions = Arc::new(ExemptionWatch::new(cluster.clone()));
    let policies = Arc::new(PolicyWatch::new(cluster));
    let following = cluster::follow(
        Arc::clone(&policies),
        Arc::clone(&exemptions),
        Arc::clone(metrics),
    );
    let mut following = Following {
        task: tokio::spawn(following),
        watch: Some(Arc::clone(&policies)),
    };
    tokio::select! {
        () = cluster::first(&policies, ready) => {}
        failure = following.ended() => return Err(failure),
    }
    let sources = Sources {
        policies,
        secrets,
        exemptions,
        trust: memory.trust,
        admitted: memory.admitted,
    };
    Ok((sources, following))
}

impl Following {
    /// What is followed, if that is a cluster.
    pub(super) fn watch(&self) -> Option<Arc<PolicyWatch>> {
        self.watch.clone()
    }

    /// Completes only if the task fails: nobody would learn of changed policies any more.
    pub(super) async fn ended(&mut self) -> Failure {
        let why = match (&mut self.task).await {
            Ok(()) => "it ended".to_owned(),
            Err(error) => error.to_string(),
        };
        Failure::new(format!("following the policies failed: {why}"))
    }
}

async fn connect(access: &Access, namespace: &str) -> Result<Cluster, Failure> {
    let connected = Cluster::connect(access, Some(namespace)).await;
    connected.map_err(|error| match access {
        Access::Kubeconfig(file) => Failure::from(error).about(&file.display().to_string()),
        Access::Pod => Failure::from(error)
            .about("there is neither --policies nor a cluster")
            .with_hint(
                "name manifests with --policies, or a kubeconfig file with --kubeconfig or KUBECONFIG",
            ),
    })
}
