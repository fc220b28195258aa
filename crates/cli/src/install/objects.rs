//! The objects of an installation: those of the chart, for the choices that were made.

use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use cise_kubernetes::{definitions, exemption_definitions};
use cise_policy::ApiGroup;
use cise_reference::{Digest, Reference};
use serde_json::{Map, Value, json};

use crate::failure::Failure;

/// What the chart makes by default, in the namespace [`NAMESPACE`], without the definitions of resources. A test makes it anew
/// and compares.
const MANIFESTS: &str = include_str!("manifests.yaml");

/// Stands for the namespace in [`MANIFESTS`].
pub(crate) const NAMESPACE: &str = "namespace-of-cise";

/// The image of the chart that this version goes with.
const REPOSITORY: &str = "icr.io/ibm/ibmcloud-image-enforcement";
const IMAGE: &str = concat!(
    "icr.io/ibm/ibmcloud-image-enforcement:",
    env!("CARGO_PKG_VERSION")
);

/// What was chosen.
pub(crate) struct Installation {
    pub(crate) namespace: String,
    pub(crate) image: Option<Reference>,
    pub(crate) replicas: u32,
}

impl Installation {
    /// The one in this namespace, where nothing else matters.
    pub(crate) fn in_namespace(namespace: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            image: None,
            replicas: 1,
        }
    }

    /// The objects, in the order in which they have to be made.
    pub(crate) fn objects(&self) -> Result<Vec<Value>, Failure> {
        let mut objects = vec![self.own_namespace()];
        objects.extend(definitions(ApiGroup::V1Beta1));
        objects.extend(exemption_definitions());
        for document in MANIFESTS.split("\n---\n") {
            let object: Value = serde_saphyr::from_str(&self.chosen(document))?;
            if object.is_object() && !is_hook(&object) {
                objects.push(object);
            }
        }
        let configuration = objects.iter().find(|object| is(object, "ConfigMap"));
        let checksum = configuration.and_then(|found| found.get("data").map(checksum));
        for object in &mut objects {
            self.adapt(object, checksum.as_deref().unwrap_or_default());
        }
        objects.sort_by_key(rank);
        Ok(objects)
    }

    fn own_namespace(&self) -> Value {
        json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": self.namespace } })
    }

    fn chosen(&self, document: &str) -> String {
        let document = document.replace(NAMESPACE, &self.namespace);
        match self.image.as_ref().map(ToString::to_string) {
            None => document,
            Some(image) => document
                .replace(IMAGE, &image)
                .replace(REPOSITORY, repository_as_written(&image)),
        }
    }

    fn adapt(&self, object: &mut Value, checksum: &str) {
        forget_helm(object);
        if !is(object, "Deployment") {
            return;
        }
        if let Some(replicas) = object.pointer_mut("/spec/replicas") {
            *replicas = self.replicas.into();
        }
        let annotated = "/spec/template/metadata/annotations/checksum~1configuration";
        if let Some(annotated) = object.pointer_mut(annotated) {
            *annotated = checksum.into();
        }
        if let Some(template) = object.pointer_mut("/spec/template") {
            forget_helm(template);
        }
    }
}

fn is(object: &Value, kind: &str) -> bool {
    object.get("kind").is_some_and(|found| found == kind)
}

/// Self-healing knows CISE's pods by the repository as it is written in them.
fn repository_as_written(image: &str) -> &str {
    let named = image.split_once('@').map_or(image, |(named, _)| named);
    match named.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => named,
    }
}

/// Hooks are what Helm runs at its own times.
fn is_hook(object: &Value) -> bool {
    object
        .pointer("/metadata/annotations/helm.sh~1hook")
        .is_some()
}

fn forget_helm(object: &mut Value) {
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else {
        return;
    };
    for what in ["labels", "annotations"] {
        if let Some(named) = metadata.get_mut(what).and_then(Value::as_object_mut) {
            named.retain(|name, _| !name.starts_with("helm.sh/"));
            manage(named);
        }
    }
}

fn manage(labels: &mut Map<String, Value>) {
    if let Some(manager) = labels.get_mut("app.kubernetes.io/managed-by") {
        *manager = "cise".into();
    }
}

/// Pods are replaced when their configuration changes.
fn checksum(data: &Value) -> String {
    let hash = digest(&SHA256, data.to_string().as_bytes());
    let mut bytes = [0; SHA256_OUTPUT_LEN];
    bytes.copy_from_slice(hash.as_ref());
    Digest::sha256(bytes).to_string()
}

/// What is needed by others comes before them; what starts pods, in the end.
fn rank(object: &Value) -> u8 {
    match object.get("kind").and_then(Value::as_str) {
        Some("Namespace") => 0,
        Some("CustomResourceDefinition") => 1,
        Some("Deployment") => 3,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn installation(image: Option<&str>) -> Vec<Value> {
        let installation = Installation {
            namespace: "security".to_owned(),
            image: image.map(|image| Reference::parse(image).unwrap()),
            replicas: 5,
        };
        installation.objects().unwrap()
    }

    fn of_kind<'o>(objects: &'o [Value], kind: &str) -> &'o Value {
        objects.iter().find(|object| is(object, kind)).unwrap()
    }

    #[test]
    fn nothing_speaks_of_helm_or_of_a_namespace_that_was_not_chosen() {
        for object in installation(None) {
            // What the definitions say to people may name either.
            if is(&object, "CustomResourceDefinition") {
                continue;
            }
            let text = object.to_string();
            for word in ["helm.sh", "Helm", NAMESPACE, "ibm-system"] {
                assert!(!text.contains(word), "{word}: {text}");
            }
        }
    }

    #[test]
    fn the_namespace_comes_first_and_the_pods_come_last() {
        let objects = installation(None);
        assert_eq!(objects.first().unwrap()["kind"], "Namespace");
        let last = objects.last().unwrap();
        assert_eq!(last["kind"], "Deployment");
        assert_eq!(of_kind(&objects, "Deployment")["spec"]["replicas"], 5);
    }

    #[test]
    fn the_image_that_is_chosen_is_what_runs_and_what_heals_itself() {
        let digest = format!("sha256:{}", "a".repeat(64));
        for (image, repository) in [
            (
                "registry.example.com:5000/cise:2.1",
                "registry.example.com:5000/cise",
            ),
            (
                "registry.example.com/security/cise",
                "registry.example.com/security/cise",
            ),
            (
                &format!("registry.example.com/cise@{digest}"),
                "registry.example.com/cise",
            ),
        ] {
            let objects = installation(Some(image));
            let pod = &of_kind(&objects, "Deployment")["spec"]["template"]["spec"];
            assert_eq!(pod["containers"][0]["image"], image);
            let configuration = of_kind(&objects, "ConfigMap")["data"]["config.yaml"].as_str();
            let line = format!("repository: {repository}\n");
            assert!(configuration.unwrap().contains(&line), "{configuration:?}");
        }
    }

    #[test]
    fn another_configuration_is_another_checksum() {
        let of = |namespace: &str| {
            let objects = Installation::in_namespace(namespace).objects().unwrap();
            let annotated = "/spec/template/metadata/annotations/checksum~1configuration";
            of_kind(&objects, "Deployment").pointer(annotated).cloned()
        };
        assert_eq!(of("a"), of("a"));
        assert_ne!(of("a"), of("b"));
    }
}
