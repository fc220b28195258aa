//! `cise exemption`: issues that somebody answers for, as manifests.

mod add;
mod file;
mod naming;
mod remove;

use std::path::{Path, PathBuf};

use cise_advisor::exemption::{Expiry, IssueId, IssueType, Scope, images_of_scope};
use cise_policy::{Namespace, Pattern};
use cise_reference::Host;
use clap::{Args, Subcommand, ValueEnum};

use crate::failure::Failure;
use crate::terminal;
use file::ExemptionFile;

#[derive(Args, Debug)]
#[command(
    arg_required_else_help = true,
    long_about = "Add, list or remove exemptions of the Vulnerability Advisor\n\n\
        An exemption is a manifest: an ImageExemption counts for the pods of its namespace, a ClusterImageExemption for all. They are kept \
        in a file, which `cise serve --policies` and `cise check --policies` read, or are applied to a cluster with kubectl.",
    after_help = "\
Examples:
  cise exemption add --scope registry.example.com/team/app --issue-type cve --issue-id CVE-2024-5535 \\
                     --reason 'the server does not use NPN' --owner team-app --expires 2026-12-31 | kubectl apply -f -
  cise exemption add --file policies/exemptions.yaml --scope '*' --issue-type sn --issue-id DSA-5532-1
  cise exemption list --file policies/exemptions.yaml
  cise exemption rm --file policies/exemptions.yaml --issue-type sn --issue-id DSA-5532-1 --scope '*'"
)]
pub(crate) struct ExemptionArgs {
    #[command(subcommand)]
    command: ExemptionCommand,
}

#[derive(Debug, Subcommand)]
enum ExemptionCommand {
    /// Exempt an issue
    Add(AddArgs),
    /// List the exemptions of a file
    List(FileArg),
    /// Remove an exemption from a file
    Rm(RemoveArgs),
    /// List the types of issues
    Types,
}

#[derive(Args, Debug)]
struct FileArg {
    /// The manifests of exemptions
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,
}

#[derive(Args, Debug)]
struct IssueArgs {
    /// Of which images: `*`, a namespace of a registry, a repository, repository:tag or repository@digest
    #[arg(long, value_name = "SCOPE")]
    scope: String,
    /// The registry of a scope that names none
    #[arg(long, value_name = "HOST", default_value = "icr.io", value_parser = host)]
    registry: Host,
    /// What kind of issue
    #[arg(long, value_enum, value_name = "TYPE")]
    issue_type: Type,
    /// The id of the issue
    #[arg(long, value_name = "ID", value_parser = issue_id)]
    issue_id: IssueId,
    /// The namespace whose pods it is for; without one, all pods
    #[arg(short, long, value_name = "NAMESPACE", value_parser = namespace)]
    namespace: Option<Namespace>,
}

#[derive(Args, Debug)]
struct AddArgs {
    #[command(flatten)]
    issue: IssueArgs,
    /// The file that it is added to; without one, the manifest is printed
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Who answers for it
    #[arg(long, value_name = "NAME")]
    owner: Option<String>,
    /// When it ends: a date, or a time in RFC 3339
    #[arg(long, value_name = "TIME", value_parser = expiry)]
    expires: Option<Expiry>,
}

#[derive(Args, Debug)]
struct RemoveArgs {
    #[command(flatten)]
    issue: IssueArgs,
    #[command(flatten)]
    file: FileArg,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Type {
    /// A vulnerability
    Cve,
    /// A security notice
    Sn,
    /// A finding about the image's configuration
    Configuration,
}

impl From<Type> for IssueType {
    fn from(written: Type) -> Self {
        match written {
            Type::Cve => Self::Cve,
            Type::Sn => Self::Sn,
            Type::Configuration => Self::Configuration,
        }
    }
}

pub(crate) fn run(args: &ExemptionArgs) -> Result<(), Failure> {
    match &args.command {
        ExemptionCommand::Add(args) => add::run(args),
        ExemptionCommand::List(args) => list(&args.file),
        ExemptionCommand::Rm(args) => remove::run(args),
        ExemptionCommand::Types => types(),
    }
}

fn list(path: &Path) -> Result<(), Failure> {
    let mut rows =
        vec![["Scope", "Issue type", "Issue ID", "For", "Expires", "Owner"].map(str::to_owned)];
    for exemption in ExemptionFile::read(path)?.exemptions() {
        let spec = exemption.spec();
        let images: Vec<&str> = spec.images.iter().map(Pattern::as_written).collect();
        rows.push([
            images.join(","),
            spec.issue_type.to_string(),
            spec.issue_id.to_string(),
            match exemption.origin().scope() {
                Scope::Cluster => "all pods".to_owned(),
                Scope::Namespace(namespace) => format!("pods of {}", namespace.as_str()),
            },
            spec.expires
                .as_ref()
                .map_or_else(|| "never".to_owned(), ToString::to_string),
            spec.owner.as_deref().unwrap_or("-").to_owned(),
        ]);
    }
    terminal::print(&table(&rows))
}

fn types() -> Result<(), Failure> {
    let head = ["Issue type", "Description"].map(str::to_owned);
    let rows = IssueType::ALL.map(|one| [one.to_string(), one.display_name().to_owned()]);
    terminal::print(&table(&[vec![head], rows.to_vec()].concat()))
}

impl IssueArgs {
    fn images(&self) -> Result<Vec<Pattern>, Failure> {
        images_of_scope(&self.registry, &self.scope)
            .map_err(|error| Failure::from(error).about("--scope"))
    }

    fn pods(&self) -> Scope {
        match &self.namespace {
            None => Scope::Cluster,
            Some(namespace) => Scope::Namespace(namespace.clone()),
        }
    }
}

fn table<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> String {
    let mut widths = [0; COLUMNS];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let line = |row: &[String; COLUMNS]| {
        let cells = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:<width$}"));
        format!("{}\n", cells.collect::<Vec<_>>().join("   ").trim_end())
    };
    rows.iter().map(line).collect()
}

fn host(text: &str) -> Result<Host, cise_reference::ReferenceError> {
    Host::parse(text)
}

fn issue_id(text: &str) -> Result<IssueId, cise_advisor::exemption::IssueIdError> {
    IssueId::parse(text)
}

fn namespace(text: &str) -> Result<Namespace, cise_policy::NameError> {
    Namespace::parse(text)
}

fn expiry(text: &str) -> Result<Expiry, cise_advisor::exemption::ExpiryError> {
    Expiry::parse(text)
}
