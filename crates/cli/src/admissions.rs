//! Where it is remembered what was admitted.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cise_admission::{AdmissionRecord, AdmittedImages, RecordError, Recorded};
use cise_manifests::AdmissionFolder;
use cise_policy::Namespace;
use cise_signature::store::{Revision, Written};
use futures::future::{BoxFuture, ready};

use crate::failure::Failure;

/// Where it is remembered without a cluster: in a folder of the state, or until the process ends.
pub(crate) fn open(state: Option<&Path>) -> Result<Arc<dyn AdmissionRecord>, Failure> {
    Ok(match state {
        Some(state) => Arc::new(AdmissionFolder::open(&state.join("admitted"))?),
        None => Arc::new(MemoryRecord::default()),
    })
}

/// Records that end with the process.
#[derive(Default)]
struct MemoryRecord {
    records: Mutex<HashMap<Namespace, (u64, AdmittedImages)>>,
}

impl MemoryRecord {
    fn records(&self) -> MutexGuard<'_, HashMap<Namespace, (u64, AdmittedImages)>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, revision: Option<&Revision>, images: &AdmittedImages) -> Written {
        let mut records = self.records();
        let current = records.get(images.namespace()).map(|(number, _)| *number);
        let known = current.map(|number| number.to_string());
        if known.as_deref() != revision.map(Revision::as_str) {
            return Written::Conflict;
        }
        let next = current.map_or(0, |number| number + 1);
        records.insert(images.namespace().clone(), (next, images.clone()));
        Written::Done
    }
}

impl AdmissionRecord for MemoryRecord {
    fn load<'a>(
        &'a self,
        namespace: &'a Namespace,
    ) -> BoxFuture<'a, Result<Option<Recorded>, RecordError>> {
        let recorded = self
            .records()
            .get(namespace)
            .map(|(number, images)| Recorded {
                images: images.clone(),
                revision: Revision::new(number.to_string()),
            });
        Box::pin(ready(Ok(recorded)))
    }

    fn create<'a>(
        &'a self,
        images: &'a AdmittedImages,
    ) -> BoxFuture<'a, Result<Written, RecordError>> {
        Box::pin(ready(Ok(self.write(None, images))))
    }

    fn replace<'a>(
        &'a self,
        revision: &'a Revision,
        images: &'a AdmittedImages,
    ) -> BoxFuture<'a, Result<Written, RecordError>> {
        Box::pin(ready(Ok(self.write(Some(revision), images))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn of_two_that_race_one_has_to_look_again() {
        let record = open(None).unwrap();
        let team = Namespace::parse("team").unwrap();
        let empty = AdmittedImages::of(team.clone());
        assert_eq!(record.load(&team).await, Ok(None));
        assert_eq!(record.create(&empty).await, Ok(Written::Done));
        assert_eq!(record.create(&empty).await, Ok(Written::Conflict));
        let read = record.load(&team).await.unwrap().unwrap();
        let replaced = record.replace(&read.revision, &empty).await;
        assert_eq!(replaced, Ok(Written::Done));
        let replaced = record.replace(&read.revision, &empty).await;
        assert_eq!(replaced, Ok(Written::Conflict));
    }
}
