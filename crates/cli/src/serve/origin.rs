//! Where policies, secrets and pinned roots of trust are: in a cluster, or in files.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use cise_kubernetes::{Access, Cluster, ClusterSecrets, ConfigMapStore, PolicyWatch};
use cise_server::{Condition, Metrics};
use cise_signature::TrustStore;
use clap::Args;
use tokio::task::JoinHandle;

use super::{cluster, manifests};
use crate::config::Configuration;
use crate::failure::Failure;
use crate::store;
use crate::wiring::Sources;

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
}

enum Policies {
    OfManifests(Vec<PathBuf>),
    OfCluster(Cluster),
}

/// The task that follows changes of policies. It never ends by itself.
pub(super) struct Following(JoinHandle<()>);

impl Origin {
    /// Finds out how everything is reached; nothing is asked yet.
    pub(super) async fn prepare(
        args: OriginArgs,
        configuration: &Configuration,
    ) -> Result<Self, Failure> {
        let most = configuration.trusted_repositories;
        let policies = if args.policies.is_empty() {
            let access = access(args.kubeconfig, env::var_os("KUBECONFIG"))?;
            Policies::OfCluster(connect(&access, &configuration.admission.namespace).await?)
        } else {
            Policies::OfManifests(args.policies)
        };
        let trust: Arc<dyn TrustStore> = match (&args.state, &policies) {
            (None, Policies::OfCluster(cluster)) => Arc::new(ConfigMapStore::new(cluster, most)),
            (state, _) => store::open(state.as_deref(), most)?,
        };
        if args.state.is_none() && matches!(policies, Policies::OfManifests(_)) {
            tracing::warn!("without --state, pinned roots of trust end with this process");
        }
        Ok(Self { policies, trust })
    }

    /// Reads the policies for the first time, however long it takes, and follows them from then on.
    pub(super) async fn open(
        self,
        ready: &Condition,
        metrics: &Arc<Metrics>,
    ) -> Result<(Sources, Following), Failure> {
        match self.policies {
            Policies::OfManifests(paths) => {
                Ok(follow_manifests(&paths, self.trust, ready, metrics).await)
            }
            Policies::OfCluster(cluster) => {
                follow_cluster(cluster, self.trust, ready, metrics).await
            }
        }
    }
}

async fn follow_manifests(
    paths: &[PathBuf],
    trust: Arc<dyn TrustStore>,
    ready: &Condition,
    metrics: &Arc<Metrics>,
) -> (Sources, Following) {
    let source = manifests::first(paths, ready).await;
    let following = manifests::follow(Arc::clone(&source), Arc::clone(metrics));
    let sources = Sources {
        policies: Arc::clone(&source) as _,
        secrets: source,
        trust,
    };
    (sources, Following(tokio::spawn(following)))
}

async fn follow_cluster(
    cluster: Cluster,
    trust: Arc<dyn TrustStore>,
    ready: &Condition,
    metrics: &Arc<Metrics>,
) -> Result<(Sources, Following), Failure> {
    let secrets = Arc::new(ClusterSecrets::new(&cluster));
    let policies = Arc::new(PolicyWatch::new(cluster));
    let following = cluster::follow(Arc::clone(&policies), Arc::clone(metrics));
    let mut following = Following(tokio::spawn(following));
    tokio::select! {
        () = cluster::first(&policies, ready) => {}
        failure = following.ended() => return Err(failure),
    }
    let sources = Sources {
        policies,
        secrets,
        trust,
    };
    Ok((sources, following))
}

impl Following {
    /// Completes only if the task fails: nobody would learn of changed policies any more.
    pub(super) async fn ended(&mut self) -> Failure {
        let why = match (&mut self.0).await {
            Ok(()) => "it ended".to_owned(),
            Err(error) => error.to_string(),
        };
        Failure::new(format!("following the policies failed: {why}"))
    }
}

/// The kubeconfig file that is named, else the one of the environment, else the service account of the pod.
fn access(named: Option<PathBuf>, environment: Option<OsString>) -> Result<Access, Failure> {
    if let Some(file) = named {
        return Ok(Access::Kubeconfig(file));
    }
    let listed = environment.unwrap_or_default();
    let mut files = env::split_paths(&listed).filter(|file| !file.as_os_str().is_empty());
    match (files.next(), files.next()) {
        (None, _) => Ok(Access::Pod),
        (Some(file), None) => Ok(Access::Kubeconfig(file)),
        (Some(_), Some(_)) => Err(Failure::new(format!(
            "KUBECONFIG names several files: {}",
            listed.display()
        ))
        .with_hint("name one of them with --kubeconfig")),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kubeconfig_that_is_named_counts_before_the_environment_and_that_before_the_pod() {
        let file = |name: &str| Access::Kubeconfig(name.into());
        for (named, environment, expected) in [
            (None, None, Access::Pod),
            (None, Some(""), Access::Pod),
            (None, Some("a"), file("a")),
            (None, Some(":a:"), file("a")),
            (Some("b"), Some("a"), file("b")),
            (Some("b"), Some("a:c"), file("b")),
        ] {
            let found = access(named.map(PathBuf::from), environment.map(OsString::from));
            assert_eq!(found.unwrap(), expected, "{named:?} {environment:?}");
        }
    }

    #[test]
    fn of_several_files_in_the_environment_one_has_to_be_named() {
        let failure = access(None, Some("a:b".into())).unwrap_err();
        assert_eq!(
            failure.text(),
            "error: KUBECONFIG names several files: a:b\nhint: name one of them with --kubeconfig"
        );
    }
}
