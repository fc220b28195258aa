use std::collections::BTreeMap;

use cise_admission::{AdmissionRecord, AdmittedImages, RecordError, Recorded};
use cise_policy::Namespace;
use cise_signature::store::{Revision, Written};
use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::{ObjectMeta, PostParams};

use crate::Cluster;
use crate::cluster::answer;
use crate::error::{explain, is};
use crate::records::{Kind, RECORD};

/// How the names of the records begin. A namespace's name is fit to follow.
const NAME_PREFIX: &str = "cise-admitted-";

/// How many namespaces are recorded. In further ones nothing is forgiven.
const MAX_NAMESPACES: usize = 1000;

/// An [`AdmissionRecord`] in this program's own namespace, where nobody else may write: one `ConfigMap` for each namespace,
/// shared by all replicas. Of two that race, the API server lets one through.
pub struct AdmissionConfigMaps {
    api: Api<ConfigMap>,
    own_namespace: String,
}

impl AdmissionConfigMaps {
    /// The records in that cluster.
    pub fn new(cluster: &Cluster) -> Self {
        Self {
            api: Api::namespaced(cluster.client(), cluster.namespace()),
            own_namespace: cluster.namespace().to_owned(),
        }
    }

    async fn load_record(&self, namespace: &Namespace) -> Result<Option<Recorded>, RecordError> {
        let name = name_of(namespace);
        let unreadable = |why: String| RecordError::new(self.place(&name), "read", why);
        let object = answer(self.api.get_opt(&name)).await;
        let Some(object) = object.map_err(|error| unreadable(explain(&error)))? else {
            return Ok(None);
        };
        let record = object.data.as_ref().and_then(|data| data.get(RECORD));
        let record = record.ok_or_else(|| unreadable(format!("it has no `{RECORD}`")))?;
        let images = AdmittedImages::from_json(record.as_bytes(), namespace);
        Ok(Some(Recorded {
            images: images.map_err(|fault| unreadable(fault.to_string()))?,
            revision: Revision::new(object.metadata.resource_version.unwrap_or_default()),
        }))
    }

    async fn create_record(&self, images: &AdmittedImages) -> Result<Written, RecordError> {
        let counted = Kind::Admissions.count(&self.api).await;
        let counted = counted.map_err(|error| self.unwritable(images, &explain(&error)))?;
        if counted >= MAX_NAMESPACES {
            let why = format!("there are those of {MAX_NAMESPACES} namespaces already");
            return Err(self.unwritable(images, &why));
        }
        let made = answer(
            self.api
                .create(&PostParams::default(), &object(images, None)),
        )
        .await;
        self.written(images, made)
    }

    async fn replace_record(
        &self,
        revision: &Revision,
        images: &AdmittedImages,
    ) -> Result<Written, RecordError> {
        let (name, object) = (name_of(images.namespace()), object(images, Some(revision)));
        let replaced = answer(self.api.replace(&name, &PostParams::default(), &object)).await;
        self.written(images, replaced)
    }

    /// Somebody else was faster if the record exists already, is another writing than the one that was read, or is gone.
    fn written(
        &self,
        images: &AdmittedImages,
        answer: kube::Result<ConfigMap>,
    ) -> Result<Written, RecordError> {
        match answer {
            Ok(_) => Ok(Written::Done),
            Err(error) if is(&error, 409) || is(&error, 404) => Ok(Written::Conflict),
            Err(error) => Err(self.unwritable(images, &explain(&error))),
        }
    }

    fn unwritable(&self, images: &AdmittedImages, why: &str) -> RecordError {
        let name = name_of(images.namespace());
        RecordError::new(self.place(&name), "written", why)
    }

    fn place(&self, name: &str) -> String {
        format!("ConfigMap {}/{name}", self.own_namespace)
    }
}

impl AdmissionRecord for AdmissionConfigMaps {
    fn load<'a>(
        &'a self,
        namespace: &'a Namespace,
    ) -> BoxFuture<'a, Result<Option<Recorded>, RecordError>> {
        Box::pin(self.load_record(namespace))
    }

    fn create<'a>(
        &'a self,
        images: &'a AdmittedImages,
    ) -> BoxFuture<'a, Result<Written, RecordError>> {
        Box::pin(self.create_record(images))
    }

    fn replace<'a>(
        &'a self,
        revision: &'a Revision,
        images: &'a AdmittedImages,
    ) -> BoxFuture<'a, Result<Written, RecordError>> {
        Box::pin(self.replace_record(revision, images))
    }
}

fn object(images: &AdmittedImages, revision: Option<&Revision>) -> ConfigMap {
    ConfigMap {
        metadata: ObjectMeta {
            name: Some(name_of(images.namespace())),
            resource_version: revision.map(|revision| revision.as_str().to_owned()),
            labels: Some(Kind::Admissions.labels()),
            ..ObjectMeta::default()
        },
        data: Some(BTreeMap::from([(RECORD.to_owned(), images.to_json())])),
        ..ConfigMap::default()
    }
}

fn name_of(namespace: &Namespace) -> String {
    format!("{NAME_PREFIX}{}", namespace.as_str())
}
