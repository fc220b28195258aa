//! `cise status`: how CISE stands in a cluster.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use cise_advisor::{Standing, Stock};
use cise_kubernetes::{Cluster, Configured, Consulted, Overview, Probe, Replicas, Said};
use cise_registry::ByteCount;
use clap::Args;
use jiff::Timestamp;

use crate::access;
use crate::failure::Failure;
use crate::install::{DEFAULT_NAMESPACE, namespace};
use crate::terminal;

/// Exit status: something is not as it should be.
const NOT_ENFORCING: u8 = 1;

#[derive(Args, Debug)]
#[command(
    long_about = "Tell how CISE stands in a cluster\n\n\
        Looks at the webhook configurations, the pods, the leader and the advisor, and has the API server judge a pod, without making it, whose image \
        nothing can allow. Whoever asks needs to read those objects, to `get` `services/proxy` of the advisor, and to create pods in the namespace of the probe.",
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
    let (overview, probe, advisor) = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(ask(args))?;
    let advisor = advised(&advisor, Timestamp::now());
    terminal::print(&page(&overview, &probe, &advisor, args))?;
    Ok(match probe {
        Probe::Guarded => ExitCode::SUCCESS,
        _ => ExitCode::from(NOT_ENFORCING),
    })
}

async fn ask(args: &StatusArgs) -> Result<(Overview, Probe, Consulted), Failure> {
    let access = access::of(args.kubeconfig.clone())?;
    let cluster = Cluster::connect(&access, Some(&args.namespace)).await?;
    let overview = Overview::of(&cluster, &args.name, &args.name).await?;
    let probe = Probe::of(&cluster, &args.probe).await?;
    let advisor = Consulted::of(&cluster, &args.name).await;
    Ok((overview, probe, advisor))
}

fn page(overview: &Overview, probe: &Probe, advisor: &str, args: &StatusArgs) -> String {
    let leader = overview.leader.as_deref().unwrap_or("none").to_owned();
    let mut page = String::new();
    for (what, how) in [
        ("mutating", configured(overview.mutating)),
        ("validating", configured(overview.validating)),
        ("replicas", replicas(overview.replicas, args)),
        ("leader", leader),
        ("advisor", advisor.to_owned()),
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

/// How the advisor stands, and what to do where it does not.
fn advised(advisor: &Consulted, now: Timestamp) -> String {
    let place = match &advisor.apart {
        Some((deployment, Replicas { ready, wanted })) => {
            format!("{ready} of {wanted} ready (Deployment {deployment})")
        }
        None => "in the pods of CISE".to_owned(),
    };
    let said = match &advisor.said {
        Said::Nothing if advisor.apart.is_none() => {
            return "there is none, so that `va` of a policy denies: `advisor.enabled` of the chart's values makes one".to_owned();
        }
        Said::Nothing => "it does not tell how it stands: it is of another version".to_owned(),
        Said::Unanswered(why) => format!("it does not tell how it stands: {why}"),
        Said::Page(page) => match serde_json::from_str(page) {
            Ok(standing) => told(&standing, now),
            Err(error) => {
                format!("what it tells cannot be read, it is of another version: {error}")
            }
        },
    };
    format!("{place}; {said}")
}

fn told(Standing { database, indexing }: &Standing, now: Timestamp) -> String {
    let database = match database {
        Some(stock) => stocked(stock, now),
        None => "no advisory database yet, so that `va` of a policy denies: name one that is pulled as `advisor.database.artifact` of the \
                 chart's values, or put one into the volume with `cise db build`; the log of the advisor says what keeps it away"
            .to_owned(),
    };
    let indexing = match indexing.images {
        0 => "no image is being read".to_owned(),
        images => format!(
            "{images} images are being read or wait, {} to go",
            ByteCount(indexing.bytes)
        ),
    };
    format!("{database}; {indexing}")
}

fn stocked(stock: &Stock, now: Timestamp) -> String {
    let age = match stock.as_of {
        Some(as_of) => format!(
            "the oldest is {} h old",
            now.duration_since(as_of).as_hours()
        ),
        None => "of one of them the age is not known".to_owned(),
    };
    let name: String = stock.digest.chars().take(12).collect();
    format!(
        "database {name}: {} advisories, all of {} releases, {age}",
        stock.advisories, stock.releases
    )
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
        let none = advised(&consulted(Said::Nothing, None), at("2026-11-25T00:00:00Z"));
        let pages = [
            page(&well, &Probe::Guarded, "all is well", &args()),
            page(&nothing, &Probe::Unguarded, &none, &args()),
            page(&nothing, &unanswered, &none, &args()),
        ];
        insta::assert_snapshot!(pages.join("\n"));
    }

    fn at(time: &str) -> Timestamp {
        time.parse().unwrap()
    }

    fn consulted(said: Said, apart: Option<(i32, i32)>) -> Consulted {
        let apart =
            apart.map(|(ready, wanted)| ("cise-advisor".to_owned(), Replicas { ready, wanted }));
        Consulted { apart, said }
    }

    #[test]
    fn the_advisor_is_told_of_wherever_it_is_and_whatever_it_lacks() {
        let page = |database: &str, indexing: &str| {
            Said::Page(format!(
                "{{\"database\": {database}, \"indexing\": {indexing}}}"
            ))
        };
        let stock = r#"{"digest": "0123456789abcdef", "advisories": 1200, "releases": 3, "asOf": "2026-11-24T19:00:00Z"}"#;
        let undated =
            r#"{"digest": "0123456789abcdef", "advisories": 1, "releases": 0, "asOf": null}"#;
        let (idle, busy) = (
            r#"{"images": 0, "bytes": 0}"#,
            r#"{"images": 2, "bytes": 1288490189}"#,
        );
        let lines = [
            consulted(page(stock, busy), Some((1, 1))),
            consulted(page(undated, idle), None),
            consulted(page("null", idle), Some((0, 1))),
            consulted(Said::Page("<html>".to_owned()), None),
            consulted(
                Said::Unanswered("services is forbidden".to_owned()),
                Some((1, 1)),
            ),
            consulted(Said::Nothing, Some((1, 1))),
        ];
        let lines = lines.map(|one| advised(&one, at("2026-11-25T00:00:00Z")));
        insta::assert_snapshot!(lines.join("\n"));
    }
}
