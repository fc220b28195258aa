//! `cise trust`: the roots of trust that are pinned.

mod pins;

use std::fmt::Write as _;

use cise_policy::{TrustServer, TrustServerError};
use cise_reference::Repository;
use cise_signature::store::TrustState;
use cise_signature::{Gun, PinKey};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::terminal;
use pins::{Pins, PlaceArgs};

#[derive(Args, Debug)]
#[command(
    arg_required_else_help = true,
    long_about = "List, show or forget the roots of trust that are pinned\n\n\
        The first root of trust that a repository's trust server shows is pinned, and from then on only a successor of it is \
        accepted. Where a repository was set up anew on purpose, forget its pin: the next root that is seen will be pinned. \
        Policies that name a trust server of their own have pins of their own, which `--trust-server` names.\n\n\
        Pins are in ConfigMaps of CISE's namespace in a cluster, or in the folder of `cise serve --state`. Whoever looks needs to `list` \
        and `get` ConfigMaps of that namespace, and to `delete` those that are to be forgotten.",
    after_help = "\
Examples:
  cise trust list
  cise trust forget registry.example.com/team/app
  cise trust show --namespace security registry.example.com/team/app
  cise trust list --state /var/lib/cise
  cise trust forget --state /var/lib/cise --trust-server https://notary.example.com registry.example.com/team/app"
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
        place: PlaceArgs,
    },
    /// Show what is pinned of a repository, in JSON
    Show {
        #[command(flatten)]
        place: PlaceArgs,
        #[command(flatten)]
        server: ServerArg,
        /// The repository, as in an image's name
        #[arg(value_parser = repository)]
        repository: Gun,
    },
    /// Forget what is pinned of repositories
    Forget {
        #[command(flatten)]
        place: PlaceArgs,
        #[command(flatten)]
        server: ServerArg,
        /// The repositories, as in an image's name
        #[arg(required = true, value_name = "REPOSITORY", value_parser = repository)]
        repositories: Vec<Gun>,
    },
}

#[derive(Args, Debug)]
struct ServerArg {
    /// The pin of the policies that name this trust server, and not the one that all others share
    #[arg(long = "trust-server", value_name = "URL", value_parser = trust_server)]
    named: Option<TrustServer>,
}

pub(crate) fn run(args: &TrustArgs) -> Result<(), Failure> {
    match &args.command {
        TrustCommand::List { place } => list(&place.open()?),
        TrustCommand::Show {
            place,
            server,
            repository,
        } => show(&place.open()?, &server.pin(repository)),
        TrustCommand::Forget {
            place,
            server,
            repositories,
        } => {
            let pins = repositories.iter().map(|repository| server.pin(repository));
            forget(&place.open()?, pins)
        }
    }
}

impl ServerArg {
    fn pin(&self, repository: &Gun) -> PinKey {
        match &self.named {
            None => PinKey::shared(repository.clone()),
            Some(server) => PinKey::of_policies_that_name(server.clone(), repository.clone()),
        }
    }
}

fn list(place: &Pins) -> Result<(), Failure> {
    let mut table = String::new();
    let mut damaged = None;
    for record in place.list()? {
        match record {
            Ok(state) => {
                // Writing to a string cannot fail.
                let _ = writeln!(
                    table,
                    "{}  root {}, pinned {}, from {}{}",
                    state.gun(),
                    state.root_version(),
                    state.pinned_at().strftime("%F"),
                    state.trust_server(),
                    match state.pin().named() {
                        None => "",
                        Some(_) => ", for policies that name it",
                    }
                );
            }
            Err(error) => damaged = Some(Failure::from(error)),
        }
    }
    terminal::print(&table)?;
    damaged.map_or(Ok(()), Err)
}

fn show(place: &Pins, pin: &PinKey) -> Result<(), Failure> {
    let state = place.show(pin)?.ok_or_else(|| unknown(pin))?;
    terminal::print(&format!("{:#}\n", described(&state)))
}

fn forget(place: &Pins, pins: impl Iterator<Item = PinKey>) -> Result<(), Failure> {
    let mut missing = None;
    for pin in pins {
        if place.forget(&pin)? {
            terminal::print(&format!("forgot {pin}\n"))?;
        } else {
            missing = Some(unknown(&pin));
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
        "trustServerChosenBy": match state.pin().named() {
            None => "configuration",
            Some(_) => "policy",
        },
        "pinnedAt": state.pinned_at(),
        "rootVersion": state.root_version(),
        "rootKeys": root.pointer("/signed/roles/root/keyids"),
        "rootExpires": root.pointer("/signed/expires"),
        "versions": versions.collect::<serde_json::Map<_, Value>>(),
    })
}

fn unknown(pin: &PinKey) -> Failure {
    Failure::new(format!("nothing is pinned of {pin}")).with_hint("`cise trust list` shows what is")
}

fn repository(text: &str) -> Result<Gun, cise_reference::ReferenceError> {
    Repository::parse(text).map(|repository| Gun::of(&repository))
}

fn trust_server(text: &str) -> Result<TrustServer, TrustServerError> {
    TrustServer::parse(text)
}
