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
use jiff::Timestamp;

use crate::args::{ConfigArg, DbArg};
use crate::failure::Failure;
use crate::progress::Progress;
use crate::{terminal, wiring};
use sample::{Asking, Sample};

/// How long one image may take: an image of many gigabytes from a slow registry.
const PATIENCE: Duration = Duration::from_secs(3600);

#[derive(Args, Debug)]
#[command(
    long_about = "Tell what is vulnerable in images, and what to do about it\n\n\
        The same advisor judges as in `cise serve` and `cise check`. An image is named as a pod would, or is a layout on disk: `oci:DIR`, \
        `oci:DIR:TAG` or `oci-archive:FILE`, as build tools write it.",
    after_help = "\
Examples:
  cise va --db advisories.db registry.example.com/team/app:v1
  cise va --db advisories.db -e -o json oci:build/image
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
    #[command(flatten)]
    config: ConfigArg,
    #[command(flatten)]
    db: DbArg,
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
    let outcomes = assessed?;
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
    let samples = args.samples()?;
    let configuration = args.config.read()?;
    let rules = configuration.admission.rules.clone();
    let exemptions = args.exemptions()?;
    let keyring = configuration.admission.pull_credentials.clone();
    let registry: Registry = wiring::registry(&configuration);
    let advisor = wiring::advisor(&configuration, registry.clone(), args.db.path())?;
    let asking = Asking {
        advisor: &advisor,
        registry: &registry,
        keyring: &keyring,
        exemptions: &exemptions,
        namespace: args.namespace.as_ref(),
        rules: &rules,
        patience: PATIENCE,
    };
    let mut outcomes = Vec::new();
    for (image, sample) in samples {
        args.announce(image)?;
        let mut progress = Progress::start();
        progress.show(|| format!("looking at {image}"));
        let assessed = sample.assess(&asking).await;
        drop(progress);
        let outcome = Outcome::new(image, assessed, &rules);
        args.show(&outcome)?;
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

impl VaArgs {
    /// The images, all of which are understood before any is looked at.
    fn samples(&self) -> Result<Vec<(&str, Sample)>, Failure> {
        let parse = |image: &String| Sample::parse(image);
        let samples = self.images.iter().map(parse);
        let samples = samples.collect::<Result<Vec<_>, _>>()?;
        Ok(self
            .images
            .iter()
            .map(String::as_str)
            .zip(samples)
            .collect())
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
    fn new(
        image: &str,
        assessed: Result<(Digest, Arc<Assessment>), Failure>,
        rules: &Rules,
    ) -> Self {
        match assessed {
            Ok((digest, assessment)) => Self {
                report: ImageReport::new(image, Some(digest.as_str()), &assessment),
                verdict: Verdict::of(&assessment, rules),
            },
            Err(failure) => {
                let unscanned = Assessment::unscanned(Timestamp::now());
                let mut report = ImageReport::new(image, None, &unscanned);
                report.report.gaps.push(Remark {
                    message: failure.message().to_owned(),
                    facts: serde_json::Map::new(),
                });
                terminal::tell(&failure.text());
                Self {
                    report,
                    verdict: Verdict::Undecided,
                }
            }
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

fn namespace(text: &str) -> Result<Namespace, cise_policy::NameError> {
    Namespace::parse(text)
}
