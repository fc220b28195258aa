//! `cise db`: the advisory database.

mod build;
mod carrying;
mod declared;
mod pull;
mod push;
mod status;

use clap::{Args, Subcommand};

use crate::failure::Failure;

pub(crate) use carrying::PATIENCE;

#[derive(Args, Debug)]
#[command(
    arg_required_else_help = true,
    long_about = "Build, carry or look at the advisory database\n\n\
        The Vulnerability Advisor judges images by one file, which is built from exports of osv.dev (an archive for each ecosystem), from \
        folders of OSV records, and from CISA's catalogue of known exploited vulnerabilities: files that you have, or addresses where they \
        are fetched if they changed.",
    after_help = "\
Examples:
  cise db build -o advisories.db osv:Debian osv:Alpine kev end-of-life
  cise db build -o advisories.db Debian.zip Alpine.zip known_exploited_vulnerabilities.json
  cise db push --db advisories.db --sign-key key.pem registry.example.com/team/advisories
  cise db pull -o advisories.db --key key.pub registry.example.com/team/advisories
  cise db status --db advisories.db"
)]
pub(crate) struct DbArgs {
    #[command(subcommand)]
    command: DbCommand,
}

#[derive(Debug, Subcommand)]
enum DbCommand {
    /// Build a database from archives and folders of advisories
    Build(build::BuildArgs),
    /// Push a database to a registry
    Push(push::PushArgs),
    /// Pull a database from a registry
    Pull(pull::PullArgs),
    /// Show what a database has, and how old it is
    Status(status::StatusArgs),
}

pub(crate) fn run(args: &DbArgs) -> Result<(), Failure> {
    match &args.command {
        DbCommand::Build(args) => build::run(args),
        DbCommand::Push(args) => push::run(args),
        DbCommand::Pull(args) => pull::run(args),
        DbCommand::Status(args) => status::run(args),
    }
}
