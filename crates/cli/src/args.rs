//! The command line: what there is to say, and what is done about it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::advisor::{self, AdvisorArgs};
use crate::check::{self, CheckArgs};
use crate::completions::{self, CompletionsArgs};
use crate::config::Configuration;
use crate::crds::{self, CrdsArgs};
use crate::db::{self, DbArgs};
use crate::exemption::{self, ExemptionArgs};
use crate::failure::Failure;
use crate::install::{self, InstallArgs};
use crate::listening::TlsArgs;
use crate::logs::LogLevel;
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
pub(crate) struct Cli {
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

/// The option that commands share.
#[derive(Args, Debug)]
pub(crate) struct ConfigArg {
    /// The configuration: how registries and trust servers are reached
    #[arg(long, value_name = "FILE", env = "CISE_CONFIG")]
    config: Option<PathBuf>,
}

impl ConfigArg {
    pub(crate) fn read(&self) -> Result<Configuration, Failure> {
        Ok(Configuration::read(self.config.as_deref())?)
    }
}

/// The option of commands that judge by advisories.
#[derive(Args, Debug)]
pub(crate) struct DbArg {
    /// The advisory database; by default, the one that the configuration names
    #[arg(long, value_name = "FILE", env = "CISE_DB")]
    db: Option<PathBuf>,
}

impl DbArg {
    pub(crate) fn path(&self) -> Option<&Path> {
        self.db.as_deref()
    }
}

/// The options of commands that judge images, some of which keep more than the database.
#[derive(Args, Debug)]
pub(crate) struct JudgingArgs {
    #[command(flatten)]
    config: ConfigArg,
    #[command(flatten)]
    db: DbArg,
    /// The folder in which is kept what layers say, so that each is read once; by default, the one that the configuration names
    #[arg(long, value_name = "DIR", env = "CISE_LAYER_CACHE")]
    cache: Option<PathBuf>,
    /// The folder in which package databases are put for a moment that are too large to be held in memory; by default, the one that the
    /// configuration names, else their images cannot be judged
    #[arg(long, value_name = "DIR", env = "CISE_SCRATCH")]
    scratch: Option<PathBuf>,
}

impl JudgingArgs {
    /// The configuration, with what the command line says instead.
    pub(crate) fn read(&self) -> Result<Configuration, Failure> {
        let mut configuration = self.config.read()?;
        if let Some(folder) = &self.cache {
            configuration.advisor.keep_layers_in(folder);
        }
        if let Some(folder) = &self.scratch {
            configuration.advisor.put_large_files_into(folder);
        }
        Ok(configuration)
    }

    /// The advisory database, if the command line names one.
    pub(crate) fn database(&self) -> Option<&Path> {
        self.db.path()
    }
}

/// The options of commands that serve.
#[derive(Args, Debug)]
pub(crate) struct ServiceArgs {
    #[command(flatten)]
    pub(crate) judging: JudgingArgs,
    #[command(flatten)]
    pub(crate) tls: TlsArgs,
    /// How much the log says
    #[arg(long, value_name = "LEVEL", default_value = "info", env = "CISE_LOG")]
    pub(crate) log_level: LogLevel,
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
        Command::Completions(args) => completions::run(&args).map(|()| ExitCode::SUCCESS),
    };
    done.unwrap_or_else(|failure| {
        terminal::tell(&failure.text());
        ExitCode::from(UNDECIDED)
    })
}
