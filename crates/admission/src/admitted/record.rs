use std::fmt;

use cise_policy::Namespace;
use cise_signature::store::{Revision, Written};
use futures::future::BoxFuture;

use super::AdmittedImages;

/// Where it is recorded what was admitted, shared by all that answer for one cluster.
///
/// A record is made once and then replaced only by who has read the current one. Nobody but this program may be able to write
/// it: who can, forgives.
pub trait AdmissionRecord: Send + Sync {
    /// What was admitted in a namespace; nothing if there was never a record of it.
    fn load<'a>(
        &'a self,
        namespace: &'a Namespace,
    ) -> BoxFuture<'a, Result<Option<Recorded>, RecordError>>;

    /// Makes the record of a namespace, unless there is one.
    fn create<'a>(
        &'a self,
        images: &'a AdmittedImages,
    ) -> BoxFuture<'a, Result<Written, RecordError>>;

    /// Replaces the record, unless it has changed since `revision` was read.
    fn replace<'a>(
        &'a self,
        revision: &'a Revision,
        images: &'a AdmittedImages,
    ) -> BoxFuture<'a, Result<Written, RecordError>>;
}

/// A record as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// What was admitted.
    pub images: AdmittedImages,
    /// Which writing of the record this is.
    pub revision: Revision,
}

/// A record that cannot be had, or cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the record of admissions {place} cannot be {action}: {why}")]
pub struct RecordError {
    place: String,
    action: &'static str,
    why: String,
}

impl RecordError {
    /// The record at a place (`ConfigMap ibm-system/cise-admitted-team`) could not be `read` or `written`.
    pub fn new(place: impl Into<String>, action: &'static str, why: impl fmt::Display) -> Self {
        Self {
            place: place.into(),
            action,
            why: why.to_string(),
        }
    }
}
