//! The engine: a request in, a decision out; the same for the webhooks and the command line.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use cise_policy::Namespace;
use cise_registry::{Deadline, Freshness, Registry};
use cise_signature::SideEffects;
use cise_signature::notary::Notary;
use futures::FutureExt;
use futures::future::join_all;
use jiff::Timestamp;

use crate::answer::Answer;
use crate::counsel::Counsel;
use crate::credentials::Credentials;
use crate::decide::{Duty, Standing, decide};
use crate::facts::Inquiry;
use crate::foresight::{self, Foreseen, Prospect};
use crate::generation::{Generation, Generations};
use crate::hook::Hook;
use crate::kind::Kind;
use crate::request::{Asked, Request};
use crate::review::{Rejected, Review};
use crate::settings::Settings;
use crate::sources::{PolicySource, SecretSource};
use crate::subject::Subject;
use crate::verdict::{Decision, Enforcement, ImageDecision};

/// Decides about requests. It holds what outlives a request; the time comes with each.
pub struct Engine {
    policies: Arc<dyn PolicySource>,
    secrets: Arc<dyn SecretSource>,
    notary: Notary,
    registry: Registry,
    counsel: Option<Counsel>,
    settings: Settings,
    generations: Generations,
}

impl Engine {
    /// An engine that reads policies and secrets from these sources, and asks these peers.
    pub fn new(
        policies: Arc<dyn PolicySource>,
        secrets: Arc<dyn SecretSource>,
        notary: Notary,
        registry: Registry,
        settings: Settings,
    ) -> Self {
        Self {
            policies,
            secrets,
            notary,
            registry,
            counsel: None,
            settings,
            generations: Generations::default(),
        }
    }

    /// The same engine, with somebody to ask whether images are safe. Without, no image is admitted that must be.
    #[must_use]
    pub fn with_counsel(self, counsel: Counsel) -> Self {
        Self {
            counsel: Some(counsel),
            ..self
        }
    }

    /// What verifies by content trust.
    pub fn notary(&self) -> &Notary {
        &self.notary
    }

    /// What asks registries.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Answers the body of an admission request.
    ///
    /// Everything that goes wrong, a panic included, becomes a denial. Only a body in which not even the request's uid can be
    /// found is an error, because no answer to it could be addressed.
    pub async fn answer(
        &self,
        hook: Hook,
        body: &[u8],
        now: Timestamp,
        deadline: Deadline,
    ) -> Result<Answer, Rejected> {
        let review = match Review::read(body) {
            Ok(review) => review,
            Err(rejected) => return Answer::unreadable(rejected),
        };
        let answer = AssertUnwindSafe(self.answer_review(hook, &review, now, deadline))
            .catch_unwind()
            .await;
        Ok(answer.unwrap_or_else(|_| Answer::internal(&review)))
    }

    /// Decides about a request. `hook` says what is checked, and what a refused image means.
    pub async fn judge(
        &self,
        hook: Hook,
        request: &Request<'_>,
        now: Timestamp,
        deadline: Deadline,
    ) -> Decision {
        let kind = request.workload().kind;
        let enforcement = self.settings.workloads.enforcement(hook, kind);
        let images = match enforcement {
            Enforcement::Ignore => Vec::new(),
            _ => {
                self.judge_images(Duty { hook, enforcement }, request, now, deadline)
                    .await
            }
        };
        let decision = Decision {
            kind,
            namespace: request.namespace().to_owned(),
            enforcement,
            images,
        };
        self.record(request, &decision, now, deadline).await;
        decision
    }

    /// Has the advisor look at an image that runs, if a pod of it would need its verdict: before there is such a pod, and behind
    /// everything that somebody waits for. Nothing is decided, and nothing recorded.
    pub async fn foresee(
        &self,
        prospect: &Prospect,
        now: Timestamp,
        deadline: Deadline,
    ) -> Foreseen {
        let request = prospect.request();
        let generation = self.generations.of(self.policies.policies());
        let inquiry = self.inquiry(
            foresight::DUTY,
            foresight::ADVICE,
            (&request, &generation),
            now,
            deadline,
        );
        let foreseen = AssertUnwindSafe(foresight::foresee(&inquiry)).catch_unwind();
        foreseen.await.unwrap_or_else(|_| Foreseen::faulted())
    }

    /// Records which images passed, before anybody is told that their pod is admitted. Of a workload nothing runs yet.
    async fn record(
        &self,
        request: &Request<'_>,
        decision: &Decision,
        now: Timestamp,
        deadline: Deadline,
    ) {
        let admitted = self.counsel.as_ref().and_then(|one| one.admitted.as_ref());
        let is_of_pod = decision.kind == Kind::Pod && decision.is_allowed();
        let (Some(admitted), true, SideEffects::Allowed) =
            (admitted, is_of_pod, request.side_effects())
        else {
            return;
        };
        if let Ok(namespace) = Namespace::parse(request.namespace()) {
            let images = decision.to_record();
            let recording = admitted.remember(&namespace, &images, now);
            // Whoever has no time left to record it admits all the same: it will be missed later.
            let _ = deadline.bound(recording).await;
        }
    }

    async fn answer_review(
        &self,
        hook: Hook,
        review: &Review<'_>,
        now: Timestamp,
        deadline: Deadline,
    ) -> Answer {
        match Asked::by(review) {
            Err(error) => Answer::refused(review, &error),
            Ok(Asked::Nothing) => Answer::untouched(review),
            Ok(Asked::Judgement(request)) => {
                Answer::decided(review, self.judge(hook, &request, now, deadline).await)
            }
        }
    }

    async fn judge_images(
        &self,
        duty: Duty,
        request: &Request<'_>,
        now: Timestamp,
        deadline: Deadline,
    ) -> Vec<ImageDecision> {
        let generation = self.generations.of(self.policies.policies());
        let inquiry = self.inquiry(duty, Freshness::Kept, (request, &generation), now, deadline);
        let subjects = Subject::all_of(request);
        let judged = subjects
            .iter()
            .map(|subject| judge_image(&inquiry, subject));
        // Polled in place: when everything is kept, no image of a request waits for another, and none needs a task.
        join_all(judged).await
    }

    fn inquiry<'a>(
        &'a self,
        duty: Duty,
        advice: Freshness,
        (request, generation): (&'a Request<'a>, &'a Generation),
        now: Timestamp,
        deadline: Deadline,
    ) -> Inquiry<'a> {
        let fallback = &self.settings.pull_credentials;
        Inquiry {
            request,
            generation,
            settings: &self.settings,
            secrets: &*self.secrets,
            credentials: Credentials::new(request, &*self.secrets, fallback, deadline),
            notary: &self.notary,
            registry: &self.registry,
            counsel: self.counsel.as_ref(),
            duty,
            advice,
            now,
            deadline,
        }
    }
}

async fn judge_image(inquiry: &Inquiry<'_>, subject: &Subject<'_>) -> ImageDecision {
    let judging = async {
        let standing = subject.standing(inquiry.generation.policies(), inquiry.request.namespace());
        decide(inquiry.complete(standing).await, inquiry.duty)
    };
    // A panic is one image's denial: what is decided about the others still holds.
    let judged = AssertUnwindSafe(judging).catch_unwind().await;
    let judgement = judged.unwrap_or_else(|_| decide(Standing::Faulted, inquiry.duty));
    judgement.about(subject.image, subject.places.clone())
}
