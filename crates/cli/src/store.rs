//! Where trust is remembered.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use cise_signature::store::{FolderStore, Revision, StoreError, Stored, TrustState, Written};
use cise_signature::{PinKey, TrustStore};
use futures::future::{BoxFuture, ready};

use crate::failure::Failure;

/// Where trust is remembered: in a folder, or until the process ends.
pub(crate) fn open(folder: Option<&Path>, most: usize) -> Result<Arc<dyn TrustStore>, Failure> {
    Ok(match folder {
        Some(folder) => Arc::new(FolderStore::open(folder, most)?),
        None => Arc::new(MemoryStore {
            most,
            records: Mutex::default(),
        }),
    })
}

/// Trust records that end with the process.
struct MemoryStore {
    most: usize,
    records: Mutex<HashMap<PinKey, (u64, TrustState)>>,
}

impl MemoryStore {
    fn load(&self, pin: &PinKey) -> Option<Stored> {
        let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let (revision, state) = records.get(pin)?;
        Some(Stored {
            state: state.clone(),
            revision: Revision::new(revision.to_string()),
        })
    }

    fn create(&self, pin: &PinKey, state: &TrustState) -> Result<Written, StoreError> {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        if records.contains_key(pin) {
            return Ok(Written::Conflict);
        }
        if records.len() >= self.most {
            return Err(StoreError::Full { most: self.most });
        }
        records.insert(pin.clone(), (0, state.clone()));
        Ok(Written::Done)
    }

    fn replace(&self, pin: &PinKey, revision: &Revision, state: &TrustState) -> Written {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        match records.get_mut(pin) {
            Some((current, kept)) if current.to_string() == revision.as_str() => {
                *current += 1;
                *kept = state.clone();
                Written::Done
            }
            _ => Written::Conflict,
        }
    }
}

impl TrustStore for MemoryStore {
    fn load<'a>(&'a self, pin: &'a PinKey) -> BoxFuture<'a, Result<Option<Stored>, StoreError>> {
        Box::pin(ready(Ok(self.load(pin))))
    }

    fn create<'a>(
        &'a self,
        pin: &'a PinKey,
        state: &'a TrustState,
    ) -> BoxFuture<'a, Result<Written, StoreError>> {
        Box::pin(ready(self.create(pin, state)))
    }

    fn replace<'a>(
        &'a self,
        pin: &'a PinKey,
        revision: &'a Revision,
        state: &'a TrustState,
    ) -> BoxFuture<'a, Result<Written, StoreError>> {
        Box::pin(ready(Ok(self.replace(pin, revision, state))))
    }
}

#[cfg(test)]
mod tests {
    use cise_reference::Repository;
    use cise_signature::Gun;

    use super::*;

    fn pin(name: &str) -> PinKey {
        PinKey::shared(Gun::of(&Repository::parse(name).unwrap()))
    }

    fn state(root_version: u64) -> TrustState {
        let record = serde_json::json!({
            "format": 1, "repository": "registry.example.com/a", "trustServer": "https://notary.example.com",
            "pinnedAt": "2026-01-01T00:00:00Z", "rootVersion": root_version, "versions": {}, "root": "{}",
        });
        TrustState::from_json(record.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn of_two_that_race_one_has_to_look_again() {
        let store = MemoryStore {
            most: 1,
            records: Mutex::default(),
        };
        let a = pin("registry.example.com/a");
        assert_eq!(store.load(&a), None);
        assert_eq!(store.create(&a, &state(1)), Ok(Written::Done));
        assert_eq!(store.create(&a, &state(2)), Ok(Written::Conflict));
        let seen = store.load(&a).unwrap();
        assert_eq!(seen.state.root_version(), 1);
        assert_eq!(store.replace(&a, &seen.revision, &state(3)), Written::Done);
        assert_eq!(
            store.replace(&a, &seen.revision, &state(4)),
            Written::Conflict
        );
        assert_eq!(store.load(&a).unwrap().state.root_version(), 3);
    }

    #[test]
    fn past_the_bound_nothing_is_recorded_and_nothing_is_dropped() {
        let store = MemoryStore {
            most: 1,
            records: Mutex::default(),
        };
        assert_eq!(
            store.create(&pin("registry.example.com/a"), &state(1)),
            Ok(Written::Done)
        );
        let full = Err(StoreError::Full { most: 1 });
        assert_eq!(
            store.create(&pin("registry.example.com/b"), &state(1)),
            full
        );
        assert!(store.load(&pin("registry.example.com/a")).is_some());
    }
}
