//! The engine as the server sees it.

use std::borrow::Cow;
use std::time::Instant;

use bytes::Bytes;
use cise_admission::{AskedFor, Decision, Engine, Grounds, Hook, ImageDecision, Outcome};
use cise_registry::Deadline;
use cise_server::audit::{Image, Record};
use cise_server::{Answer, Reviewer};
use jiff::Timestamp;

/// Answers reviews by asking the engine.
pub(super) struct EngineReviewer(Engine);

impl EngineReviewer {
    pub(super) fn new(engine: Engine) -> Self {
        Self(engine)
    }
}

impl Reviewer for EngineReviewer {
    type Hook = Hook;

    fn hook(path: &str) -> Option<Hook> {
        Hook::from_path(path)
    }

    fn path(hook: Hook) -> &'static str {
        hook.path()
    }

    async fn review(&self, hook: Hook, body: Bytes, deadline: Instant) -> Answer {
        let deadline = Deadline::at(deadline.into());
        match self.0.answer(hook, &body, Timestamp::now(), deadline).await {
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

/// Each code once, in the order in which they were found.
fn reasons(decision: &Decision) -> Vec<Cow<'static, str>> {
    let mut codes = Vec::new();
    for image in &decision.images {
        for complaint in image.complaints().iter().chain(&image.tolerated) {
            let code = Cow::Borrowed(complaint.reason.code());
            if !codes.contains(&code) {
                codes.push(code);
            }
        }
    }
    codes
}
