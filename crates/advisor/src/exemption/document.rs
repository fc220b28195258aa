use cise_policy::{
    Fault, NameError, Namespace, other_from_json, other_from_value, other_from_yaml,
};
use serde::{Deserialize, Serialize, Serializer};

use super::{Exemption, ExemptionError, ExemptionSpec, Origin, Scope};

/// Reads one YAML document as an exemption.
///
/// `default_namespace` is the namespace of an `ImageExemption` that names none, as with `kubectl -n`.
pub fn from_yaml(text: &str, default_namespace: &str) -> Result<Exemption, ExemptionError> {
    read(other_from_yaml(text), default_namespace)
}

/// Reads one JSON document as an exemption.
///
/// `default_namespace` is the namespace of an `ImageExemption` that names none, as with `kubectl -n`.
pub fn from_json(bytes: &[u8], default_namespace: &str) -> Result<Exemption, ExemptionError> {
    read(other_from_json(bytes), default_namespace)
}

/// Reads a document that is parsed already, and whose size was bounded then, as an exemption. Faults have a path and no
/// position.
///
/// `default_namespace` is the namespace of an `ImageExemption` that names none, as with `kubectl -n`.
pub fn from_value(
    document: &serde_json::Value,
    default_namespace: &str,
) -> Result<Exemption, ExemptionError> {
    read(other_from_value(document), default_namespace)
}

fn read(
    document: Result<Document, Fault>,
    default_namespace: &str,
) -> Result<Exemption, ExemptionError> {
    let document = document.map_err(ExemptionError::Document)?;
    let origin = document.metadata.origin(document.kind, default_namespace)?;
    Exemption::new(origin, document.spec)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Document {
    #[serde(rename = "apiVersion")]
    _api_version: ApiVersion,
    kind: Kind,
    metadata: Metadata,
    spec: ExemptionSpec,
}

#[derive(Deserialize, Serialize)]
enum ApiVersion {
    #[serde(rename = "securityenforcement.admission.cloud.ibm.com/v1beta1")]
    V1Beta1,
}

#[derive(Clone, Copy, Deserialize, Serialize)]
enum Kind {
    ImageExemption,
    ClusterImageExemption,
}

/// Metadata is the API server's: fields that come with a new version of it are passed over.
#[derive(Deserialize)]
struct Metadata {
    name: Box<str>,
    namespace: Option<Box<str>>,
}

/// What a resource is written as.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    api_version: ApiVersion,
    kind: Kind,
    metadata: WrittenMetadata<'a>,
    spec: &'a ExemptionSpec,
}

#[derive(Serialize)]
struct WrittenMetadata<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
}

/// The resource, as a file or the API server takes it.
impl Serialize for Exemption {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let origin = self.origin();
        let (kind, namespace) = match origin.scope() {
            Scope::Cluster => (Kind::ClusterImageExemption, None),
            Scope::Namespace(namespace) => (Kind::ImageExemption, Some(namespace.as_str())),
        };
        let metadata = WrittenMetadata {
            name: origin.name(),
            namespace,
        };
        let written = Written {
            api_version: ApiVersion::V1Beta1,
            kind,
            metadata,
            spec: self.spec(),
        };
        written.serialize(serializer)
    }
}

impl Metadata {
    fn origin(self, kind: Kind, default_namespace: &str) -> Result<Origin, ExemptionError> {
        let scope = match (kind, self.namespace) {
            (Kind::ClusterImageExemption, None) => Scope::Cluster,
            (Kind::ClusterImageExemption, Some(namespace)) => {
                return Err(ExemptionError::ClusterInNamespace {
                    name: excerpt(&self.name),
                    namespace: excerpt(&namespace),
                });
            }
            (Kind::ImageExemption, own) => {
                in_namespace(own.as_deref().unwrap_or(default_namespace))?
            }
        };
        Ok(Origin::new(scope, &self.name)?)
    }
}

fn in_namespace(name: &str) -> Result<Scope, NameError> {
    Namespace::parse(name).map(Scope::Namespace)
}

/// The longest name that Kubernetes accepts is all that a message needs of one.
fn excerpt(name: &str) -> Box<str> {
    let start: String = name.chars().take(253).collect();
    start.escape_default().to_string().into()
}
