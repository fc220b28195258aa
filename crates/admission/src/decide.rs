//! The decision: the only place that says that an image may run.
//!
//! Pure: what is known comes in, what follows goes out. What is not known is never in an image's favour.

use std::sync::Arc;

use cise_policy::{Applied, Entry, EntryId, Mode, Origin, Pinning, Policy, Unreadable};
use cise_reference::{Digest, Reference, ReferenceError};

use crate::hook::{Hook, Pass};
use crate::reason::Reason;
use crate::requirement::Requirement;
use crate::text::shown;
use crate::verdict::{
    Admission, AppliedEntry, Complaint, Enforcement, Evidence, ImageDecision, Pin, Place, Verdict,
};

/// How much of an image is kept, in characters: more than the longest valid reference has.
const MAX_IMAGE: usize = 800;

/// What is asked of the decision: by which webhook, and how much a refusal weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Duty {
    pub(crate) hook: Hook,
    pub(crate) enforcement: Enforcement,
}

/// What the policies, and what was found, say about an image.
#[derive(Debug)]
pub(crate) enum Standing<'a> {
    /// The object had it already, at the same place.
    Unchanged,
    /// A node reports that it runs it already.
    Mirrored,
    /// Nothing is named.
    Blank,
    /// What is named is no reference.
    Invalid(ReferenceError),
    /// No policy is in force.
    NoPolicies,
    /// Policies in force cannot be read.
    Unreadable(&'a [Unreadable]),
    /// No entry of these policies matches.
    NoEntryMatches(&'a [Arc<Policy>]),
    /// This program failed on the image.
    Faulted,
    /// Entries match.
    Matched(Matched<'a>),
}

/// An image that entries match.
#[derive(Debug)]
pub(crate) struct Matched<'a> {
    pub(crate) reference: &'a Reference,
    /// The most specific entries, all of which count.
    pub(crate) entries: Vec<MatchedEntry<'a>>,
    pub(crate) binding: TagBinding,
    /// What the registry says the tag points to now, where that was asked.
    pub(crate) resolved: Option<Result<Evidence, Reason>>,
}

/// Whether the entries matched by a tag that stands beside a digest, so that the two have to be proven to belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TagBinding {
    NotNeeded,
    Needed,
}

/// An entry that matches an image, and what was found about its requirements.
#[derive(Debug)]
pub(crate) struct MatchedEntry<'a> {
    pub(crate) id: EntryId,
    pub(crate) policy: &'a Origin,
    pub(crate) entry: &'a Entry,
    pub(crate) findings: Vec<Finding>,
}

/// What was found about one requirement.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) requirement: Requirement,
    pub(crate) result: Result<Evidence, Reason>,
}

/// What follows for one image.
#[derive(Debug)]
pub(crate) struct Judgement {
    pub(crate) verdict: Verdict,
    pub(crate) applied: Vec<AppliedEntry>,
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) tolerated: Vec<Complaint>,
}

impl Duty {
    /// Whether the answer may pin images.
    pub(crate) fn pins(self) -> bool {
        self.hook.pass() == Pass::Mutating && self.enforcement == Enforcement::Refuse
    }

    /// Whether what has to be pinned must be pinned by now.
    fn demands_pins(self) -> bool {
        self.hook.pass() == Pass::Validating && self.enforcement == Enforcement::Refuse
    }
}

/// Decides about one image.
pub(crate) fn decide(standing: Standing<'_>, duty: Duty) -> Judgement {
    match standing {
        Standing::Unchanged => Judgement::admitted(Admission::Unchanged),
        Standing::Mirrored => Judgement::admitted(Admission::Mirrored),
        Standing::Blank => Judgement::refused([Reason::NoImage]),
        Standing::Invalid(error) => Judgement::refused([Reason::InvalidReference(error)]),
        Standing::NoPolicies => Judgement::refused([Reason::NoPolicies]),
        Standing::Unreadable(policies) => {
            Judgement::refused(policies.iter().map(Reason::unreadable))
        }
        Standing::NoEntryMatches(policies) => {
            Judgement::refused([Reason::no_entry_matches(policies)])
        }
        Standing::Faulted => Judgement::refused([Reason::Internal]),
        Standing::Matched(matched) => matched.decide(duty),
    }
}

impl Judgement {
    fn admitted(admission: Admission) -> Self {
        Self {
            verdict: Verdict::Admitted(admission),
            applied: Vec::new(),
            evidence: Vec::new(),
            tolerated: Vec::new(),
        }
    }

    fn refused(reasons: impl IntoIterator<Item = Reason>) -> Self {
        let verdict = Verdict::Refused(reasons.into_iter().map(Complaint::about_image).collect());
        Self {
            verdict,
            applied: Vec::new(),
            evidence: Vec::new(),
            tolerated: Vec::new(),
        }
    }

    /// It, said of this image and its places.
    pub(crate) fn about(self, image: &str, places: Vec<Place>) -> ImageDecision {
        ImageDecision {
            image: shown(image, MAX_IMAGE).to_string(),
            places,
            applied: self.applied,
            verdict: self.verdict,
            evidence: self.evidence,
            tolerated: self.tolerated,
        }
    }
}

impl Matched<'_> {
    /// Whether the registry has to say which digest the tag points to, because nobody else will.
    pub(crate) fn needs_resolution(&self, duty: Duty) -> bool {
        let binds = self.binding == TagBinding::Needed && !self.trust_binds();
        let signed = self
            .entries
            .iter()
            .any(|one| one.is_checked(Requirement::Trust, duty));
        binds || (self.must_pin() && duty.pins() && self.reference.digest().is_none() && !signed)
    }

    fn decide(self, duty: Duty) -> Judgement {
        if self.entries.is_empty() {
            // Whoever says that entries match and gives none is wrong, and must not admit by it.
            return Judgement::refused([Reason::Internal]);
        }
        let applied = self
            .entries
            .iter()
            .map(|one| AppliedEntry::new(one.policy, one.entry))
            .collect();
        if self
            .entries
            .iter()
            .all(|one| one.entry.requirements.is_empty())
        {
            return Judgement {
                applied,
                ..Judgement::admitted(Admission::Unconditional)
            };
        }
        let digest = self.digests().next().cloned();
        let (tolerated, refusing): (Vec<_>, Vec<_>) = self
            .complaints(duty)
            .into_iter()
            .partition(|complaint| self.is_tolerated(complaint));
        let verdict = if refusing.is_empty() {
            let pin = self.pin(duty, digest.as_ref());
            Verdict::Admitted(Admission::Conditional { digest, pin })
        } else {
            Verdict::Refused(refusing)
        };
        Judgement {
            verdict,
            applied,
            evidence: self.into_evidence(),
            tolerated,
        }
    }

    /// Every digest that something speaks for: the image itself first, then what was verified, then the registry.
    fn digests(&self) -> impl Iterator<Item = &Digest> {
        let found = self
            .entries
            .iter()
            .flat_map(|one| &one.findings)
            .map(|finding| &finding.result);
        let evidence = found
            .chain(&self.resolved)
            .filter_map(|result| result.as_ref().ok());
        self.reference
            .digest()
            .into_iter()
            .chain(evidence.map(Evidence::digest))
    }

    fn complaints(&self, duty: Duty) -> Vec<Complaint> {
        let mut complaints = Vec::new();
        for (index, one) in self
            .entries
            .iter()
            .enumerate()
            .filter(|(_, one)| !one.entry.requirements.is_empty())
        {
            let mut reasons = one.unmet(duty);
            reasons.extend(self.unpinned(one, duty, reasons.is_empty()));
            complaints.extend(reasons.into_iter().map(|reason| Complaint {
                entry: Some(index),
                reason,
            }));
        }
        complaints.extend(
            self.unbound(duty)
                .or_else(|| self.disagreement())
                .map(Complaint::about_image),
        );
        complaints
    }

    /// Why the tag that the entries matched may not belong to the digest beside it.
    ///
    /// A tag cannot vouch for a digest. Without proof the entries do not apply, so no mode of theirs tolerates this.
    fn unbound(&self, duty: Duty) -> Option<Reason> {
        let (Some(tag), Some(named)) = (self.reference.tag(), self.reference.digest()) else {
            return None;
        };
        match self.binding {
            TagBinding::NotNeeded => None,
            TagBinding::Needed if self.trust_binds() => {
                let mut trust = self
                    .findings_of(Requirement::Trust)
                    .filter_map(|finding| finding.result.as_ref().ok());
                let is_proven = !duty.hook.verifies_signatures()
                    || trust.all(|evidence| evidence.binds(tag, named));
                (!is_proven).then_some(Reason::NotChecked(Requirement::Trust))
            }
            TagBinding::Needed => match &self.resolved {
                Some(Ok(evidence)) if evidence.binds(tag, named) => None,
                Some(Ok(evidence)) => Some(Reason::TagMoved {
                    tag: tag.clone(),
                    named: named.clone(),
                    found: evidence.digest().clone(),
                }),
                Some(Err(reason)) => Some(reason.clone()),
                None => Some(Reason::DigestUnknown),
            },
        }
    }

    /// Whether content trust will name tag and digest together, or deny. Where another webhook verifies it, that one answers
    /// for the binding too.
    fn trust_binds(&self) -> bool {
        self.entries
            .iter()
            .any(|one| one.entry.mode == Mode::Enforce && one.demands(Requirement::Trust))
    }

    fn findings_of(&self, requirement: Requirement) -> impl Iterator<Item = &Finding> {
        self.entries
            .iter()
            .flat_map(|one| &one.findings)
            .filter(move |finding| finding.requirement == requirement)
    }

    /// Why an image whose entry pins is not tied to a digest after this pass, if `met` says that nothing else is amiss.
    fn unpinned(&self, one: &MatchedEntry<'_>, duty: Duty, met: bool) -> Option<Reason> {
        if one.entry.pinning != Pinning::Pin || self.reference.digest().is_some() {
            return None;
        }
        if !met {
            return None;
        }
        if duty.demands_pins() {
            return Some(Reason::NotPinned);
        }
        if !duty.pins() || self.digests().next().is_some() {
            return None;
        }
        match &self.resolved {
            Some(Err(reason)) => Some(reason.clone()),
            _ => Some(Reason::DigestUnknown),
        }
    }

    /// Two digests that different requirements hold for.
    fn disagreement(&self) -> Option<Reason> {
        let mut digests = self.digests();
        let one = digests.next()?;
        let other = digests.find(|other| *other != one)?;
        Some(Reason::DigestsDiffer {
            one: one.clone(),
            other: other.clone(),
        })
    }

    fn is_tolerated(&self, complaint: &Complaint) -> bool {
        let entry = complaint.entry.and_then(|index| self.entries.get(index));
        entry.is_some_and(|one| one.entry.mode != Mode::Enforce)
    }

    fn must_pin(&self) -> bool {
        self.entries
            .iter()
            .any(|one| !one.entry.requirements.is_empty() && one.entry.pinning == Pinning::Pin)
    }

    fn pin(&self, duty: Duty, digest: Option<&Digest>) -> Pin {
        match digest {
            _ if self.reference.digest().is_some() => Pin::Named,
            _ if !self.must_pin() => Pin::Loose,
            Some(digest) if duty.pins() => Pin::Replaced(self.reference.pinned_to(digest)),
            _ => Pin::Elsewhere,
        }
    }

    fn into_evidence(self) -> Vec<Evidence> {
        let found = self
            .entries
            .into_iter()
            .flat_map(|one| one.findings)
            .map(|finding| finding.result);
        found.chain(self.resolved).filter_map(Result::ok).collect()
    }
}

impl<'a> From<Applied<'a>> for MatchedEntry<'a> {
    fn from(applied: Applied<'a>) -> Self {
        Self {
            id: applied.id,
            policy: applied.origin,
            entry: applied.entry,
            findings: Vec::new(),
        }
    }
}

impl MatchedEntry<'_> {
    fn demands(&self, requirement: Requirement) -> bool {
        Requirement::all_of(&self.entry.requirements).any(|demanded| demanded == requirement)
    }

    fn is_checked(&self, requirement: Requirement, duty: Duty) -> bool {
        self.demands(requirement) && requirement.is_checked_by(duty.hook)
    }

    /// The requirements of this webhook that do not hold. One about which nothing was found does not hold.
    fn unmet(&self, duty: Duty) -> Vec<Reason> {
        let demanded = Requirement::all_of(&self.entry.requirements)
            .filter(|one| one.is_checked_by(duty.hook));
        demanded
            .flat_map(|requirement| self.unmet_by(requirement))
            .collect()
    }

    fn unmet_by(&self, requirement: Requirement) -> Vec<Reason> {
        let mut findings = self
            .findings
            .iter()
            .filter(|finding| finding.requirement == requirement)
            .peekable();
        if findings.peek().is_none() {
            return vec![Reason::NotChecked(requirement)];
        }
        findings
            .filter_map(|finding| finding.result.as_ref().err().cloned())
            .collect()
    }
}

#[cfg(test)]
mod tests;
