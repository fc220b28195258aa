//! `cise install`: what the chart installs by default, without Helm.

pub(crate) mod objects;

use std::path::PathBuf;

use cise_kubernetes::{Cluster, InstalledObject};
use cise_policy::Namespace;
use cise_reference::Reference;
use clap::Args;
use serde_json::Value;

use crate::access;
use crate::failure::Failure;
use crate::terminal;
use objects::Installation;

/// The namespace where nobody chose one, as with the chart.
pub(crate) const DEFAULT_NAMESPACE: &str = "ibm-system";

#[derive(Args, Debug)]
#[command(
    long_about = "Install CISE in a cluster, without Helm\n\n\
        Makes what the chart makes by default, or brings it up to date, by server-side apply. With --dry-run, the manifests are printed and \
        nothing is asked of the cluster: change them as you like, and apply them with kubectl. The chart has many more settings.",
    after_help = "\
Examples:
  cise install
  cise install --namespace security --image registry.example.com/security/cise:1.0 --replicas 3
  cise install --dry-run > cise.yaml"
)]
pub(crate) struct InstallArgs {
    /// The namespace of CISE itself; it is made if it is missing
    #[arg(short, long, value_name = "NAMESPACE", default_value = DEFAULT_NAMESPACE, value_parser = namespace)]
    namespace: String,
    /// CISE's own image; by default, the released one of this version
    #[arg(long, value_name = "IMAGE", value_parser = image)]
    image: Option<Reference>,
    /// How many pods answer reviews
    #[arg(long, value_name = "COUNT", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=100))]
    replicas: u32,
    /// Print the manifests, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Where the cluster is and as whom it is asked; by default, what KUBECONFIG names, else the pod's service account
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
}

/// Prints the manifests, or applies them.
pub(crate) fn run(args: InstallArgs) -> Result<(), Failure> {
    let installation = Installation {
        namespace: args.namespace.clone(),
        image: args.image.clone(),
        replicas: args.replicas,
    };
    let objects = installation.objects()?;
    if args.dry_run {
        return print(&objects);
    }
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(install(args, objects))
}

fn print(objects: &[Value]) -> Result<(), Failure> {
    let mut documents = String::new();
    for object in objects {
        documents.push_str("---\n");
        documents.push_str(&serde_saphyr::to_string(object)?);
    }
    terminal::print(&documents)
}

async fn install(args: InstallArgs, objects: Vec<Value>) -> Result<(), Failure> {
    let access = access::of(args.kubeconfig)?;
    let cluster = Cluster::connect(&access, Some(&args.namespace)).await?;
    for object in objects {
        let object = InstalledObject::new(object)?;
        object.apply(&cluster).await?;
        terminal::print(&format!("applied {}\n", object.place()))?;
    }
    terminal::tell(&format!(
        "hint: `kubectl -n {} rollout status deployment/cise` waits until it answers; `cise status` says how it stands",
        args.namespace
    ));
    Ok(())
}

/// The name of a namespace.
pub(crate) fn namespace(text: &str) -> Result<String, String> {
    match Namespace::parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn image(text: &str) -> Result<Reference, cise_reference::ReferenceError> {
    Reference::parse(text)
}
