//! The command line: what there is to say, and what is done about it.

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::advisor::{self, AdvisorArgs};
use crate::check::{self, CheckArgs};
use crate::completions::{self, CompletionsArgs};
use crate::crds::{self, CrdsArgs};
use crate::db::{self, DbArgs};
use crate::exemption::{self, ExemptionArgs};
use crate::install::{self, InstallArgs};
use crate::serve::{self, ServeArgs};
use crate::status::{self, StatusArgs};
use crate::terminal;
use crate::trust::{self, TrustArgs};
use crate::uninstall::{self, UninstallArgs};
use crate::va::{self, VaArgs};

/// Exit status: nothing could be decided.
const UNDECIDED: u8 = 2;

/// Decides which container images may run in a Kubernetes cluster
///
/// Policies say where images may come from, who must have signed them, and that they have no known vulnerabilities. `cise serve` is the admission webhook that enforces
/// them; `cise check` tells beforehand, on any machine, what it would decide.
#[derive(Debug, Parser)]
#[command(name = "cise", version, arg_required_else_help = true, after_help = EXAMPLES, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  cise check --policies policies/ nginx                    may this image run?
  cise check --policies policies/ -n team -f deploy.yaml   may this workload?
  cise va --db advisories.db nginx                         is it vulnerable?
  cise serve --policies policies/ --self-signed            try the webhook out

`cise help COMMAND` says more about each.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Tell whether images or manifests would be admitted, and why not
    Check(CheckArgs),
    /// Tell what is vulnerable in images, and what to do about it
    Va(VaArgs),
    /// Build, carry or look at the advisory database
    Db(DbArgs),
    /// Add, list or remove exemptions of the Vulnerability Advisor
    Exemption(ExemptionArgs),
    /// Answer a cluster's admission reviews over HTTPS
    Serve(ServeArgs),
    /// Answer the webhooks' questions about vulnerabilities
    Advisor(AdvisorArgs),
    /// List, show or forget the roots of trust that are pinned
    Trust(TrustArgs),
    /// Print the definitions of policies and exemptions that a cluster needs
    Crds(CrdsArgs),
    /// Install CISE in a cluster, without Helm
    Install(InstallArgs),
    /// Tell how CISE stands in a cluster
    Status(StatusArgs),
    /// Remove from a cluster what CISE has entered or made there
    Uninstall(UninstallArgs),
    /// Print a script that completes commands in a shell
    Completions(CompletionsArgs),
}

/// Parses the command line and does what it says.
pub(crate) fn run() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Check(args) => check::run(&args),
        Command::Va(args) => va::run(&args),
        Command::Db(args) => db::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Exemption(args) => exemption::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Serve(args) => serve::run(args).map(|()| ExitCode::SUCCESS),
        Command::Advisor(args) => advisor::run(args).map(|()| ExitCode::SUCCESS),
        Command::Trust(args) => trust::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Crds(args) => crds::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Install(args) => install::run(args).map(|()| ExitCode::SUCCESS),
        Command::Status(args) => status::run(&args),
        Command::Uninstall(args) => uninstall::run(args).map(|()| ExitCode::SUCCESS),
        Command::Completions(args) => {
            completions::run(&args, Cli::command()).map(|()| ExitCode::SUCCESS)
        }
    };
    done.unwrap_or_else(|failure| {
        terminal::tell(&failure.text());
        ExitCode::from(UNDECIDED)
    })
}
