//! `cise db pull`.

use std::path::PathBuf;

use cise_advisor::database::artifact::{
    self, ArtifactError, Precedent, PublicKey, Pull, Pulled, Transfer, Trust,
};
use cise_advisor::database::build::Outcome;
use cise_reference::Reference;
use cise_registry::{ByteCount, Caller, Deadline};
use clap::Args;

use super::carrying;
use crate::args::ConfigArg;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::{terminal, wiring};

#[derive(Args, Debug)]
#[command(long_about = "Pull a database from a registry\n\n\
        It has to be signed by a key that is named, or be named by its digest. The file appears whole or not at all, and whoever \
        has the old one open keeps it. A database that is older than the one in place, or that has lost over a tenth of the \
        advisories of a release, is refused; so is any other one in place of a file that cannot be read any more.")]
pub(super) struct PullArgs {
    /// The database: a repository, with a tag unless it is `latest`, or with a digest
    image: String,
    /// The file to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// The public key whose signature it has to have: ECDSA on P-256 in PEM
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Replace the database in place even by one that is older or has lost advisories, or whatever else is there
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    config: ConfigArg,
}

pub(super) fn run(args: &PullArgs) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let pulled = runtime.block_on(pull(args))?;
    terminal::print(&format!(
        "{} {}: {} feeds, {}, digest {}, {}\n",
        match pulled.outcome {
            Outcome::Written => "wrote",
            Outcome::Unchanged => "unchanged:",
        },
        args.output.display(),
        pulled.manifest.feeds().count(),
        ByteCount(pulled.bytes),
        pulled.database,
        carrying::carried(pulled.carried)
    ))
}

async fn pull(args: &PullArgs) -> Result<Pulled, Failure> {
    let reference = Reference::parse(&args.image)?;
    let trust = Trust::of(&reference, args.key()?).map_err(|error| {
        Failure::from(error).about(&args.image).with_hint(
            "name the key that has signed it with --key, or its digest as in IMAGE@sha256:…, which `cise db push` prints",
        )
    })?;
    let configuration = args.config.read()?;
    let registry = wiring::registry(&configuration);
    let job = Pull {
        registry: &registry,
        repository: reference.repository(),
        trust: &trust,
        output: &args.output,
        precedent: args.precedent(),
        in_use: None,
        caller: &Caller {
            keyring: &configuration.admission.pull_credentials,
            namespace: "",
            deadline: Deadline::after(carrying::PATIENCE),
        },
    };
    let progress = Progress::start();
    let mut show =
        |transfer: Transfer<'_>| progress.show(|| carrying::carrying("pulling", transfer));
    artifact::pull(&job, &mut show).await.map_err(|error| {
        let may_be_forced = matches!(
            error,
            ArtifactError::SetBack(_)
                | ArtifactError::InPlace(_)
                | ArtifactError::DamagedInPlace { .. }
        );
        let forced = may_be_forced.then_some("if it is meant, --force replaces it");
        let hint = forced.or_else(|| error.hint());
        Failure::from(error).with_any_hint(hint)
    })
}

impl PullArgs {
    fn key(&self) -> Result<Option<PublicKey>, Failure> {
        let Some(path) = &self.key else {
            return Ok(None);
        };
        let key = PublicKey::from_pem(&carrying::key(path)?);
        let key = key.map_err(|error| Failure::from(error).about(&path.display().to_string()));
        key.map(Some)
    }

    fn precedent(&self) -> Precedent {
        if self.force {
            Precedent::Overruled
        } else {
            Precedent::Respected
        }
    }
}
