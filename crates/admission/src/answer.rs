//! The answer to a request, and what logs and metrics say about it.

use crate::grounds::Grounds;
use crate::messages;
use crate::request::RequestError;
use crate::response;
use crate::review::{Operation, Rejected, Review};
use crate::text::shown;
use crate::verdict::Decision;

/// The answer to one admission request.
#[derive(Debug)]
pub struct Answer {
    /// The body, in JSON.
    pub body: Vec<u8>,
    /// What was decided about what.
    pub outcome: Outcome,
}

/// What was decided about a request. All text in it is bounded and free of control characters.
#[derive(Debug)]
pub struct Outcome {
    /// The request's uid.
    pub uid: String,
    /// What was asked; nothing if the request could not be read.
    pub subject: Option<AskedFor>,
    /// Whether the request is admitted.
    pub allowed: bool,
    /// Why.
    pub grounds: Grounds,
}

/// What was asked, and by whom.
#[derive(Clone, Debug)]
pub struct AskedFor {
    /// What is done.
    pub operation: Operation,
    /// The kind of the object.
    pub kind: String,
    /// The subresource; empty for the object itself.
    pub subresource: String,
    /// The object's namespace; empty if it has none.
    pub namespace: String,
    /// The object's name; empty if it will get one.
    pub name: String,
    /// Who asks.
    pub user: String,
    /// Whether nothing will be stored.
    pub dry_run: bool,
}

const MAX_FIELD: usize = 256;

impl Answer {
    /// The denial of a body that is no review, if there is somebody to address it to.
    pub(crate) fn unreadable(rejected: Rejected) -> Result<Self, Rejected> {
        let Some(uid) = rejected.uid else {
            return Err(rejected);
        };
        let grounds = Grounds::NotJudged {
            code: "review-unreadable",
            message: messages::unreadable(&rejected.error),
        };
        Ok(Self::new(uid, None, grounds))
    }

    /// The denial of a request that cannot be judged.
    pub(crate) fn refused(review: &Review<'_>, error: &RequestError) -> Self {
        Self::to(
            review,
            Grounds::NotJudged {
                code: "request-refused",
                message: messages::refusal(error),
            },
        )
    }

    /// The denial of a request on which this program failed.
    pub(crate) fn internal(review: &Review<'_>) -> Self {
        Self::to(
            review,
            Grounds::NotJudged {
                code: "internal-error",
                message: messages::internal(),
            },
        )
    }

    /// The admission of a request that brings no image.
    pub(crate) fn untouched(review: &Review<'_>) -> Self {
        Self::to(review, Grounds::NoImages)
    }

    /// The answer that follows from a decision.
    pub(crate) fn decided(review: &Review<'_>, decision: Decision) -> Self {
        Self::to(review, Grounds::Judged(decision))
    }

    /// The answer to a request on these grounds.
    pub(crate) fn to(review: &Review<'_>, grounds: Grounds) -> Self {
        Self::new(review.uid.to_string(), Some(AskedFor::by(review)), grounds)
    }

    fn new(uid: String, subject: Option<AskedFor>, grounds: Grounds) -> Self {
        let allowed = grounds.allow();
        let body = response::body(&uid, &grounds);
        Self {
            body,
            outcome: Outcome {
                uid,
                subject,
                allowed,
                grounds,
            },
        }
    }
}

impl AskedFor {
    fn by(review: &Review<'_>) -> Self {
        let bounded = |text: &str| shown(text, MAX_FIELD).to_string();
        Self {
            operation: review.operation,
            kind: bounded(&review.kind.kind),
            subresource: bounded(review.sub_resource.as_deref().unwrap_or_default()),
            namespace: bounded(review.namespace.as_deref().unwrap_or_default()),
            name: bounded(review.name.as_deref().unwrap_or_default()),
            user: bounded(&review.user_info.username),
            dry_run: review.dry_run == Some(true),
        }
    }
}
