//! `cise uninstall`: leaves nothing in a cluster but what belongs to its users.

use std::path::PathBuf;

use cise_kubernetes::{Cluster, Deleted, InstalledObject, remove_state, remove_webhooks};
use clap::Args;
use serde_json::Value;

use crate::access;
use crate::failure::Failure;
use crate::install::objects::Installation;
use crate::install::{DEFAULT_NAMESPACE, namespace};
use crate::terminal;

#[derive(Args, Debug)]
#[command(
    long_about = "Remove CISE from a cluster\n\n\
        Removes what `cise install` made: first the webhooks, without which nothing is enforced and nothing waits for an answer, in the end \
        its state, which is what it made by itself: the mark of the default policies, the trust records, the Secret of its certificates, and \
        its Lease. Policies, their definitions and the namespace stay. What Helm installed is removed by `helm uninstall`, which runs the \
        two parts that have options here.",
    after_help = "\
Examples:
  cise uninstall                                           all of it
  cise uninstall --webhooks                                stop enforcing at once
  cise uninstall --state --namespace ibm-system --kubeconfig kubeconfig"
)]
pub(crate) struct UninstallArgs {
    /// Only delete both webhook configurations, which turns the enforcement off
    #[arg(long)]
    webhooks: bool,
    /// Only delete what CISE made by itself in its namespace
    #[arg(long)]
    state: bool,
    /// The namespace of CISE itself
    #[arg(short, long, value_name = "NAMESPACE", default_value = DEFAULT_NAMESPACE, value_parser = namespace)]
    namespace: String,
    /// The Secret of its certificates
    #[arg(long, value_name = "SECRET", default_value = "cise-certificates")]
    certificates: String,
    /// The Lease by which one replica acts for all
    #[arg(long, value_name = "LEASE", default_value = "cise")]
    lease: String,
    /// Where the cluster is and as whom it is asked; by default, what KUBECONFIG names, else the pod's service account
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
}

/// Removes the webhooks first: without them nothing waits for what goes next.
pub(crate) fn run(args: UninstallArgs) -> Result<(), Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(uninstall(args))
}

async fn uninstall(args: UninstallArgs) -> Result<(), Failure> {
    let access = access::of(args.kubeconfig)?;
    let cluster = Cluster::connect(&access, Some(&args.namespace)).await?;
    let everything = !args.webhooks && !args.state;
    if args.webhooks || everything {
        remove_webhooks(&cluster).await?;
    }
    if everything {
        remove_objects(&cluster).await?;
    }
    if args.state || everything {
        remove_state(&cluster, &args.certificates, &args.lease).await?;
    }
    Ok(())
}

/// Removes what `cise install` made, in the opposite order.
async fn remove_objects(cluster: &Cluster) -> Result<(), Failure> {
    let installation = Installation::in_namespace(cluster.namespace());
    for object in installation.objects()?.into_iter().rev() {
        if is_kept(object.get("kind").and_then(Value::as_str)) {
            continue;
        }
        let object = InstalledObject::new(object)?;
        if object.delete(cluster).await? == Deleted::Now {
            terminal::print(&format!("deleted {}\n", object.place()))?;
        }
    }
    Ok(())
}

/// Policies go with their definitions, and everything with its namespace: they belong to the user.
fn is_kept(kind: Option<&str>) -> bool {
    matches!(kind, Some("CustomResourceDefinition" | "Namespace"))
}
