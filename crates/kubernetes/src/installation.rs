use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client};
use serde_json::Value;

use crate::cluster::answer;
use crate::error::is;
use crate::{Cluster, Error};

/// Whose fields they are, for server-side apply.
const MANAGER: &str = "cise-install";

/// One object of an installation, of any kind that the API server knows.
#[derive(Clone, Debug)]
pub struct InstalledObject {
    object: DynamicObject,
    resource: ApiResource,
}

/// What became of an object that was to be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deleted {
    /// It is deleted.
    Now,
    /// There was none.
    NotThere,
}

impl InstalledObject {
    /// The object that this JSON describes.
    pub fn new(json: Value) -> Result<Self, Error> {
        let unusable = |why: String| Error::Unusable {
            what: "an object of the installation".to_owned(),
            why,
        };
        let object: DynamicObject =
            serde_json::from_value(json).map_err(|error| unusable(error.to_string()))?;
        let types = object.types.as_ref();
        let kind = types
            .and_then(|types| GroupVersionKind::try_from(types).ok())
            .ok_or_else(|| unusable("it names no kind".to_owned()))?;
        let resource = ApiResource::from_gvk(&kind);
        Ok(Self { object, resource })
    }

    /// Its kind and name, as `Deployment ibm-system/cise`.
    pub fn place(&self) -> String {
        let (kind, metadata) = (&self.resource.kind, &self.object.metadata);
        let name = self.name();
        match &metadata.namespace {
            Some(namespace) => format!("{kind} {namespace}/{name}"),
            None => format!("{kind} {name}"),
        }
    }

    /// Makes it, or brings it up to date, by server-side apply. What others have set on it besides stays.
    pub async fn apply(&self, cluster: &Cluster) -> Result<(), Error> {
        let (parameters, patch) = (
            PatchParams::apply(MANAGER).force(),
            Patch::Apply(&self.object),
        );
        let api = self.api(cluster.client());
        let applied = answer(api.patch(self.name(), &parameters, &patch)).await;
        applied
            .map(drop)
            .map_err(|error| Error::request("applying", self.place(), &error))
    }

    /// Deletes it, and what it has made.
    pub async fn delete(&self, cluster: &Cluster) -> Result<Deleted, Error> {
        let api = self.api(cluster.client());
        match answer(api.delete(self.name(), &DeleteParams::background())).await {
            Ok(_) => Ok(Deleted::Now),
            Err(error) if is(&error, 404) => Ok(Deleted::NotThere),
            Err(error) => Err(Error::request("deleting", self.place(), &error)),
        }
    }

    fn api(&self, client: Client) -> Api<DynamicObject> {
        match &self.object.metadata.namespace {
            Some(namespace) => Api::namespaced_with(client, namespace, &self.resource),
            None => Api::all_with(client, &self.resource),
        }
    }

    fn name(&self) -> &str {
        self.object.metadata.name.as_deref().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(group: &str, kind: &str, metadata: &Value) -> InstalledObject {
        let json = json!({ "apiVersion": group, "kind": kind, "metadata": metadata });
        InstalledObject::new(json).unwrap()
    }

    #[test]
    fn an_object_is_known_by_its_kind_and_its_place() {
        let namespaced = json!({ "name": "cise", "namespace": "ibm-system" });
        for (object, place) in [
            (
                object("apps/v1", "Deployment", &namespaced),
                "Deployment ibm-system/cise",
            ),
            (
                object("v1", "Namespace", &json!({ "name": "ibm-system" })),
                "Namespace ibm-system",
            ),
        ] {
            assert_eq!(object.place(), place);
        }
    }

    #[test]
    fn what_names_no_kind_is_no_object() {
        let error = InstalledObject::new(json!({ "metadata": { "name": "cise" } })).unwrap_err();
        assert_eq!(
            error.to_string(),
            "an object of the installation cannot be used: it names no kind"
        );
    }

    #[test]
    fn kinds_are_found_under_their_plural_names() {
        for (group, kind, plural) in [
            ("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies"),
            ("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets"),
            (
                "admissionregistration.k8s.io/v1",
                "MutatingWebhookConfiguration",
                "mutatingwebhookconfigurations",
            ),
            (
                "apiextensions.k8s.io/v1",
                "CustomResourceDefinition",
                "customresourcedefinitions",
            ),
        ] {
            let object = object(group, kind, &json!({ "name": "cise" }));
            assert_eq!(object.resource.plural, plural);
        }
    }
}
