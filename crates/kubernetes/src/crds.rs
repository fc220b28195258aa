use cise_policy::{ApiGroup, portieris_v1, v1beta1};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use crate::{PolicyKind, PolicyResource};

/// The two `CustomResourceDefinition`s of a group, as a cluster takes them (`apiextensions.k8s.io/v1`).
///
/// Their schemas come of the types that policies are read into. They keep unknown fields: the API server would else prune
/// them, and a misspelt requirement would silently be none.
pub fn definitions(group: ApiGroup) -> [Value; 2] {
    [PolicyKind::Namespace, PolicyKind::Cluster]
        .map(|kind| definition(PolicyResource::new(group, kind)))
}

fn definition(resource: PolicyResource) -> Value {
    let kind = resource.kind();
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": resource.to_string() },
        "spec": {
            "group": resource.group().name(),
            "scope": match kind {
                PolicyKind::Namespace => "Namespaced",
                PolicyKind::Cluster => "Cluster",
            },
            "names": {
                "kind": kind.name(),
                "listKind": format!("{}List", kind.name()),
                "plural": kind.plural(),
                "singular": kind.singular(),
            },
            "versions": [{
                "name": resource.version(),
                "served": true,
                "storage": true,
                "schema": { "openAPIV3Schema": object_schema(resource) },
                "additionalPrinterColumns": columns(),
            }],
        },
    })
}

fn object_schema(resource: PolicyResource) -> Value {
    json!({
        "type": "object",
        "description": match resource.kind() {
            PolicyKind::Namespace => "Which images may run in a namespace, and what is required of them. All ImagePolicies of the namespace count, and no ClusterImagePolicy beside them.",
            PolicyKind::Cluster => "Which images may run in the namespaces that have no ImagePolicy, and what is required of them. All ClusterImagePolicies count.",
        },
        "required": ["spec"],
        // What is one level too high would else be pruned, and a requirement there be none.
        "x-kubernetes-preserve-unknown-fields": true,
        "properties": {
            "spec": match resource.group() {
                ApiGroup::V1Beta1 => spec_schema::<v1beta1::PolicySpec>(),
                ApiGroup::PortierisV1 => spec_schema::<portieris_v1::PolicySpec>(),
            },
        },
    })
}

/// A structural schema: nothing is referred to, and null is said by `nullable`, as in version 3.0 of the `OpenAPI` specification.
fn spec_schema<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::openapi3().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.remove("title");
    schema.to_value()
}

/// What `kubectl get` shows besides the name.
fn columns() -> Value {
    json!([
        {
            "name": "Images",
            "type": "string",
            "description": "The patterns of the images that may run.",
            "jsonPath": ".spec.repositories[*].name",
        },
        { "name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp" },
    ])
}
