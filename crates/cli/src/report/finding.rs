//! What was decided about an image, and where it is named.

use std::fmt;

use cise_admission::{Decision, ImageDecision, ImageReport, ReasonReport};
use cise_manifests::{Place, Workload};

use super::status::Status;

/// What was decided about one request.
pub(crate) struct Judged<'q> {
    /// The object of a manifest that it is about; nothing if it is about bare images.
    pub(crate) workload: Option<&'q Workload>,
    pub(crate) decision: Decision,
}

/// What was decided about one image of one request.
pub(super) struct Finding<'j> {
    pub(super) report: ImageReport<'j>,
    /// How many of the reasons keep the image from running; the others are tolerated.
    pub(super) refusals: usize,
    pub(super) status: Status,
    pub(super) namespace: &'j str,
    /// The object that names the image, as `Deployment web`.
    pub(super) object: Option<String>,
    pub(super) spots: Vec<Spot>,
}

/// Where an object names an image.
pub(super) struct Spot {
    /// The container or volume, as `init container migrate`.
    pub(super) container: String,
    pub(super) place: Place,
}

impl Judged<'_> {
    pub(super) fn findings(&self) -> impl Iterator<Item = Finding<'_>> {
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
    pub(super) fn refusals(&self) -> &[ReasonReport] {
        self.report.reasons.get(..self.refusals).unwrap_or_default()
    }

    /// What speaks against the image, although a policy admits it all the same.
    pub(super) fn tolerated(&self) -> &[ReasonReport] {
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
