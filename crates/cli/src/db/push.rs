//! `cise db push`.

use std::path::PathBuf;

use cise_advisor::database::artifact::{self, Push, Pushed, Signer, Transfer};
use cise_reference::{Reference, Tag};
use cise_registry::{Caller, Deadline};
use clap::Args;

use super::carrying;
use crate::args::ConfigArg;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::{terminal, wiring};

#[derive(Args, Debug)]
#[command(long_about = "Push a database to a registry\n\n\
        Each part of the database is a layer of an artifact, so that only those that changed are carried, here and when it is \
        pulled. It is signed as `cosign sign --key` does; a signature of that tool will do as well. Without a signature it can be \
        pulled by its digest only.")]
pub(super) struct PushArgs {
    /// Where to push it: a repository, with a tag unless it is `latest`
    image: String,
    /// The advisory database
    #[arg(long, value_name = "FILE", env = "CISE_DB")]
    db: PathBuf,
    /// The private key that signs it: ECDSA on P-256 in PEM
    #[arg(long, value_name = "FILE")]
    sign_key: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigArg,
}

pub(super) fn run(args: &PushArgs) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let reference = Reference::parse(&args.image)?;
    let pushed = runtime.block_on(push(args, &reference))?;
    if args.sign_key.is_none() {
        terminal::tell(
            "hint: it is not signed: pull it by this digest, or sign it with --sign-key or `cosign sign --key`",
        );
    }
    terminal::print(&format!(
        "pushed {}@{}: database {}, {}\n",
        reference.repository(),
        pushed.digest,
        pushed.database,
        carrying::carried(pushed.carried)
    ))
}

async fn push(args: &PushArgs, reference: &Reference) -> Result<Pushed, Failure> {
    if reference.digest().is_some() {
        return Err(Failure::new(format!(
            "{}: what is pushed has a digest of its own; name a tag",
            args.image
        )));
    }
    let tag = reference
        .tag()
        .cloned()
        .map_or_else(|| Tag::parse("latest"), Ok)?;
    let configuration = args.config.read()?;
    let registry = wiring::registry(&configuration);
    let signer = args.signer()?;
    let job = Push {
        database: &args.db,
        registry: &registry,
        repository: reference.repository(),
        tag: &tag,
        signer: signer.as_ref(),
        caller: &Caller {
            keyring: &configuration.admission.pull_credentials,
            namespace: "",
            deadline: Deadline::after(carrying::PATIENCE),
        },
    };
    let progress = Progress::start();
    let mut show =
        |transfer: Transfer<'_>| progress.show(|| carrying::carrying("pushing", transfer));
    artifact::push(&job, &mut show).await.map_err(|error| {
        let hint = error.hint();
        Failure::from(error).with_any_hint(hint)
    })
}

impl PushArgs {
    fn signer(&self) -> Result<Option<Signer>, Failure> {
        let Some(path) = &self.sign_key else {
            return Ok(None);
        };
        let signer = Signer::from_pem(&carrying::key(path)?);
        let signer =
            signer.map_err(|error| Failure::from(error).about(&path.display().to_string()));
        signer.map(Some)
    }
}
