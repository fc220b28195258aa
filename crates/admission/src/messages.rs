//! What a requester, or whoever reads a report, is told.
//!
//! The first line of a denial is the one that the product's documentation promises, because `kubectl` prints it behind the
//! webhook's name. What follows says which image is meant, what was found, and what to do.

pub(crate) mod sentences;
#[cfg(test)]
mod tests;

use std::fmt::{Display, Write as _};

use cise_policy::Mode;

use crate::request::RequestError;
use crate::review::ReviewError;
use crate::text::shown;
use crate::verdict::{
    Admission, AssessmentEvidence, Complaint, Decision, Enforcement, Evidence, ImageDecision, Pin,
    Place, Verdict,
};

pub(crate) use sentences::{About, FAULT_FOUND, found, headline, remedy};

/// The longest warning, in characters: one line of a terminal, more or less.
pub(crate) const MAX_WARNING: usize = 120;
/// The most warnings in one answer.
pub(crate) const MAX_WARNINGS: usize = 30;
/// How many places of one image are named.
const MAX_PLACES: usize = 20;

/// The message of a denial: every refused image with every reason.
pub(crate) fn denial(decision: &Decision) -> String {
    let blocks = refusals(decision).map(|(image, complaint)| block(decision, image, complaint));
    blocks.collect::<Vec<_>>().join("\n\n")
}

/// The message of a denial of a whole request.
pub(crate) fn refusal(error: &RequestError) -> String {
    three_lines(
        "Deny, the request cannot be judged",
        error,
        "send an object that the API server accepts, or register this webhook only for what it judges",
    )
}

/// The message of a denial of what is no review.
pub(crate) fn unreadable(error: &ReviewError) -> String {
    three_lines(
        "Deny, the request cannot be read",
        error,
        "register this webhook with admissionReviewVersions: [\"v1\"]",
    )
}

/// The message of a denial after a fault of this program.
pub(crate) fn internal() -> String {
    three_lines(sentences::FAULT, &FAULT_FOUND, sentences::FAULT_REMEDY)
}

/// The warnings of an answer, each on one line of at most [`MAX_WARNING`] characters.
pub(crate) fn warnings(decision: &Decision) -> Vec<String> {
    let mut warnings = Vec::new();
    if decision.enforcement == Enforcement::Warn {
        warnings.extend(foreseen(decision));
    }
    warnings.extend(
        decision
            .images
            .iter()
            .flat_map(|image| tolerated(decision, image)),
    );
    warnings.extend(decision.images.iter().flat_map(advised));
    warnings.extend(decision.images.iter().filter_map(loose));
    warnings.extend(decision.images.iter().find_map(mirrored));
    warnings.truncate(MAX_WARNINGS);
    warnings
        .iter()
        .map(|warning| shown(warning, MAX_WARNING).to_string())
        .collect()
}

/// Why no pod will come of a workload that is created all the same.
fn foreseen(decision: &Decision) -> Vec<String> {
    let mut reasons = refusals(decision)
        .map(|(image, complaint)| warning(decision, image, complaint))
        .peekable();
    let first = reasons.peek().map(|_| {
        format!(
            "the pods of this {} will be refused:",
            decision.kind.as_str()
        )
    });
    first.into_iter().chain(reasons).collect()
}

fn tolerated<'a>(decision: &'a Decision, image: &'a ImageDecision) -> impl Iterator<Item = String> {
    let warns = |complaint: &&Complaint| {
        image
            .entries_of(complaint)
            .iter()
            .any(|entry| entry.mode == Mode::Warn)
    };
    image
        .tolerated
        .iter()
        .filter(warns)
        .map(move |complaint| warning(decision, image, complaint))
}

/// What the Vulnerability Advisor says of an image that it admits.
fn advised(image: &ImageDecision) -> impl Iterator<Item = String> {
    let name = image.places.first().map_or("", |place| place.name.as_str());
    let assessments = image.evidence.iter().filter_map(Evidence::assessment);
    let warnings = assessments.flat_map(AssessmentEvidence::warnings);
    warnings.map(move |warning| match name {
        "" => warning.clone(),
        name => format!("{name}: {warning}"),
    })
}

fn loose(image: &ImageDecision) -> Option<String> {
    let conditional = Admission::Conditional {
        digest: Some(image.digest()?.clone()),
        pin: Pin::Loose,
    };
    let Verdict::Admitted(admission) = &image.verdict else {
        return None;
    };
    (*admission == conditional).then(|| sentences::loose(&image.image))
}

fn mirrored(image: &ImageDecision) -> Option<String> {
    let is_mirrored = matches!(image.verdict, Verdict::Admitted(Admission::Mirrored));
    is_mirrored.then(|| sentences::MIRRORED.to_owned())
}

fn refusals(decision: &Decision) -> impl Iterator<Item = (&ImageDecision, &Complaint)> {
    decision
        .images
        .iter()
        .flat_map(|image| image.complaints().iter().map(move |one| (image, one)))
}

/// What is said about one reason of one image, over several lines.
fn block(decision: &Decision, image: &ImageDecision, complaint: &Complaint) -> String {
    let about = decision.about(image);
    let mut block = headline(&complaint.reason, about);
    line(&mut block, "image", &image.image);
    for place in image.places.iter().take(MAX_PLACES) {
        line(&mut block, place.list.element(), &name(place));
    }
    for entry in image.entries_of(complaint) {
        line(
            &mut block,
            "policy",
            &format_args!("{}, entry \"{}\"", entry.policy, entry.pattern),
        );
    }
    line(&mut block, "found", &found(&complaint.reason, about));
    line(&mut block, "to do", &remedy(&complaint.reason, about));
    block
}

pub(crate) fn three_lines(headline: &str, found: &dyn Display, remedy: &str) -> String {
    let mut block = headline.to_owned();
    line(&mut block, "found", found);
    line(&mut block, "to do", &remedy);
    block
}

fn line(block: &mut String, what: &str, text: &dyn Display) {
    // Writing to a string cannot fail.
    let _ = write!(block, "\n{what}: {text}");
}

/// A warning has room for the first sentence of what there is to say.
fn warning(decision: &Decision, image: &ImageDecision, complaint: &Complaint) -> String {
    let headline = headline(&complaint.reason, decision.about(image));
    let sentence = headline
        .split_inclusive(". ")
        .next()
        .unwrap_or_default()
        .trim_end();
    match image.places.first() {
        Some(place) if !place.name.is_empty() => format!("{}: {sentence}", place.name),
        _ => sentence.to_owned(),
    }
}

/// What is judged outside of an object, or was given no name, is told apart by its position.
fn name(place: &Place) -> String {
    if place.name.is_empty() {
        format!("number {}", place.index + 1)
    } else {
        place.name.clone()
    }
}

impl Decision {
    pub(crate) fn about<'a>(&'a self, image: &'a ImageDecision) -> About<'a> {
        About {
            image: &image.image,
            namespace: &self.namespace,
        }
    }
}
