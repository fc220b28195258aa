//! The engine and the gate for policies and exemptions, as the server sees them.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use cise_admission::{
    AskedFor, Decision, Engine, Evidence, Grounds, Hook, ImageDecision, Outcome, PolicyDecision,
    PolicyGate,
};
use cise_registry::Deadline;
use cise_server::audit::{Image, Record};
use cise_server::{Answer, Reviewer};
use jiff::Timestamp;

/// Answers reviews by asking the engine about images, and the gate about policies and exemptions.
pub(super) struct Judges {
    engine: Arc<Engine>,
    gate: PolicyGate,
}

/// What a path is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Judged {
    /// The images of a pod or workload.
    Images(Hook),
    /// A policy or an exemption.
    Policy,
}

impl Judges {
    pub(super) fn new(engine: Arc<Engine>, gate: PolicyGate) -> Self {
        Self { engine, gate }
    }
}

impl Reviewer for Judges {
    type Hook = Judged;

    fn hook(path: &str) -> Option<Judged> {
        match path {
            PolicyGate::PATH => Some(Judged::Policy),
            _ => Hook::from_path(path).map(Judged::Images),
        }
    }

    fn path(hook: Judged) -> &'static str {
        match hook {
            Judged::Images(hook) => hook.path(),
            Judged::Policy => PolicyGate::PATH,
        }
    }

    async fn review(&self, hook: Judged, body: Bytes, deadline: Instant) -> Answer {
        let deadline = Deadline::at(deadline.into());
        let now = Timestamp::now();
        let answered = match hook {
            Judged::Images(hook) => self.engine.answer(hook, &body, now, deadline).await,
            Judged::Policy => self.gate.answer(&body, now, deadline).await,
        };
        match answered {
            Ok(answer) => Answer::Reviewed {
                record: Box::new(record(answer.outcome)),
                body: answer.body.into(),
            },
            Err(rejected) => Answer::Malformed(rejected.to_string()),
        }
    }
}

fn record(outcome: Outcome) -> Record {
    let (images, reasons) = match &outcome.grounds {
        Grounds::NoImages => (Vec::new(), Vec::new()),
        Grounds::Judged(decision) => (images(decision), reasons(decision)),
        Grounds::OfPolicy(decision) => (Vec::new(), codes(decision)),
        Grounds::NotJudged { code, .. } => (Vec::new(), vec![Cow::Borrowed(*code)]),
    };
    let record = Record {
        uid: outcome.uid,
        allowed: outcome.allowed,
        images,
        reasons,
        namespace: String::new(),
        kind: String::new(),
        name: String::new(),
        operation: String::new(),
        user: String::new(),
        dry_run: false,
    };
    match outcome.subject {
        None => record,
        Some(AskedFor {
            operation,
            kind,
            subresource,
            namespace,
            name,
            user,
            dry_run,
        }) => Record {
            operation: format!("{operation:?}").to_uppercase(),
            kind: if subresource.is_empty() {
                kind
            } else {
                format!("{kind}/{subresource}")
            },
            namespace,
            name,
            user,
            dry_run,
            ..record
        },
    }
}

fn images(decision: &Decision) -> Vec<Image> {
    let image = |image: &ImageDecision| Image {
        image: image.image.clone(),
        digest: image.digest().map(ToString::to_string),
        allowed: image.is_admitted(),
    };
    decision.images.iter().map(image).collect()
}

fn codes(decision: &PolicyDecision) -> Vec<Cow<'static, str>> {
    decision.codes().into_iter().map(Cow::Borrowed).collect()
}

/// Each code once, in the order in which they were found.
fn reasons(decision: &Decision) -> Vec<Cow<'static, str>> {
    let mut codes = Vec::new();
    for image in &decision.images {
        let complaints = image.complaints().iter().chain(&image.tolerated);
        let reasons = complaints.map(|complaint| complaint.reason.code());
        let remarks = image.evidence.iter().filter_map(Evidence::code);
        for code in reasons.chain(remarks).map(Cow::Borrowed) {
            if !codes.contains(&code) {
                codes.push(code);
            }
        }
    }
    codes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_leads_to_what_is_served_there_and_no_other_anywhere() {
        let images = Hook::ALL.map(Hook::path);
        for path in images.into_iter().chain([PolicyGate::PATH]) {
            assert_eq!(Judges::hook(path).map(Judges::path), Some(path));
        }
        for path in ["", "/", "/policies/", "policies", "/policies/validate"] {
            assert!(Judges::hook(path).is_none(), "{path}");
        }
    }
}
