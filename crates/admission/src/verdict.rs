//! What was decided: one verdict per image, one decision per request.

use cise_advisor::assessment::{Assessment, Status};
use cise_policy::{Entry, Mode, Origin};
use cise_reference::{Digest, Repository, Tag};
use jiff::Timestamp;
use serde::Serialize;

use crate::admitted::Admitted;
use crate::image_at::{ImageAt, List};
use crate::kind::Kind;
use crate::messages::sentences;
use crate::reason::Reason;
use crate::text::shown;

/// How much of a container's name is kept. The API server accepts 63 characters.
const MAX_NAME: usize = 80;

/// What was decided about a request.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The kind of the object.
    pub kind: Kind,
    /// The namespace of the object.
    pub namespace: String,
    /// What a refused image means for the request.
    pub enforcement: Enforcement,
    /// One verdict per distinct image of the request.
    pub images: Vec<ImageDecision>,
}

/// What a refused image means for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enforcement {
    /// The request is denied.
    Refuse,
    /// The request is admitted with a warning, because pods will be judged for themselves.
    Warn,
    /// Nothing: nobody looks at its images.
    Ignore,
}

/// What was decided about one image, and on what grounds.
#[derive(Clone, Debug)]
pub struct ImageDecision {
    /// The image as written, bounded; no valid reference is cut.
    pub image: String,
    /// Where the object names it.
    pub places: Vec<Place>,
    /// The entries that apply to it; several if they tie.
    pub applied: Vec<AppliedEntry>,
    /// Whether it may run, and why.
    pub verdict: Verdict,
    /// What was found to hold.
    pub evidence: Vec<Evidence>,
    /// What does not hold, although the entry that demands it admits the image all the same.
    pub tolerated: Vec<Complaint>,
}

/// A place of an object that names an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The list of the pod specification.
    pub list: List,
    /// Position in that list.
    pub index: usize,
    /// Name of the container or volume.
    pub name: String,
}

/// An entry that applies to an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedEntry {
    /// The policy that it is in, as `ImagePolicy team/web`.
    pub policy: String,
    /// Its pattern as written.
    pub pattern: String,
    /// What it does with images that do not meet it.
    pub mode: Mode,
}

/// Whether an image may run.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// It may.
    Admitted(Admission),
    /// It may not, for at least one reason.
    Refused(Vec<Complaint>),
}

/// Why an image may run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// The object had it already, at the same place.
    Unchanged,
    /// A node reports that it runs it already.
    Mirrored,
    /// An entry admits it without any requirement.
    Unconditional,
    /// It meets what is required of it, or what it fails is tolerated.
    Conditional {
        /// The digest that met the requirements, if one is known.
        digest: Option<Digest>,
        /// How what runs is tied to that digest.
        pin: Pin,
    },
}

/// How what runs is tied to the digest that was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pin {
    /// The image names the digest.
    Named,
    /// The image is replaced by this one, which names the digest.
    Replaced(String),
    /// Not at all, as the policy wants it: the tag may have moved when it is pulled.
    Loose,
    /// Not by this answer: another pass pins, or the pods that the object makes will be pinned.
    Elsewhere,
}

/// What was found to hold, and who vouches for it.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Evidence {
    /// A signature.
    Signature(cise_signature::Evidence),
    /// The registry's word for what a tag points to.
    Resolution(TagResolution),
    /// The Vulnerability Advisor's word that the image may run.
    Assessment(AssessmentEvidence),
}

/// What the Vulnerability Advisor said of an image that it admits.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename = "assessment", rename_all = "camelCase")]
pub struct AssessmentEvidence {
    #[serde(serialize_with = "as_text")]
    digest: Digest,
    status: Status,
    assessed_at: Timestamp,
    exempted_issues: usize,
    /// Until when it is admitted for having been admitted before, although it has issues.
    #[serde(skip_serializing_if = "Option::is_none")]
    already_admitted_until: Option<Timestamp>,
    warnings: Vec<String>,
    #[serde(skip)]
    to_record: Vec<Admitted>,
}

/// The digest that a registry gives a tag.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename = "tagResolution", rename_all = "camelCase")]
pub struct TagResolution {
    repository: String,
    tag: String,
    #[serde(serialize_with = "as_text")]
    digest: Digest,
}

/// A reason, and the entry that gives rise to it.
#[derive(Clone, Debug)]
pub struct Complaint {
    /// Position in [`ImageDecision::applied`], if an entry gives rise to it.
    pub entry: Option<usize>,
    /// The reason.
    pub reason: Reason,
}

impl Decision {
    /// Whether the request is admitted.
    pub fn is_allowed(&self) -> bool {
        self.enforcement != Enforcement::Refuse
            || self.images.iter().all(ImageDecision::is_admitted)
    }

    /// What the Vulnerability Advisor let pass, as far as it is to be remembered.
    pub(crate) fn to_record(&self) -> Vec<Admitted> {
        let evidence = self.images.iter().flat_map(|image| &image.evidence);
        let mut all = Vec::new();
        for one in evidence
            .filter_map(Evidence::assessment)
            .flat_map(AssessmentEvidence::to_record)
        {
            if !all.contains(one) {
                all.push(one.clone());
            }
        }
        all
    }
}

impl ImageDecision {
    /// Whether the image may run.
    pub fn is_admitted(&self) -> bool {
        matches!(self.verdict, Verdict::Admitted(_))
    }

    /// The digest that was verified, if one was.
    pub fn digest(&self) -> Option<&Digest> {
        match &self.verdict {
            Verdict::Admitted(Admission::Conditional { digest, .. }) => digest.as_ref(),
            _ => None,
        }
    }

    /// The entries that give rise to a complaint: one, or all that apply.
    pub(crate) fn entries_of(&self, complaint: &Complaint) -> &[AppliedEntry] {
        match complaint.entry {
            Some(index) => self.applied.get(index..=index).unwrap_or_default(),
            None => &self.applied,
        }
    }

    /// Why the image may not run; empty if it may.
    pub fn complaints(&self) -> &[Complaint] {
        match &self.verdict {
            Verdict::Admitted(_) => &[],
            Verdict::Refused(complaints) => complaints,
        }
    }
}

impl Evidence {
    pub(crate) fn resolution(repository: &Repository, tag: &Tag, digest: Digest) -> Self {
        Self::Resolution(TagResolution {
            repository: repository.to_string(),
            tag: tag.to_string(),
            digest,
        })
    }

    /// The digest that it speaks for.
    pub fn digest(&self) -> &Digest {
        match self {
            Self::Signature(evidence) => evidence.digest(),
            Self::Resolution(resolution) => &resolution.digest,
            Self::Assessment(assessment) => &assessment.digest,
        }
    }

    /// What the Vulnerability Advisor said, if it is that.
    pub(crate) fn assessment(&self) -> Option<&AssessmentEvidence> {
        match self {
            Self::Assessment(assessment) => Some(assessment),
            Self::Signature(_) | Self::Resolution(_) => None,
        }
    }

    /// What whoever reads a log should know of it, in kebab case: that it does not hold by itself.
    pub fn code(&self) -> Option<&'static str> {
        let until = self.assessment()?.already_admitted_until;
        until.map(|_| "already-admitted")
    }

    /// Whether it says that this tag belongs to this digest.
    pub(crate) fn binds(&self, tag: &Tag, digest: &Digest) -> bool {
        let named = match self {
            Self::Signature(cise_signature::Evidence::ContentTrust { target, .. }) => &**target,
            // Other kinds of signatures are about digests, and the advisor speaks of what it is shown.
            Self::Signature(_) | Self::Assessment(_) => return false,
            Self::Resolution(resolution) => resolution.tag.as_str(),
        };
        named == tag.as_str() && self.digest() == digest
    }
}

impl AssessmentEvidence {
    pub(crate) fn new(digest: &Digest, assessment: &Assessment) -> Self {
        Self {
            digest: digest.clone(),
            status: assessment.status,
            assessed_at: assessment.assessed_at,
            exempted_issues: assessment
                .issues
                .iter()
                .filter(|issue| issue.is_exempt())
                .count(),
            already_admitted_until: None,
            to_record: Vec::new(),
            warnings: assessment
                .warnings
                .iter()
                .map(ToString::to_string)
                .collect(),
        }
    }

    /// That of an image with issues, which is admitted until then for having been admitted before.
    pub(crate) fn already_admitted(
        digest: &Digest,
        assessment: &Assessment,
        until: Timestamp,
    ) -> Self {
        let mut evidence = Self::new(digest, assessment);
        evidence.already_admitted_until = Some(until);
        let told = sentences::already_admitted(assessment, until);
        evidence.warnings.insert(0, told);
        evidence
    }

    /// The same, with what is to be recorded once the image is admitted.
    pub(crate) fn recording(mut self, admitted: Option<Admitted>) -> Self {
        self.to_record.extend(admitted);
        self
    }

    /// The same image by other rules as well: the worse of both is told.
    pub(crate) fn and(mut self, other: Self) -> Self {
        let to_record = std::mem::take(&mut self.to_record);
        let (mut worse, milder) = if other.status >= self.status {
            (other, self)
        } else {
            (self, other)
        };
        worse.to_record.extend(to_record);
        let told = milder.warnings.into_iter();
        let untold: Vec<_> = told.filter(|one| !worse.warnings.contains(one)).collect();
        worse.warnings.extend(untold);
        worse.already_admitted_until = worse
            .already_admitted_until
            .into_iter()
            .chain(milder.already_admitted_until)
            .min();
        worse
    }

    /// Until when it is admitted for having been admitted before, if it is for that.
    pub fn already_admitted_until(&self) -> Option<Timestamp> {
        self.already_admitted_until
    }

    pub(crate) fn to_record(&self) -> &[Admitted] {
        &self.to_record
    }

    /// The status.
    pub fn status(&self) -> Status {
        self.status
    }

    /// What whoever is told of the status should know too, a sentence each.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

impl Complaint {
    /// A reason that no single entry gives rise to.
    pub(crate) fn about_image(reason: Reason) -> Self {
        Self {
            entry: None,
            reason,
        }
    }
}

impl From<&ImageAt<'_>> for Place {
    fn from(image: &ImageAt<'_>) -> Self {
        Self {
            list: image.list,
            index: image.index,
            name: shown(&image.name, MAX_NAME).to_string(),
        }
    }
}

impl Place {
    /// The JSON pointer (RFC 6901) of the image inside an object of this kind.
    ///
    /// It consists of known names and numbers, so nothing in it needs to be escaped.
    pub fn pointer(&self, kind: Kind) -> String {
        let list = self.list;
        format!(
            "{}/{}/{}{}",
            kind.pod_spec_pointer(),
            list.as_str(),
            self.index,
            list.image_pointer()
        )
    }
}

impl AppliedEntry {
    pub(crate) fn new(policy: &Origin, entry: &Entry) -> Self {
        Self {
            policy: policy.to_string(),
            pattern: entry.pattern.as_written().to_owned(),
            mode: entry.mode,
        }
    }
}

fn as_text<T: std::fmt::Display, S: serde::Serializer>(
    value: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}
