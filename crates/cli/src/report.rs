//! Results, for people and for machines.

mod json;
mod junit;
mod sarif;
mod text;

use std::fmt;

use cise_admission::{Decision, ImageDecision, ImageReport, ReasonReport};
use cise_manifests::{Place, Workload};
use clap::ValueEnum;

use crate::check::Status;
use crate::terminal::Style;

/// How results are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// An array with an object for each image
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// The XML of test reports, for build servers
    Junit,
}

/// What was decided about one request.
pub(crate) struct Judged<'q> {
    /// The object of a manifest that it is about; nothing if it is about bare images.
    pub(crate) workload: Option<&'q Workload>,
    pub(crate) decision: Decision,
}

/// What was decided about one image of one request.
struct Finding<'j> {
    report: ImageReport<'j>,
    /// How many of the reasons keep the image from running; the others are tolerated.
    refusals: usize,
    status: Status,
    namespace: &'j str,
    /// The object that names the image, as `Deployment web`.
    object: Option<String>,
    spots: Vec<Spot>,
}

/// Where an object names an image.
struct Spot {
    /// The container or volume, as `init container migrate`.
    container: String,
    place: Place,
}

impl Format {
    /// The results as they are written to standard output.
    pub(crate) fn render(self, judged: &[Judged<'_>]) -> String {
        let findings: Vec<Finding<'_>> = judged.iter().flat_map(Judged::findings).collect();
        match self {
            Self::Text => text::render(&findings, Style::of(&std::io::stdout())),
            Self::Json => json::render(&findings),
            Self::Sarif => sarif::render(&findings),
            Self::Junit => junit::render(&findings),
        }
    }
}

impl Judged<'_> {
    fn findings(&self) -> impl Iterator<Item = Finding<'_>> {
        self.decision.images.iter().map(|image| Finding {
            report: self.decision.report(image),
            refusals: image.complaints().len(),
            status: Status::of_image(image),
            namespace: &self.decision.namespace,
            object: self
                .workload
                .map(|workload| format!("{} {}", workload.kind().as_str(), workload.name())),
            spots: self
                .workload
                .map_or_else(Vec::new, |workload| spots(workload, image)),
        })
    }
}

impl Finding<'_> {
    /// Why the image may not run.
    fn refusals(&self) -> &[ReasonReport] {
        self.report.reasons.get(..self.refusals).unwrap_or_default()
    }

    /// What speaks against the image, although a policy admits it all the same.
    fn tolerated(&self) -> &[ReasonReport] {
        self.report.reasons.get(self.refusals..).unwrap_or_default()
    }
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.place, self.container)
    }
}

fn spots(workload: &Workload, image: &ImageDecision) -> Vec<Spot> {
    let spot = |place: &cise_admission::Place| Spot {
        container: format!("{} {}", place.list.element(), place.name),
        place: workload.place_of(&place.pointer(workload.kind())),
    };
    image.places.iter().map(spot).collect()
}
