use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use cise_signature::PinKey;
use cise_signature::store::{Revision, StoreError, Stored, TrustState, TrustStore, Written};
use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::{DeleteParams, ObjectMeta, PostParams};

use crate::Cluster;
use crate::cluster::answer;
use crate::error::{explain, is};
use crate::records::{Kind, RECORD, page_after};

/// How the names of the records begin. What follows is a hash: a repository's name is not fit for one, nor to be trusted.
const NAME_PREFIX: &str = "cise-trust-";

/// The annotation that tells people which repository a record is of.
const REPOSITORY: &str = "securityenforcement.admission.cloud.ibm.com/repository";

/// The annotation that tells people which trust server policies named, where the pin is theirs.
const TRUST_SERVER: &str = "securityenforcement.admission.cloud.ibm.com/trust-server";

/// How long the number of records counts that was found last, together with those made since.
const COUNT_FRESH_FOR: Duration = Duration::from_secs(60);

/// A [`TrustStore`] in this program's own namespace: one `ConfigMap` for each pin, shared by all replicas.
///
/// The API server decides between two that race: it lets an object be made once, and replaces only the writing that was
/// read. The bound on the number of records is kept by each replica for itself, so that several together may pass it by the
/// few that they make at the same time.
pub struct ConfigMapStore {
    api: Api<ConfigMap>,
    namespace: String,
    most: usize,
    counted: Mutex<Option<Count>>,
}

#[derive(Clone, Copy)]
struct Count {
    records: usize,
    at: Instant,
}

impl ConfigMapStore {
    /// The store in that cluster. At most `most` repositories are recorded.
    pub fn new(cluster: &Cluster, most: usize) -> Self {
        Self {
            api: Api::namespaced(cluster.client(), cluster.namespace()),
            namespace: cluster.namespace().to_owned(),
            most,
            counted: Mutex::default(),
        }
    }

    /// All records, by pin; for one that cannot be read, why.
    pub async fn list(&self) -> Result<Vec<Result<TrustState, StoreError>>, StoreError> {
        let (mut records, mut page) = (Vec::new(), Some(Kind::Trust.first_page()));
        while let Some(asked) = page {
            let listed = answer(self.api.list(&asked)).await;
            let listed = listed.map_err(|error| self.inaccessible("*", "listed", &error))?;
            let states = listed
                .items
                .iter()
                .map(|object| Ok(self.read(object)?.state));
            records.extend(states);
            page = page_after(asked, listed.metadata.continue_);
        }
        records.sort_by(|a, b| {
            a.as_ref()
                .ok()
                .map(TrustState::pin)
                .cmp(&b.as_ref().ok().map(TrustState::pin))
        });
        Ok(records)
    }

    /// Removes the record of a pin, even a damaged one, so that the next root seen is trusted. Says whether there was
    /// one.
    pub async fn forget(&self, pin: &PinKey) -> Result<bool, StoreError> {
        let name = name_of(pin);
        match answer(self.api.delete(&name, &DeleteParams::default())).await {
            Ok(_) => Ok(true),
            Err(error) if is(&error, 404) => Ok(false),
            Err(error) => Err(self.inaccessible(&name, "removed", &error)),
        }
    }

    async fn load_record(&self, pin: &PinKey) -> Result<Option<Stored>, StoreError> {
        let name = name_of(pin);
        let object = answer(self.api.get_opt(&name)).await;
        let object = object.map_err(|error| self.inaccessible(&name, "read", &error))?;
        let Some(object) = object else {
            return Ok(None);
        };
        let stored = self.read(&object)?;
        let own = stored.state.belongs_to(pin);
        own.map_err(|error| self.damaged(&name, error.to_string()))?;
        Ok(Some(stored))
    }

    async fn create_record(&self, pin: &PinKey, state: &TrustState) -> Result<Written, StoreError> {
        if self.count().await? >= self.most {
            return Err(StoreError::Full { most: self.most });
        }
        let (parameters, object) = (PostParams::default(), object(pin, state, None));
        let made = answer(self.api.create(&parameters, &object)).await;
        let written = self.written(pin, made)?;
        if written == Written::Done {
            self.count_one_more();
        }
        Ok(written)
    }

    async fn replace_record(
        &self,
        pin: &PinKey,
        revision: &Revision,
        state: &TrustState,
    ) -> Result<Written, StoreError> {
        let (name, object) = (name_of(pin), object(pin, state, Some(revision)));
        let parameters = PostParams::default();
        let replaced = answer(self.api.replace(&name, &parameters, &object)).await;
        self.written(pin, replaced)
    }

    /// Somebody else was faster if the record exists already, is another writing than the one that was read, or is gone.
    fn written(
        &self,
        pin: &PinKey,
        answer: kube::Result<ConfigMap>,
    ) -> Result<Written, StoreError> {
        match answer {
            Ok(_) => Ok(Written::Done),
            Err(error) if is(&error, 409) || is(&error, 404) => Ok(Written::Conflict),
            Err(error) => Err(self.inaccessible(&name_of(pin), "written", &error)),
        }
    }

    fn read(&self, object: &ConfigMap) -> Result<Stored, StoreError> {
        let name = object.metadata.name.as_deref().unwrap_or_default();
        let record = object.data.as_ref().and_then(|data| data.get(RECORD));
        let record = record.ok_or_else(|| self.damaged(name, format!("it has no `{RECORD}`")))?;
        let state = TrustState::from_json(record.as_bytes());
        let revision = object.metadata.resource_version.clone();
        Ok(Stored {
            state: state.map_err(|error| self.damaged(name, error.to_string()))?,
            revision: Revision::new(revision.unwrap_or_default()),
        })
    }

    async fn count(&self) -> Result<usize, StoreError> {
        if let Some(count) = *self.counted()
            && count.at.elapsed() < COUNT_FRESH_FOR
        {
            return Ok(count.records);
        }
        let counted = Kind::Trust.count(&self.api).await;
        let records = counted.map_err(|error| self.inaccessible("*", "counted", &error))?;
        let at = Instant::now();
        *self.counted() = Some(Count { records, at });
        Ok(records)
    }

    fn count_one_more(&self) {
        if let Some(count) = &mut *self.counted() {
            count.records += 1;
        }
    }

    fn counted(&self) -> MutexGuard<'_, Option<Count>> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn inaccessible(&self, name: &str, action: &'static str, error: &kube::Error) -> StoreError {
        StoreError::Inaccessible {
            place: self.place(name),
            action,
            why: explain(error),
        }
    }

    fn damaged(&self, name: &str, why: String) -> StoreError {
        let place = self.place(name);
        StoreError::Damaged { place, why }
    }

    fn place(&self, name: &str) -> String {
        format!("ConfigMap {}/{name}", self.namespace)
    }
}

impl TrustStore for ConfigMapStore {
    fn load<'a>(&'a self, pin: &'a PinKey) -> BoxFuture<'a, Result<Option<Stored>, StoreError>> {
        Box::pin(self.load_record(pin))
    }

    fn create<'a>(
        &'a self,
        pin: &'a PinKey,
        state: &'a TrustState,
    ) -> BoxFuture<'a, Result<Written, StoreError>> {
        Box::pin(self.create_record(pin, state))
    }

    fn replace<'a>(
        &'a self,
        pin: &'a PinKey,
        revision: &'a Revision,
        state: &'a TrustState,
    ) -> BoxFuture<'a, Result<Written, StoreError>> {
        Box::pin(self.replace_record(pin, revision, state))
    }
}

fn object(pin: &PinKey, state: &TrustState, revision: Option<&Revision>) -> ConfigMap {
    ConfigMap {
        metadata: ObjectMeta {
            name: Some(name_of(pin)),
            resource_version: revision.map(|revision| revision.as_str().to_owned()),
            labels: Some(Kind::Trust.labels()),
            annotations: Some(annotations(pin)),
            ..ObjectMeta::default()
        },
        data: Some(BTreeMap::from([(RECORD.to_owned(), state.to_json())])),
        ..ConfigMap::default()
    }
}

fn annotations(pin: &PinKey) -> BTreeMap<String, String> {
    let repository = (REPOSITORY, pin.gun().to_string());
    let server = pin.named().map(|server| (TRUST_SERVER, server.to_string()));
    std::iter::once(repository)
        .chain(server)
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn name_of(pin: &PinKey) -> String {
    format!("{NAME_PREFIX}{}", pin.record_name())
}
