//! `cise va`: what the Vulnerability Advisor says of images.

mod sample;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use cise_admission::ExemptionSource as _;
use cise_advisor::assessment::{Assessment, Gate, Rules, Status};
use cise_advisor::exemption::Exemptions;
use cise_advisor::report::{ImageReport, Remark, text};
use cise_manifests::ManifestSource;
use cise_policy::Namespace;
use cise_reference::Digest;
use cise_registry::Registry;
use clap::{Args, ValueEnum};
use futures::{StreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};

use crate::args::JudgingArgs;
use crate::failure::Failure;
use crate::progress::Board;
use crate::{terminal, wiring};
use sample::{Asking, Persistence, Sample, Sight};

/// How long one image may take, unless somebody waits longer.
const PATIENCE: Duration = Duration::from_secs(600);

/// How many images are looked at at the same time: as many as the advisor takes on for one namespace.
const SIDE_BY_SIDE: usize = 4;

#[derive(Args, Debug)]
#[command(
    long_about = "Tell what is vulnerable in images, and what to do about it\n\n\
        The same advisor judges as in `cise serve` and `cise check`. An image is named as a pod would, or is a layout on disk: `oci:DIR`, \
        `oci:DIR:TAG` or `oci-archive:FILE`, as build tools write it.",
    after_help = "\
Examples:
  cise va --db advisories.db registry.example.com/team/app:v1
  cise va --db advisories.db -e -o json oci:build/image
  cise va --db advisories.db --cache layers/ --wait=2h registry.example.com/team/large:v1
  cise va --db advisories.db --policies policies/ -n team registry.example.com/team/app:v1    with its exemptions

Exit status: 0 all images would be admitted, 1 an image would be refused, 2 something could not be
decided."
)]
pub(crate) struct VaArgs {
    /// The images
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<String>,
    /// Show each package with its fix, and what does not count
    #[arg(short, long)]
    extended: bool,
    /// Show vulnerabilities only
    #[arg(short, long, conflicts_with = "configuration_issues")]
    vulnerabilities: bool,
    /// Show findings about the configuration only
    #[arg(short, long)]
    configuration_issues: bool,
    /// How results are shown
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,
    /// Manifests of exemptions
    #[arg(long, value_name = "PATH", env = "CISE_POLICIES")]
    policies: Vec<PathBuf>,
    /// The namespace whose exemptions count too
    #[arg(short, long, value_parser = namespace)]
    namespace: Option<Namespace>,
    /// Wait until the images are scanned, at most so long each (as 90s, 20m or 2h), and ask again when too much was under way [default: 1h;
    /// without: 10m, and nothing is asked again]
    #[arg(long, value_name = "TIME", num_args = 0..=1, require_equals = true, default_missing_value = "1h", value_parser = time)]
    wait: Option<Duration>,
    #[command(flatten)]
    judging: JudgingArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// An array with an object for each image
    Json,
}

/// What became of one image.
struct Outcome {
    report: ImageReport,
    verdict: Verdict,
}

/// From good to bad: what could not be decided hides what may have been refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Admitted,
    Refused,
    Undecided,
}

/// Assesses, prints, and says with the exit status how it went.
pub(crate) fn run(args: &VaArgs) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let assessed = runtime.block_on(assess(args));
    runtime.shutdown_background();
    let outcomes = match (assessed, args.output) {
        (Ok(outcomes), _) => outcomes,
        (Err(failure), Format::Text) => return Err(failure),
        (Err(failure), Format::Json) => args.all_unscanned(&failure),
    };
    if args.output == Format::Json {
        let reports: Vec<&ImageReport> = outcomes.iter().map(|outcome| &outcome.report).collect();
        terminal::print(&format!("{}\n", serde_json::to_string_pretty(&reports)?))?;
    }
    let worst = outcomes.iter().map(|outcome| outcome.verdict).max();
    Ok(match worst {
        None | Some(Verdict::Admitted) => ExitCode::SUCCESS,
        Some(Verdict::Refused) => ExitCode::from(1),
        Some(Verdict::Undecided) => ExitCode::from(2),
    })
}

async fn assess(args: &VaArgs) -> Result<Vec<Outcome>, Failure> {
    let samples = args.samples();
    let mut configuration = args.judging.read()?;
    let patience = args.wait.unwrap_or(PATIENCE);
    configuration.advisor.work.flights.longest = patience;
    let rules = configuration.admission.rules.clone();
    let exemptions = args.exemptions()?;
    let keyring = configuration.admission.pull_credentials.clone();
    let registry: Registry = wiring::registry(&configuration);
    let advisor = wiring::advisor(&configuration, registry.clone(), args.judging.database())?;
    let asking = Asking {
        advisor: &advisor,
        registry: &registry,
        keyring: &keyring,
        exemptions: &exemptions,
        namespace: args.namespace.as_ref(),
        rules: &rules,
        patience,
        persistence: match args.wait {
            Some(_) => Persistence::AskAgain,
            None => Persistence::AskOnce,
        },
    };
    let board = Board::new();
    let assessing = samples
        .into_iter()
        .enumerate()
        .map(async |(number, (image, sample))| {
            let sight = Sight {
                board: &board,
                number,
                image,
            };
            let assessed = match sample {
                Ok(sample) => sample.assess(&asking, &sight).await,
                Err(failure) => Err(failure),
            };
            (number, image, assessed)
        });
    let mut assessing = stream::iter(assessing).buffered(SIDE_BY_SIDE);
    let mut outcomes = Vec::new();
    while let Some((number, image, assessed)) = assessing.next().await {
        board.done(number);
        args.announce(image)?;
        outcomes.push(args.tell(image, assessed, &rules)?);
    }
    Ok(outcomes)
}

impl VaArgs {
    /// The images. A name that is none keeps the others from nothing.
    fn samples(&self) -> Vec<(&str, Result<Sample, Failure>)> {
        let samples = self.images.iter();
        samples
            .map(|image| (image.as_str(), Sample::parse(image)))
            .collect()
    }

    /// What became of the images, none of which could be looked at.
    fn all_unscanned(&self, failure: &Failure) -> Vec<Outcome> {
        terminal::tell(&failure.text());
        let samples = self.samples().into_iter();
        samples
            .map(|(image, sample)| {
                Outcome::unscanned(image, sample.as_ref().err().unwrap_or(failure))
            })
            .collect()
    }

    /// Shows what became of an image. Why it could not be looked at is in the report; people read that, and programs have it told to
    /// people beside it.
    fn tell(
        &self,
        image: &str,
        assessed: Result<(Digest, Arc<Assessment>), Failure>,
        rules: &Rules,
    ) -> Result<Outcome, Failure> {
        let (outcome, failure) = match assessed {
            Ok((digest, assessment)) => (Outcome::of(image, &digest, &assessment, rules), None),
            Err(failure) => (Outcome::unscanned(image, &failure), Some(failure)),
        };
        self.show(&outcome)?;
        match (self.output, failure) {
            (Format::Json, Some(failure)) => terminal::tell(&failure.text()),
            (Format::Text, Some(failure)) => {
                if let Some(hint) = failure.hint() {
                    terminal::tell(&hint);
                }
            }
            (_, None) => {}
        }
        Ok(outcome)
    }

    fn exemptions(&self) -> Result<Arc<Exemptions>, Failure> {
        if self.policies.is_empty() {
            return Ok(Arc::default());
        }
        let source = ManifestSource::open(self.policies.clone(), "default")?;
        Ok(source.exemptions())
    }

    fn announce(&self, image: &str) -> Result<(), Failure> {
        match self.output {
            Format::Text => terminal::print(&format!("{}\n\n", text::checking(image))),
            Format::Json => Ok(()),
        }
    }

    fn show(&self, outcome: &Outcome) -> Result<(), Failure> {
        if self.output == Format::Json {
            return Ok(());
        }
        let sections = match (self.vulnerabilities, self.configuration_issues) {
            (true, _) => text::Sections::Vulnerabilities,
            (_, true) => text::Sections::Configuration,
            _ => text::Sections::All,
        };
        let detail = if self.extended {
            text::Detail::Extended
        } else {
            text::Detail::Brief
        };
        terminal::print(&format!(
            "{}\n",
            text::render(&outcome.report, sections, detail)
        ))
    }
}

impl Outcome {
    fn of(image: &str, digest: &Digest, assessment: &Assessment, rules: &Rules) -> Self {
        Self {
            report: ImageReport::new(image, Some(digest.as_str()), assessment),
            verdict: Verdict::of(assessment, rules),
        }
    }

    /// Nobody could look at the image, for this reason.
    fn unscanned(image: &str, failure: &Failure) -> Self {
        let unscanned = Assessment::unscanned(Timestamp::now());
        let mut report = ImageReport::new(image, None, &unscanned);
        report.report.gaps.push(Remark {
            message: failure.message().to_owned(),
            facts: serde_json::Map::new(),
        });
        Self {
            report,
            verdict: Verdict::Undecided,
        }
    }
}

impl Verdict {
    fn of(assessment: &Assessment, rules: &Rules) -> Self {
        match (assessment.gate(rules), assessment.status) {
            (Gate::Admit, _) => Self::Admitted,
            (Gate::Deny(_), Status::Unscanned) => Self::Undecided,
            (Gate::Deny(_), _) => Self::Refused,
        }
    }
}

/// A time as people write it: `90s`, `20m`, `2h`.
fn time(text: &str) -> Result<Duration, String> {
    let time: SignedDuration = text.parse().map_err(|_| "expected a time such as 20m")?;
    Duration::try_from(time).map_err(|_| "a time cannot be negative".to_owned())
}

fn namespace(text: &str) -> Result<Namespace, cise_policy::NameError> {
    Namespace::parse(text)
}
