//! `cise check`: what the webhook would decide, told beforehand.

mod question;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use cise_admission::{Engine, Hook, Settings, Workloads};
use cise_manifests::ManifestSource;
use cise_policy::{NameError, Namespace};
use cise_registry::Deadline;
use clap::{ArgGroup, Args};
use futures::{StreamExt, stream};
use jiff::Timestamp;

use crate::args::JudgingArgs;
use crate::failure::Failure;
use crate::report::{Format, Judged, Status};
use crate::wiring::{self, Peers, Sources};
use crate::{store, terminal};
use question::Question;

/// How long the decision about one object may take: the longest that a webhook may have.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many objects are judged at the same time.
const SIDE_BY_SIDE: usize = 8;

#[derive(Args, Debug)]
#[command(
    group = ArgGroup::new("subject").args(["images", "manifests"]).required(true).multiple(true),
    long_about = "Tell whether images or manifests would be admitted, and why not\n\n\
        The same engine decides as in `cise serve`. Images are judged as those of a pod in the namespace. Of manifests, everything \
        that runs images is judged: pods and the templates of workloads; the rest is passed over. Roots of trust are checked \
        against the pins in --state, and pinned there; without it, nothing is pinned, and each first root is believed.",
    after_help = "\
Examples:
  cise check --policies policies/ nginx registry.example.com/team/app:v1
  cise check --policies policies/ -n team -f deploy/ -o sarif > cise.sarif
  helm template chart/ | cise check --policies policies/ -n team -f -

Exit status: 0 all images would be admitted, 1 an image would be refused, 2 something could not be
decided (bad input, or a server that did not answer)."
)]
pub(crate) struct CheckArgs {
    /// Images, as a pod would name them
    #[arg(value_name = "IMAGE")]
    images: Vec<String>,
    /// Manifests: a file, a folder, or - for standard input
    #[arg(short = 'f', long = "filename", value_name = "PATH")]
    manifests: Vec<PathBuf>,
    /// Manifests of policies, and of the secrets and service accounts that they need
    #[arg(long, value_name = "PATH", env = "CISE_POLICIES")]
    policies: Vec<PathBuf>,
    /// The namespace of images, and of objects that name none
    #[arg(short, long, default_value = "default", value_parser = namespace)]
    namespace: Namespace,
    #[command(flatten)]
    judging: JudgingArgs,
    /// The folder in which roots of trust are pinned
    #[arg(long, value_name = "DIR", env = "CISE_STATE")]
    state: Option<PathBuf>,
    /// How results are shown
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,
}

/// Judges, prints, and says with the exit status how it went.
pub(crate) fn run(args: &CheckArgs) -> Result<ExitCode, Failure> {
    question::refuse_layouts(&args.images)?;
    if args.output == Format::Text {
        question::refuse_malformed(&args.images)?;
    }
    let questions = Question::all(&args.images, &args.manifests, args.namespace.as_str())?;
    let engine = engine(args)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let judged = runtime.block_on(judge(&engine, &questions, args));
    // A verification that did not end in time is of no use to anybody any more.
    runtime.shutdown_background();
    let judged = judged?;
    terminal::print(&args.output.render(&judged))?;
    if args.policies.is_empty() {
        terminal::tell(
            "hint: no policies were given, so nothing is admitted; name files or folders with --policies",
        );
    }
    let images = judged.iter().flat_map(|one| &one.decision.images);
    Ok(Status::of(images).into())
}

fn engine(args: &CheckArgs) -> Result<Engine, Failure> {
    let configuration = args.judging.read()?;
    let source = Arc::new(ManifestSource::open(
        args.policies.clone(),
        args.namespace.as_str(),
    )?);
    let sources = Sources {
        policies: Arc::clone(&source) as _,
        exemptions: Arc::clone(&source) as _,
        secrets: source,
        trust: store::open(args.state.as_deref(), configuration.trusted_repositories)?,
        // What advisories say is told, not what is forgiven for a while.
        admitted: None,
    };
    // Whoever asks about a workload wants to know what will become of its pods, whatever the cluster does about workloads.
    let admission = Settings {
        workloads: Workloads::Enforce,
        ..configuration.admission.clone()
    };
    let peers = Peers::of(&configuration, args.judging.database())?;
    Ok(wiring::engine(&configuration, admission, sources, peers))
}

async fn judge<'q>(
    engine: &Engine,
    questions: &'q [Question],
    args: &CheckArgs,
) -> Result<Vec<Judged<'q>>, Failure> {
    let judging = questions.iter().map(|question| async move {
        let request = question.request(args.namespace.as_str())?;
        let request = if args.state.is_some() {
            request.with_side_effects()
        } else {
            request
        };
        let deadline = Deadline::after(PATIENCE);
        let decision = engine
            .judge(Hook::Admit, &request, Timestamp::now(), deadline)
            .await;
        Ok(Judged {
            workload: question.workload(),
            decision,
        })
    });
    let judged: Vec<Result<Judged<'q>, Failure>> =
        stream::iter(judging).buffered(SIDE_BY_SIDE).collect().await;
    judged.into_iter().collect()
}

fn namespace(text: &str) -> Result<Namespace, NameError> {
    Namespace::parse(text)
}
