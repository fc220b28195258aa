//! Asking the Vulnerability Advisor about an image.

use std::borrow::Cow;
use std::sync::Arc;

use cise_advisor::assessment::{Assessment, Gate, Headline, Rules};
use cise_advisor::exemption::{Exemptions, TagBinding};
use cise_advisor::{Question, Unadvised, Urgency};
use cise_policy::{Namespace, Vulnerability};
use cise_reference::{Digest, Reference};
use cise_registry::{Caller, Keyring};
use jiff::Timestamp;

use crate::admitted::Admitted;
use crate::counsel::Counsel;
use crate::decide::{Finding, MatchedEntry};
use crate::facts::Inquiry;
use crate::reason::Reason;
use crate::settings::Advisor;
use crate::verdict::{AssessmentEvidence, Enforcement, Evidence};

/// What the advisor is asked about.
struct Sample<'a> {
    counsel: &'a Counsel,
    reference: &'a Reference,
    digest: &'a Digest,
    exemptions: Arc<Exemptions>,
    namespace: Option<Namespace>,
}

impl Inquiry<'_> {
    /// Has the advisor assess the digest that would run, once for each set of rules that the entry has.
    pub(crate) async fn ask_advisor(
        &self,
        reference: &Reference,
        one: &MatchedEntry<'_>,
        found: &[Finding],
    ) -> Result<Evidence, Reason> {
        let registry = reference.repository().host().clone();
        match self.settings.advisors.of(&registry) {
            Advisor::Builtin => {}
            Advisor::Elsewhere => return Err(Reason::AdvisorElsewhere { registry }),
            Advisor::Nobody => return Err(Reason::AdvisorNotConfigured { registry }),
        }
        let counsel = self
            .counsel
            .ok_or(Reason::Unadvised(Unadvised::NoDatabase))?;
        let digest = self.digest_to_assess(reference, found).await?;
        let sample = Sample {
            counsel,
            reference,
            digest: &digest,
            exemptions: counsel.exemptions.exemptions(),
            namespace: Namespace::parse(self.request.namespace()).ok(),
        };
        let mut evidence: Option<AssessmentEvidence> = None;
        for vulnerability in &one.entry.requirements.vulnerability {
            let rules = self.rules(vulnerability)?;
            let passed = self.passed(&sample, &rules).await?;
            evidence = Some(match evidence {
                None => passed,
                Some(before) => before.and(passed),
            });
        }
        evidence
            .map(Evidence::Assessment)
            .ok_or(Reason::DigestUnknown)
    }

    /// What would run: the digest that the image names, else one that something vouches for, else the tag's.
    async fn digest_to_assess(
        &self,
        reference: &Reference,
        found: &[Finding],
    ) -> Result<Digest, Reason> {
        let verified = found
            .iter()
            .find_map(|finding| finding.result.as_ref().ok());
        match (reference.digest(), verified) {
            (Some(named), _) => Ok(named.clone()),
            (None, Some(evidence)) => Ok(evidence.digest().clone()),
            (None, None) => Ok(self.resolve(reference).await?.digest().clone()),
        }
    }

    fn rules(&self, vulnerability: &Vulnerability) -> Result<Cow<'_, Rules>, Reason> {
        let defaults = &self.settings.rules;
        match vulnerability {
            Vulnerability::Standard { .. } => Ok(Cow::Borrowed(defaults)),
            Vulnerability::Custom(own) => defaults
                .amended(own.value())
                .map(Cow::Owned)
                .map_err(Reason::AdvisorRules),
        }
    }

    /// What is found of an image that may run by these rules, now or because it was admitted before.
    async fn passed(
        &self,
        sample: &Sample<'_>,
        rules: &Rules,
    ) -> Result<AssessmentEvidence, Reason> {
        let refusal = match self.assess(sample, rules).await {
            Ok(assessment) => {
                let admitted = Admitted::of(sample.digest, &assessment, rules);
                let evidence = AssessmentEvidence::new(sample.digest, &assessment);
                return Ok(evidence.recording(admitted));
            }
            Err(refusal) => refusal,
        };
        let Reason::Vulnerable {
            assessment,
            headline: Headline::Issues,
        } = &refusal
        else {
            return Err(refusal);
        };
        match self.admitted_until(sample, (assessment, rules)).await {
            Some(until) => Ok(AssessmentEvidence::already_admitted(
                sample.digest,
                assessment,
                until,
            )),
            None => Err(refusal),
        }
    }

    async fn admitted_until(
        &self,
        sample: &Sample<'_>,
        refused: (&Assessment, &Rules),
    ) -> Option<Timestamp> {
        let admitted = sample.counsel.admitted.as_ref()?;
        let namespace = sample.namespace.as_ref()?;
        let asking = admitted.until(namespace, sample.digest, refused, self.now);
        self.deadline.bound(asking).await.ok().flatten()
    }

    /// Exemptions of a tag hold only where the tag is known to stand for the digest. That is found out before they are missed.
    async fn assess(&self, sample: &Sample<'_>, rules: &Rules) -> Result<Arc<Assessment>, Reason> {
        let assessment = self.advise(sample, TagBinding::Unproven, rules).await?;
        let headline = match assessment.gate(rules) {
            Gate::Admit => return Ok(assessment),
            Gate::Deny(headline) => headline,
        };
        if headline != Headline::Issues || !self.tag_stands_for(sample).await {
            return Err(Reason::Vulnerable {
                assessment,
                headline,
            });
        }
        let assessment = self.advise(sample, TagBinding::Proven, rules).await?;
        match assessment.gate(rules) {
            Gate::Admit => Ok(assessment),
            Gate::Deny(headline) => Err(Reason::Vulnerable {
                assessment,
                headline,
            }),
        }
    }

    async fn tag_stands_for(&self, sample: &Sample<'_>) -> bool {
        !sample.exemptions.is_empty()
            && self
                .resolve(sample.reference)
                .await
                .is_ok_and(|resolution| resolution.digest() == sample.digest)
    }

    async fn advise(
        &self,
        sample: &Sample<'_>,
        tag: TagBinding,
        rules: &Rules,
    ) -> Result<Arc<Assessment>, Reason> {
        let keyring = self.credentials.keyring().await?;
        let answer = self.ask(sample, tag, rules, keyring).await;
        match self.renewed_after(&answer).await {
            Some(renewed) => self.ask(sample, tag, rules, renewed).await,
            None => answer,
        }
    }

    async fn ask(
        &self,
        sample: &Sample<'_>,
        tag: TagBinding,
        rules: &Rules,
        keyring: &Keyring,
    ) -> Result<Arc<Assessment>, Reason> {
        let question = Question {
            image: sample.reference,
            digest: sample.digest,
            tag,
            namespace: sample.namespace.as_ref(),
            caller: Caller {
                keyring,
                namespace: self.request.namespace(),
                deadline: self.deadline,
            },
            exemptions: &sample.exemptions,
            rules,
            urgency: self.urgency(),
            freshness: self.advice,
            now: self.now,
        };
        let advice = sample.counsel.advisor.advise(question).await;
        advice.map_err(Reason::Unadvised)
    }

    /// Where a refusal is a warning, the question is asked for the pods that follow.
    fn urgency(&self) -> Urgency {
        match self.duty.enforcement {
            Enforcement::Warn => Urgency::Ahead,
            Enforcement::Refuse | Enforcement::Ignore => Urgency::Waited,
        }
    }
}
