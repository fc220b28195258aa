//! What of this crate's inner parts the fuzz targets call. No part of the interface.

use cise_policy::Policies;
use cise_reference::{Digest, Tag};
use jiff::Timestamp;

use crate::answer::Answer;
use crate::decide::{Duty, Finding, Matched, Standing, decide};
use crate::gate;
use crate::grounds::Grounds;
use crate::hook::Hook;
use crate::request::{Asked, Request};
use crate::requirement::Requirement;
use crate::review::Review;
use crate::settings::Workloads;
use crate::subject::Subject;
use crate::verdict::{Decision, Evidence};

/// The answer to a body in a world in which every tag leads to `digest`, and `digest` meets every requirement: all that an
/// engine does, but for asking others.
pub fn answer_if_all_is_met(
    hook: Hook,
    body: &[u8],
    policies: &Policies,
    digest: &Digest,
) -> Option<Answer> {
    let review = match Review::read(body) {
        Ok(review) => review,
        Err(rejected) => return Answer::unreadable(rejected).ok(),
    };
    Some(match Asked::by(&review) {
        Err(error) => Answer::refused(&review, &error),
        Ok(Asked::Nothing) => Answer::untouched(&review),
        Ok(Asked::Judgement(request)) => {
            Answer::decided(&review, judge(hook, &request, policies, digest))
        }
    })
}

/// The answer to a body about a policy beside which there is no other, or an exemption, at the beginning of 1970: all that the gate does, but for asking others.
pub fn answer_about_policy(body: &[u8]) -> Option<Answer> {
    let review = match Review::read(body) {
        Ok(review) => review,
        Err(rejected) => return Answer::unreadable(rejected).ok(),
    };
    let grounds = match gate::to_store(&review) {
        Ok(wanted) => Grounds::OfPolicy(gate::decided(&wanted, Timestamp::UNIX_EPOCH)),
        Err(settled) => settled,
    };
    Some(Answer::to(&review, grounds))
}

fn judge(hook: Hook, request: &Request<'_>, policies: &Policies, digest: &Digest) -> Decision {
    let kind = request.workload().kind;
    let duty = Duty {
        hook,
        enforcement: Workloads::Enforce.enforcement(hook, kind),
    };
    let judge_image = |subject: &Subject<'_>| {
        let standing = match subject.standing(policies, request.namespace()) {
            Standing::Matched(matched) => Standing::Matched(met(matched, digest)),
            settled => settled,
        };
        decide(standing, duty).about(subject.image, subject.places.clone())
    };
    Decision {
        kind,
        namespace: request.namespace().to_owned(),
        enforcement: duty.enforcement,
        images: Subject::all_of(request).iter().map(judge_image).collect(),
    }
}

fn met<'a>(mut matched: Matched<'a>, digest: &Digest) -> Matched<'a> {
    let repository = matched.reference.repository();
    let tag = matched.reference.tag().cloned().unwrap_or(Tag::LATEST);
    let evidence = || Evidence::resolution(repository, &tag, digest.clone());
    matched.resolved = Some(Ok(evidence()));
    for one in &mut matched.entries {
        let requirements = Requirement::all_of(&one.entry.requirements);
        one.findings = requirements
            .map(|requirement| Finding {
                requirement,
                result: Ok(evidence()),
            })
            .collect();
    }
    matched
}
