//! Already admitted: an image that passed the Vulnerability Advisor in a namespace is admitted there again for some time, although
//! advisories that came later refuse it, so that a drained node or an autoscaler does not make an outage of a new advisory.
//!
//! It rests on this program's own record of what it admitted, and on nothing that whoever asks can write. Issues alone are
//! forgiven: never a signature, and never what was not judged.

mod images;
mod mercy;
mod record;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cise_advisor::assessment::{Assessment, Rules};
use cise_policy::Namespace;
use cise_reference::Digest;
use cise_signature::store::Written;
use jiff::{SignedDuration, Timestamp};

use mercy::Plea;

pub use images::{Admitted, AdmittedImages, RecordFault};
pub use record::{AdmissionRecord, RecordError, Recorded};

/// How long a record may keep an answer waiting. Without it an image passes all the same: it will be missed later.
const RECORDED_WITHIN: Duration = Duration::from_secs(2);
/// What was recorded so short a time ago is not recorded anew, so that a namespace whose pods come and go is not written for each.
const RECORDED_EVERY: SignedDuration = SignedDuration::from_hours(1);
/// How often a record that others change meanwhile is read again.
const TRIES: usize = 5;
/// How many images are known to have been recorded, before all of that is forgotten.
const MAX_KNOWN: usize = 10_000;

/// Admits again what was admitted.
#[derive(Clone)]
pub struct AlreadyAdmitted {
    record: Arc<dyn AdmissionRecord>,
    lasts: SignedDuration,
    known: Arc<Mutex<Known>>,
}

/// When images of namespaces were recorded. It spares writing, and decides nothing.
type Known = HashMap<(Namespace, Admitted), Timestamp>;

impl AlreadyAdmitted {
    /// Forgives the issues of an image for so long after it was admitted, by this record.
    pub fn new(record: Arc<dyn AdmissionRecord>, lasts: SignedDuration) -> Self {
        Self {
            record,
            lasts,
            known: Arc::default(),
        }
    }

    /// Until when an image that is refused for its issues is admitted in a namespace all the same, if it is. The record is
    /// read now; one that cannot be read forgives nothing.
    pub(crate) async fn until(
        &self,
        namespace: &Namespace,
        digest: &Digest,
        (assessment, rules): (&Assessment, &Rules),
        now: Timestamp,
    ) -> Option<Timestamp> {
        let plea = Plea::of(digest, assessment, rules)?;
        let reading = tokio::time::timeout(RECORDED_WITHIN, self.record.load(namespace));
        let recorded = match reading.await {
            Ok(Ok(recorded)) => recorded?,
            Ok(Err(error)) => {
                tracing::warn!(%error, "nothing is forgiven for having been admitted already");
                return None;
            }
            Err(_) => return None,
        };
        plea.granted(&recorded.images, now, self.lasts)
    }

    /// Records what is about to be admitted in a namespace.
    pub(crate) async fn remember(
        &self,
        namespace: &Namespace,
        images: &[Admitted],
        now: Timestamp,
    ) {
        let unknown: Vec<&Admitted> = images
            .iter()
            .filter(|image| !self.is_known(namespace, image, now))
            .collect();
        if unknown.is_empty() {
            return;
        }
        let writing = tokio::time::timeout(RECORDED_WITHIN, self.write(namespace, &unknown, now));
        match writing.await {
            Ok(Ok(())) => self.know(namespace, &unknown, now),
            Ok(Err(error)) => tracing::warn!(%error, "an admission is not recorded"),
            Err(_) => tracing::warn!(
                namespace = namespace.as_str(),
                "an admission is not recorded: no answer in time"
            ),
        }
    }

    /// Of several that race, each sees what the others have written.
    async fn write(
        &self,
        namespace: &Namespace,
        images: &[&Admitted],
        now: Timestamp,
    ) -> Result<(), RecordError> {
        for _ in 0..TRIES {
            let (mut record, revision) = match self.record.load(namespace).await? {
                Some(Recorded { images, revision }) => (images, Some(revision)),
                None => (AdmittedImages::of(namespace.clone()), None),
            };
            let is_new = |image: &&&Admitted| {
                let before = record.admitted_at(image);
                before.is_none_or(|before| is_due(before, now))
            };
            let new: Vec<Admitted> = images
                .iter()
                .filter(is_new)
                .map(|one| (*one).clone())
                .collect();
            if new.is_empty() {
                return Ok(());
            }
            record.drop_before(now.checked_sub(self.lasts).unwrap_or(Timestamp::MIN));
            for image in new {
                record.insert(image, now);
            }
            let written = match &revision {
                None => self.record.create(&record).await?,
                Some(revision) => self.record.replace(revision, &record).await?,
            };
            if written == Written::Done {
                return Ok(());
            }
        }
        let place = format!("of namespace {}", namespace.as_str());
        Err(RecordError::new(place, "written", "others keep writing it"))
    }

    fn is_known(&self, namespace: &Namespace, image: &Admitted, now: Timestamp) -> bool {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let before = known.get(&(namespace.clone(), image.clone()));
        before.is_some_and(|before| !is_due(*before, now))
    }

    fn know(&self, namespace: &Namespace, images: &[&Admitted], now: Timestamp) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() + images.len() > MAX_KNOWN {
            known.clear();
        }
        known.extend(
            images
                .iter()
                .map(|image| ((namespace.clone(), (*image).clone()), now)),
        );
    }
}

/// Is it time to record an admission again? One of tomorrow is one of a clock that was wrong.
fn is_due(before: Timestamp, now: Timestamp) -> bool {
    now.duration_since(before) >= RECORDED_EVERY || before > now
}

#[cfg(test)]
mod tests;
