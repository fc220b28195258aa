//! `cise trust`: the roots of trust that are pinned.

use std::fmt::Write as _;
use std::path::PathBuf;

use cise_reference::Repository;
use cise_signature::Gun;
use cise_signature::store::{FolderStore, TrustState};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::terminal;

#[derive(Args, Debug)]
#[command(
    arg_required_else_help = true,
    long_about = "List, show or forget the roots of trust that are pinned\n\n\
        The first root of trust that a repository's trust server shows is pinned, and from then on only a successor of it is \
        accepted. Where a repository was set up anew on purpose, forget its pin: the next root that is seen will be pinned.",
    after_help = "\
Examples:
  cise trust list --state /var/lib/cise
  cise trust forget --state /var/lib/cise registry.example.com/team/app"
)]
pub(crate) struct TrustArgs {
    #[command(subcommand)]
    command: TrustCommand,
}

#[derive(Debug, Subcommand)]
enum TrustCommand {
    /// List the repositories whose roots are pinned
    List {
        #[command(flatten)]
        state: StateArg,
    },
    /// Show what is pinned of a repository, in JSON
    Show {
        #[command(flatten)]
        state: StateArg,
        /// The repository, as in an image's name
        #[arg(value_parser = repository)]
        repository: Gun,
    },
    /// Forget what is pinned of repositories
    Forget {
        #[command(flatten)]
        state: StateArg,
        /// The repositories, as in an image's name
        #[arg(required = true, value_name = "REPOSITORY", value_parser = repository)]
        repositories: Vec<Gun>,
    },
}

#[derive(Args, Debug)]
struct StateArg {
    /// The folder in which roots of trust are pinned
    #[arg(long, value_name = "DIR", env = "CISE_STATE")]
    state: PathBuf,
}

pub(crate) fn run(args: &TrustArgs) -> Result<(), Failure> {
    match &args.command {
        TrustCommand::List { state } => list(&state.open()?),
        TrustCommand::Show { state, repository } => show(&state.open()?, repository),
        TrustCommand::Forget {
            state,
            repositories,
        } => forget(&state.open()?, repositories),
    }
}

impl StateArg {
    fn open(&self) -> Result<FolderStore, Failure> {
        if !self.state.is_dir() {
            return Err(
                Failure::new(format!("{}: no such folder", self.state.display()))
                    .with_hint("name the folder that `cise serve --state` has"),
            );
        }
        // Nothing is recorded here, so there is nothing to bound.
        Ok(FolderStore::open(&self.state, usize::MAX)?)
    }
}

fn list(store: &FolderStore) -> Result<(), Failure> {
    let mut table = String::new();
    let mut damaged = None;
    for record in store.list()? {
        match record {
            Ok(state) => {
                // Writing to a string cannot fail.
                let _ = writeln!(
                    table,
                    "{}  root {}, pinned {}, from {}",
                    state.gun().as_str(),
                    state.root_version(),
                    state.pinned_at().strftime("%F"),
                    state.trust_server()
                );
            }
            Err(error) => damaged = Some(Failure::from(error)),
        }
    }
    terminal::print(&table)?;
    damaged.map_or(Ok(()), Err)
}

fn show(store: &FolderStore, repository: &Gun) -> Result<(), Failure> {
    let state = store.show(repository)?.ok_or_else(|| unknown(repository))?;
    terminal::print(&format!("{:#}\n", described(&state)))
}

fn forget(store: &FolderStore, repositories: &[Gun]) -> Result<(), Failure> {
    let mut missing = None;
    for repository in repositories {
        if store.forget(repository)? {
            terminal::print(&format!("forgot {}\n", repository.as_str()))?;
        } else {
            missing = Some(unknown(repository));
        }
    }
    missing.map_or(Ok(()), Err)
}

fn described(state: &TrustState) -> Value {
    let root: Value = serde_json::from_str(state.root()).unwrap_or_default();
    let versions = state
        .versions()
        .map(|(role, version)| (role.as_str().to_owned(), version.into()));
    json!({
        "repository": state.gun().as_str(),
        "trustServer": state.trust_server(),
        "pinnedAt": state.pinned_at(),
        "rootVersion": state.root_version(),
        "rootKeys": root.pointer("/signed/roles/root/keyids"),
        "rootExpires": root.pointer("/signed/expires"),
        "versions": versions.collect::<serde_json::Map<_, Value>>(),
    })
}

fn unknown(repository: &Gun) -> Failure {
    Failure::new(format!("nothing is pinned of {}", repository.as_str()))
        .with_hint("`cise trust list` shows what is")
}

fn repository(text: &str) -> Result<Gun, cise_reference::ReferenceError> {
    Repository::parse(text).map(|repository| Gun::of(&repository))
}
