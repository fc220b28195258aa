use cise_advisor::exemption::ExemptionSpec;
use cise_policy::{ApiGroup, portieris_v1, v1beta1};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use crate::{ExemptionKind, PolicyKind, PolicyResource};

/// The two `CustomResourceDefinition`s of a group, as a cluster takes them (`apiextensions.k8s.io/v1`).
///
/// Their schemas come of the types that policies are read into. They keep unknown fields: the API server would else prune
/// them, and a misspelt requirement would silently be none.
pub fn definitions(group: ApiGroup) -> [Value; 2] {
    [PolicyKind::Namespace, PolicyKind::Cluster]
        .map(|kind| definition(PolicyResource::new(group, kind)))
}

/// The `CustomResourceDefinition`s of exemptions.
pub fn exemption_definitions() -> [Value; 2] {
    ExemptionKind::ALL.map(|kind| {
        Definition {
            group: ApiGroup::V1Beta1.name(),
            version: "v1beta1",
            scope: match kind {
                ExemptionKind::Namespace => "Namespaced",
                ExemptionKind::Cluster => "Cluster",
            },
            kind: kind.name(),
            plural: kind.plural(),
            singular: &kind.name().to_lowercase(),
            schema: exemption_schema(kind),
            columns: exemption_columns(),
        }
        .to_json()
    })
}

fn definition(resource: PolicyResource) -> Value {
    let kind = resource.kind();
    Definition {
        group: resource.group().name(),
        version: resource.version(),
        scope: match kind {
            PolicyKind::Namespace => "Namespaced",
            PolicyKind::Cluster => "Cluster",
        },
        kind: kind.name(),
        plural: kind.plural(),
        singular: kind.singular(),
        schema: object_schema(resource),
        columns: columns(),
    }
    .to_json()
}

/// What tells one definition from another.
struct Definition<'a> {
    group: &'a str,
    version: &'a str,
    scope: &'a str,
    kind: &'a str,
    plural: &'a str,
    singular: &'a str,
    schema: Value,
    columns: Value,
}

impl Definition<'_> {
    fn to_json(&self) -> Value {
        json!({
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": { "name": format!("{}.{}", self.plural, self.group) },
            "spec": {
                "group": self.group,
                "scope": self.scope,
                "names": {
                    "kind": self.kind,
                    "listKind": format!("{}List", self.kind),
                    "plural": self.plural,
                    "singular": self.singular,
                },
                "versions": [{
                    "name": self.version,
                    "served": true,
                    "storage": true,
                    "schema": { "openAPIV3Schema": self.schema },
                    "additionalPrinterColumns": self.columns,
                }],
            },
        })
    }
}

fn exemption_schema(kind: ExemptionKind) -> Value {
    json!({
        "type": "object",
        "description": match kind {
            ExemptionKind::Namespace => "An issue of the Vulnerability Advisor that does not count for the pods of a namespace.",
            ExemptionKind::Cluster => "An issue of the Vulnerability Advisor that does not count for any pod.",
        },
        "required": ["spec"],
        // An end that is one level too high would else be pruned, and the exemption be one without an end.
        "x-kubernetes-preserve-unknown-fields": true,
        "properties": { "spec": spec_schema::<ExemptionSpec>() },
    })
}

/// What `kubectl get` shows of an exemption besides the name.
fn exemption_columns() -> Value {
    json!([
        { "name": "Issue", "type": "string", "description": "The issue.", "jsonPath": ".spec.issueID" },
        { "name": "Images", "type": "string", "description": "Of which images.", "jsonPath": ".spec.images" },
        { "name": "Owner", "type": "string", "description": "Who answers for it.", "jsonPath": ".spec.owner" },
        { "name": "Expires", "type": "string", "description": "When it ends.", "jsonPath": ".spec.expires" },
        { "name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp" },
    ])
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
