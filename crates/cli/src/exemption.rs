//! `cise exemption`: issues that somebody answers for, as manifests.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use cise_advisor::exemption::{
    Exemption, ExemptionSpec, Expiry, IssueId, IssueType, Origin, Scope, images_of_scope,
};
use cise_manifests::{Manifest, exemptions};
use cise_policy::{Namespace, Pattern};
use cise_reference::Host;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::terminal;

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
        ExemptionCommand::Add(args) => add(args),
        ExemptionCommand::List(args) => list(&args.file),
        ExemptionCommand::Rm(args) => remove(args),
        ExemptionCommand::Types => types(),
    }
}

fn add(args: &AddArgs) -> Result<(), Failure> {
    let issue = &args.issue;
    let spec = ExemptionSpec {
        issue_type: issue.issue_type.into(),
        issue_id: issue.issue_id.clone(),
        images: issue.images()?,
        reason: args.reason.as_deref().map(Into::into),
        owner: args.owner.as_deref().map(Into::into),
        expires: args.expires.clone(),
    };
    let known = args.file.as_deref().filter(|path| path.exists());
    let known = known.map_or_else(|| Ok(Vec::new()), read)?;
    let exemption = Exemption::new(issue.origin(&known)?, spec)?;
    if exemption.overreaches() {
        return Err(Failure::new(
            "--scope: `*` is every image of the account, and --namespace names the pods of one namespace",
        )
        .with_hint("name a repository, or leave --namespace out to exempt the issue for all pods"));
    }
    let text = format!("---\n{}", serde_saphyr::to_string(&manifest(&exemption)?)?);
    let announced = format!(
        "Creating exemption for '{}' in '{}'...",
        issue.issue_id, issue.scope
    );
    match &args.file {
        None => {
            terminal::tell(&announced);
            terminal::print(&text)
        }
        Some(path) => {
            append(path, &text)?;
            terminal::print(&format!("{announced}\n\nOK\n"))
        }
    }
}

fn list(path: &Path) -> Result<(), Failure> {
    let mut rows =
        vec![["Scope", "Issue type", "Issue ID", "For", "Expires", "Owner"].map(str::to_owned)];
    for exemption in read(path)? {
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

/// The documents that stay are written as they were read: comments between them go.
fn remove(args: &RemoveArgs) -> Result<(), Failure> {
    let (issue, path) = (&args.issue, &args.file.file);
    let images = issue.images()?;
    let (gone, kept): (Vec<_>, Vec<_>) = read(path)?.into_iter().partition(|exemption| {
        let spec = exemption.spec();
        spec.issue_type == issue.issue_type.into()
            && spec.issue_id == issue.issue_id
            && spec.images == images
            && *exemption.origin().scope() == issue.pods()
    });
    if gone.is_empty() {
        return Err(Failure::new(format!(
            "{} has no exemption for '{}' in '{}'",
            path.display(),
            issue.issue_id,
            issue.scope
        ))
        .with_hint("`cise exemption list` shows what it has"));
    }
    let mut text = String::new();
    for exemption in &kept {
        text.push_str("---\n");
        text.push_str(&serde_saphyr::to_string(&manifest(exemption)?)?);
    }
    replace(path, &text)?;
    terminal::print(&format!(
        "Deleting exemption for '{}' in '{}'...\n\nOK\n",
        issue.issue_id, issue.scope
    ))
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

    /// Named after its issue, with a number where that name is taken.
    fn origin(&self, known: &[Exemption]) -> Result<Origin, Failure> {
        let stem: String = self
            .issue_id
            .as_str()
            .to_ascii_lowercase()
            .chars()
            .map(|letter| {
                if letter.is_ascii_alphanumeric() {
                    letter
                } else {
                    '-'
                }
            })
            .collect();
        let stem = stem.trim_matches('-');
        let is_taken = |name: &str| known.iter().any(|one| one.origin().name() == name);
        let numbered = (2..).map(|number: u32| format!("{stem}-{number}"));
        let mut names = std::iter::once(stem.to_owned()).chain(numbered);
        let name = names.find(|name| !is_taken(name)).unwrap_or_default();
        Ok(Origin::new(self.pods(), &name)?)
    }
}

fn manifest(exemption: &Exemption) -> Result<Value, Failure> {
    let origin = exemption.origin();
    let metadata = match origin.scope() {
        Scope::Cluster => json!({ "name": origin.name() }),
        Scope::Namespace(namespace) => {
            json!({ "name": origin.name(), "namespace": namespace.as_str() })
        }
    };
    Ok(json!({
        "apiVersion": "securityenforcement.admission.cloud.ibm.com/v1beta1",
        "kind": origin.scope().kind(),
        "metadata": metadata,
        "spec": serde_json::to_value(exemption.spec())?,
    }))
}

/// All exemptions of a file, which may hold nothing else: it is rewritten.
fn read(path: &Path) -> Result<Vec<Exemption>, Failure> {
    Ok(exemptions(&Manifest::read_file(path)?, "default")?)
}

fn append(path: &Path, text: &str) -> Result<(), Failure> {
    let mut options = fs::OpenOptions::new();
    let written = options
        .create(true)
        .append(true)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| unwritable(path, &error))
}

/// It appears whole or not at all: a server may be reading it.
fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    let next = path.with_extension("tmp");
    fs::write(&next, text)
        .and_then(|()| fs::rename(&next, path))
        .map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("{} cannot be written: {error}", path.display()))
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
