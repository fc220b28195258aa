//! What the server asks of those who decide.

use std::time::Instant;

use bytes::Bytes;

use crate::audit;

/// Answers the reviews of one or more hooks.
pub trait Reviewer: Send + Sync + 'static {
    /// Which webhook, and which of its passes, a path stands for.
    type Hook: Copy + Send;

    /// The hook behind `path` (as in the request: no query, no trailing slash), or `None`, which is answered with 404.
    fn hook(path: &str) -> Option<Self::Hook>;

    /// The path of a hook. It names the hook in metrics and in the audit log.
    fn path(hook: Self::Hook) -> &'static str;

    /// Answers one review by `deadline`. A future that is still pending a little later is dropped, and the review denied.
    fn review(
        &self,
        hook: Self::Hook,
        body: Bytes,
        deadline: Instant,
    ) -> impl Future<Output = Answer> + Send;
}

/// What a [`Reviewer`] makes of a body.
#[derive(Debug)]
pub enum Answer {
    /// The body is no `AdmissionReview` to which an answer could be addressed: 400, with this explanation.
    Malformed(String),
    /// A decision.
    Reviewed {
        /// The `AdmissionReview` to send back, as JSON.
        body: Bytes,
        /// What was decided, for the metrics and the audit log.
        record: Box<audit::Record>,
    },
}
