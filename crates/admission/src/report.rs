//! What programs are told about an image.

use cise_reference::Digest;
use serde::Serialize;

use crate::messages;
use crate::verdict::{Complaint, Decision, Evidence, ImageDecision};

/// One image of a request, as `cise check -o json` prints it.
#[derive(Clone, Debug, Serialize)]
pub struct ImageReport<'a> {
    /// The image as written.
    pub image: &'a str,
    /// Whether it may run.
    pub allowed: bool,
    /// The digest that was verified, if one was.
    pub digest: Option<&'a str>,
    /// The policies whose entries apply.
    pub policy: Option<String>,
    /// The patterns of those entries.
    pub pattern: Option<String>,
    /// Why it may not run, or what an entry tolerates.
    pub reasons: Vec<ReasonReport>,
    /// What was found to hold.
    pub evidence: &'a [Evidence],
}

/// One reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReasonReport {
    /// The reason in kebab case; stable.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What was found.
    pub found: String,
    /// What to do about it.
    pub remedy: String,
}

impl Decision {
    /// What was decided about each image, in the order in which the object names them.
    pub fn reports(&self) -> impl Iterator<Item = ImageReport<'_>> {
        self.images.iter().map(|image| self.report(image))
    }

    /// What was decided about one of these images.
    pub fn report<'a>(&'a self, image: &'a ImageDecision) -> ImageReport<'a> {
        ImageReport {
            image: &image.image,
            allowed: image.is_admitted(),
            digest: image.digest().map(Digest::as_str),
            policy: joined(image.applied.iter().map(|entry| entry.policy.as_str())),
            pattern: joined(image.applied.iter().map(|entry| entry.pattern.as_str())),
            reasons: image
                .complaints()
                .iter()
                .chain(&image.tolerated)
                .map(|one| self.reason(image, one))
                .collect(),
            evidence: &image.evidence,
        }
    }

    fn reason(&self, image: &ImageDecision, complaint: &Complaint) -> ReasonReport {
        let (reason, about) = (&complaint.reason, self.about(image));
        ReasonReport {
            code: reason.code(),
            message: messages::headline(reason, about),
            found: messages::found(reason, about),
            remedy: messages::remedy(reason, about),
        }
    }
}

/// Several entries apply only where they tie.
fn joined<'a>(texts: impl Iterator<Item = &'a str>) -> Option<String> {
    let texts: Vec<&str> = texts.collect();
    (!texts.is_empty()).then(|| texts.join(", "))
}
