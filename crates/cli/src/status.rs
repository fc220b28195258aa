//! `cise status`: how CISE stands in a cluster.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use cise_kubernetes::{Cluster, Configured, Overview, Probe, Replicas};
use clap::Args;

use crate::access;
use crate::failure::Failure;
use crate::install::{DEFAULT_NAMESPACE, namespace};
use crate::terminal;

/// Exit status: something is not as it should be.
const NOT_ENFORCING: u8 = 1;

#[derive(Args, Debug)]
#[command(
    long_about = "Tell how CISE stands in a cluster\n\n\
        Looks at the webhook configurations, the pods and the leader, and has the API server judge a pod, without making it, whose image \
        nothing can allow. Whoever asks needs to read those objects, and to create pods in the namespace of the probe.",
    after_help = "\
Examples:
  cise status
  cise status --namespace security --probe team

Exit status: 0 pods are judged, 1 they are not, 2 it could not be found out."
)]
pub(crate) struct StatusArgs {
    /// The namespace of CISE itself
    #[arg(short, long, value_name = "NAMESPACE", default_value = DEFAULT_NAMESPACE, value_parser = namespace)]
    namespace: String,
    /// The Deployment and the Lease of CISE
    #[arg(long, value_name = "NAME", default_value = "cise")]
    name: String,
    /// The namespace in which a pod is tried
    #[arg(long, value_name = "NAMESPACE", default_value = "default", value_parser = namespace)]
    probe: String,
    /// Where the cluster is and as whom it is asked; by default, what KUBECONFIG names, else the pod's service account
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
}

/// Asks, prints, and says with the exit status whether pods are judged.
pub(crate) fn run(args: &StatusArgs) -> Result<ExitCode, Failure> {
    let (overview, probe) = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(ask(args))?;
    terminal::print(&page(&overview, &probe, args))?;
    Ok(match probe {
        Probe::Guarded => ExitCode::SUCCESS,
        _ => ExitCode::from(NOT_ENFORCING),
    })
}

async fn ask(args: &StatusArgs) -> Result<(Overview, Probe), Failure> {
    let access = access::of(args.kubeconfig.clone())?;
    let cluster = Cluster::connect(&access, Some(&args.namespace)).await?;
    let overview = Overview::of(&cluster, &args.name, &args.name).await?;
    let probe = Probe::of(&cluster, &args.probe).await?;
    Ok((overview, probe))
}

fn page(overview: &Overview, probe: &Probe, args: &StatusArgs) -> String {
    let leader = overview.leader.as_deref().unwrap_or("none").to_owned();
    let mut page = String::new();
    for (what, how) in [
        ("mutating", configured(overview.mutating)),
        ("validating", configured(overview.validating)),
        ("replicas", replicas(overview.replicas, args)),
        ("leader", leader),
        ("probe", probed(probe, &args.probe)),
    ] {
        // Writing to a string cannot fail.
        let _ = writeln!(page, "{what:<11} {how}");
    }
    page
}

fn configured(configuration: Configured) -> String {
    match configuration {
        Configured::Missing => {
            "there is no such configuration: this pass is off until the next upgrade".to_owned()
        }
        Configured::Empty => "not filled in yet: CISE does that when it is ready".to_owned(),
        Configured::Webhooks(1) => "1 webhook".to_owned(),
        Configured::Webhooks(count) => format!("{count} webhooks"),
    }
}

fn replicas(replicas: Option<Replicas>, args: &StatusArgs) -> String {
    let deployment = format!("Deployment {}/{}", args.namespace, args.name);
    match replicas {
        Some(Replicas { ready, wanted }) => format!("{ready} of {wanted} ready ({deployment})"),
        None => format!("there is no {deployment}"),
    }
}

fn probed(probe: &Probe, namespace: &str) -> String {
    match probe {
        Probe::Guarded => format!("pods of namespace {namespace} are judged"),
        Probe::Unguarded => format!(
            "pods of namespace {namespace} are NOT judged: no webhook is called, or its policy allows everything and it is left out"
        ),
        Probe::Unanswered(why) => format!("CISE does not answer: {why}"),
        Probe::Unknown(why) => format!("somebody else refused the pod first: {why}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args() -> StatusArgs {
        StatusArgs {
            namespace: "ibm-system".to_owned(),
            name: "cise".to_owned(),
            probe: "default".to_owned(),
            kubeconfig: None,
        }
    }

    #[test]
    fn a_page_reads_like_this_when_all_is_well_and_when_nothing_is() {
        let well = Overview {
            mutating: Configured::Webhooks(1),
            validating: Configured::Webhooks(4),
            replicas: Some(Replicas {
                ready: 2,
                wanted: 2,
            }),
            leader: Some("cise-0".to_owned()),
        };
        let nothing = Overview {
            mutating: Configured::Missing,
            validating: Configured::Empty,
            replicas: None,
            leader: None,
        };
        let unanswered = Probe::Unanswered("no endpoints".to_owned());
        let pages = [
            page(&well, &Probe::Guarded, &args()),
            page(&nothing, &Probe::Unguarded, &args()),
            page(&nothing, &unanswered, &args()),
        ];
        insta::assert_snapshot!(pages.join("\n"));
    }
}
