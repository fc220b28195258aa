//! `cise uninstall`: leaves nothing in a cluster but what belongs to its users.

use std::path::PathBuf;

use cise_kubernetes::{Cluster, remove_state, remove_webhooks};
use cise_policy::Namespace;
use clap::{ArgGroup, Args};

use crate::access;
use crate::failure::Failure;

#[derive(Args, Debug)]
#[command(
    group = ArgGroup::new("what").args(["webhooks", "state"]).required(true).multiple(true),
    long_about = "Remove from a cluster what CISE has entered or made there\n\n\
        Without its webhooks, nothing is enforced and nothing waits for an answer. Its state is what it made by itself: the mark of the \
        default policies, the trust records, the Secret of its certificates, and its Lease. Policies and their definitions stay.",
    after_help = "\
Examples:
  cise uninstall --webhooks
  cise uninstall --state --namespace ibm-system --kubeconfig kubeconfig"
)]
pub(crate) struct UninstallArgs {
    /// Delete both webhook configurations, which turns the enforcement off
    #[arg(long)]
    webhooks: bool,
    /// Delete what CISE made by itself in its namespace
    #[arg(long, requires = "namespace")]
    state: bool,
    /// The namespace of CISE itself
    #[arg(short, long, value_name = "NAMESPACE", value_parser = namespace)]
    namespace: Option<String>,
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
    let cluster = Cluster::connect(&access, args.namespace.as_deref()).await?;
    if args.webhooks {
        remove_webhooks(&cluster).await?;
    }
    if args.state {
        remove_state(&cluster, &args.certificates, &args.lease).await?;
    }
    Ok(())
}

fn namespace(text: &str) -> Result<String, String> {
    match Namespace::parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
