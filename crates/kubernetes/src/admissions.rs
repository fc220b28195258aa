use std::collections::BTreeMap;

use cise_admission::{AdmissionRecord, AdmittedImages, RecordError, Recorded};
use cise_policy::Namespace;
use cise_signature::store::{Revision, Written};
use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace as NamespaceObject};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
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
///
/// Each record is owned by its namespace, so that the cluster's garbage collector takes it away with it: this program deletes
/// nothing. What was admitted in a namespace that is gone says nothing of the one that has its name now.
pub struct AdmissionConfigMaps {
    api: Api<ConfigMap>,
    namespaces: Api<NamespaceObject>,
    own_namespace: String,
}

impl AdmissionConfigMaps {
    /// The records in that cluster.
    pub fn new(cluster: &Cluster) -> Self {
        Self {
            api: Api::namespaced(cluster.client(), cluster.namespace()),
            namespaces: Api::all(cluster.client()),
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
        let owner = self.owner(namespace).await.map_err(unreadable)?;
        let images = if is_owned_by(&object, &owner) {
            let record = object.data.as_ref().and_then(|data| data.get(RECORD));
            let record = record.ok_or_else(|| unreadable(format!("it has no `{RECORD}`")))?;
            let images = AdmittedImages::from_json(record.as_bytes(), namespace);
            images.map_err(|fault| unreadable(fault.to_string()))?
        } else {
            AdmittedImages::of(namespace.clone())
        };
        Ok(Some(Recorded {
            images,
            revision: Revision::new(object.metadata.resource_version.unwrap_or_default()),
        }))
    }

    /// The namespace that has this name now, as the owner of its record.
    async fn owner(&self, namespace: &Namespace) -> Result<OwnerReference, String> {
        let name = namespace.as_str();
        let found = answer(self.namespaces.get_metadata(name)).await;
        let found = found
            .map_err(|error| format!("namespace {name} cannot be read: {}", explain(&error)))?;
        Ok(OwnerReference {
            api_version: "v1".to_owned(),
            kind: "Namespace".to_owned(),
            name: name.to_owned(),
            uid: found.metadata.uid.unwrap_or_default(),
            ..OwnerReference::default()
        })
    }

    async fn create_record(&self, images: &AdmittedImages) -> Result<Written, RecordError> {
        let counted = Kind::Admissions.count(&self.api).await;
        let counted = counted.map_err(|error| self.unwritable(images, &explain(&error)))?;
        if counted >= MAX_NAMESPACES {
            let why = format!("there are those of {MAX_NAMESPACES} namespaces already");
            return Err(self.unwritable(images, &why));
        }
        let object = self.object(images, None).await?;
        let made = answer(self.api.create(&PostParams::default(), &object)).await;
        self.written(images, made)
    }

    async fn replace_record(
        &self,
        revision: &Revision,
        images: &AdmittedImages,
    ) -> Result<Written, RecordError> {
        let name = name_of(images.namespace());
        let object = self.object(images, Some(revision)).await?;
        let replaced = answer(self.api.replace(&name, &PostParams::default(), &object)).await;
        self.written(images, replaced)
    }

    async fn object(
        &self,
        images: &AdmittedImages,
        revision: Option<&Revision>,
    ) -> Result<ConfigMap, RecordError> {
        let owner = self.owner(images.namespace()).await;
        let owner = owner.map_err(|why| self.unwritable(images, &why))?;
        Ok(ConfigMap {
            metadata: ObjectMeta {
                name: Some(name_of(images.namespace())),
                resource_version: revision.map(|revision| revision.as_str().to_owned()),
                labels: Some(Kind::Admissions.labels()),
                owner_references: Some(vec![owner]),
                ..ObjectMeta::default()
            },
            data: Some(BTreeMap::from([(RECORD.to_owned(), images.to_json())])),
            ..ConfigMap::default()
        })
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

fn is_owned_by(record: &ConfigMap, owner: &OwnerReference) -> bool {
    let owners = record.metadata.owner_references.iter().flatten();
    owners.into_iter().any(|one| one.uid == owner.uid)
}

fn name_of(namespace: &Namespace) -> String {
    format!("{NAME_PREFIX}{}", namespace.as_str())
}
