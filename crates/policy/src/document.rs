use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_saphyr::DuplicateKeyPolicy;

use crate::error::{Fault, PolicyError, Position};
use crate::excerpt::excerpt;
use crate::{ApiGroup, Entry, Origin, Policy, portieris_v1, v1beta1};

/// The largest document, in bytes.
pub const MAX_DOCUMENT_BYTES: usize = 1 << 20;

/// How deep lists and maps may be nested, in a document and in an [`Opaque`](crate::Opaque) requirement.
pub const MAX_NESTING: usize = 64;

/// Reads one YAML document as a policy.
///
/// `default_namespace` is the namespace of an `ImagePolicy` that names none, as with `kubectl -n`.
pub fn from_yaml(text: &str, default_namespace: &str) -> Result<Policy, PolicyError> {
    check_size(text.len())?;
    read(&Yaml(text), default_namespace)
}

/// Reads one JSON document as a policy.
///
/// `default_namespace` is the namespace of an `ImagePolicy` that names none, as with `kubectl -n`.
pub fn from_json(bytes: &[u8], default_namespace: &str) -> Result<Policy, PolicyError> {
    check_size(bytes.len())?;
    read(&Json(bytes), default_namespace)
}

/// Reads a document that is parsed already, and whose size was bounded then, as a policy. Faults have a path and no position.
///
/// `default_namespace` is the namespace of an `ImagePolicy` that names none, as with `kubectl -n`.
pub fn from_value(
    document: &serde_json::Value,
    default_namespace: &str,
) -> Result<Policy, PolicyError> {
    read(&Parsed(document), default_namespace)
}

/// Reads one YAML document of another kind into a type of its own, as strictly as a policy: bounded in size and nesting, and
/// no key may come twice.
pub fn other_from_yaml<T: DeserializeOwned>(text: &str) -> Result<T, Fault> {
    within_bounds(text.len())?;
    Yaml(text).parse(Duplicates::Refused)
}

/// Reads one JSON document of another kind into a type of its own, as [`other_from_yaml`] does.
pub fn other_from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fault> {
    within_bounds(bytes.len())?;
    Json(bytes).parse(Duplicates::Refused)
}

/// Reads a document of another kind that is parsed already, and whose size was bounded then, into a type of its own.
pub fn other_from_value<T: DeserializeOwned>(document: &serde_json::Value) -> Result<T, Fault> {
    Parsed(document).parse(Duplicates::Refused)
}

fn within_bounds(bytes: usize) -> Result<(), Fault> {
    if bytes > MAX_DOCUMENT_BYTES {
        let message =
            format!("the document has {bytes} bytes: expected at most {MAX_DOCUMENT_BYTES}");
        Err(Fault::new("", None, &message, None))
    } else {
        Ok(())
    }
}

fn check_size(bytes: usize) -> Result<(), PolicyError> {
    if bytes > MAX_DOCUMENT_BYTES {
        Err(PolicyError::TooLarge { bytes })
    } else {
        Ok(())
    }
}

/// Reads twice: first only which policy it is, so that a fault in the rest can be laid at a policy's door.
fn read(source: &impl Source, default_namespace: &str) -> Result<Policy, PolicyError> {
    let header: Header = source
        .parse(Duplicates::RefusedWhereRead)
        .map_err(PolicyError::Header)?;
    let origin = header.origin(default_namespace)?;
    let entries = match origin.group() {
        ApiGroup::V1Beta1 => entries::<v1beta1::PolicySpec>(source),
        ApiGroup::PortierisV1 => entries::<portieris_v1::PolicySpec>(source),
    };
    match entries {
        Ok(entries) => Policy::new(origin, entries),
        Err(fault) => Err(PolicyError::Content { origin, fault }),
    }
}

fn entries<S: DeserializeOwned + Into<Vec<Entry>>>(
    source: &impl Source,
) -> Result<Vec<Entry>, Fault> {
    let document: Document<S> = source.parse(Duplicates::Refused)?;
    Ok(document.spec.into())
}

/// What says which policy a document is. The rest may be as wrong as it likes.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Header {
    api_version: String,
    kind: String,
    metadata: Metadata,
}

/// Metadata is the API server's: fields that come with a new version of it are passed over.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    name: String,
    namespace: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Document<S> {
    #[serde(rename = "apiVersion")]
    _api_version: IgnoredAny,
    #[serde(rename = "kind")]
    _kind: IgnoredAny,
    #[serde(rename = "metadata")]
    _metadata: IgnoredAny,
    spec: S,
}

impl Header {
    fn origin(self, default_namespace: &str) -> Result<Origin, PolicyError> {
        let group = ApiGroup::of_api_version(&self.api_version);
        match (group, self.kind.as_str()) {
            (Some(group), "ClusterImagePolicy") => self.metadata.cluster(group),
            (Some(group), "ImagePolicy") => self.metadata.namespaced(group, default_namespace),
            _ => Err(PolicyError::Kind {
                kind: excerpt(&self.kind).into(),
                api_version: excerpt(&self.api_version).into(),
            }),
        }
    }
}

impl Metadata {
    fn cluster(self, group: ApiGroup) -> Result<Origin, PolicyError> {
        match self.namespace {
            None => Ok(Origin::cluster(group, &self.name)?),
            Some(namespace) => Err(PolicyError::ClusterInNamespace {
                name: excerpt(&self.name).into(),
                namespace: excerpt(&namespace).into(),
            }),
        }
    }

    fn namespaced(self, group: ApiGroup, default_namespace: &str) -> Result<Origin, PolicyError> {
        let namespace = self.namespace.as_deref().unwrap_or(default_namespace);
        Ok(Origin::namespaced(group, namespace, &self.name)?)
    }
}

/// A document, in one of the forms that it comes in.
trait Source {
    fn parse<T: DeserializeOwned>(&self, duplicates: Duplicates) -> Result<T, Fault>;
}

/// What becomes of a key that comes twice in a map.
#[derive(Clone, Copy)]
enum Duplicates {
    /// The document is refused.
    Refused,
    /// It is refused only if the key is read.
    RefusedWhereRead,
}

struct Yaml<'a>(&'a str);

struct Json<'a>(&'a [u8]);

/// In a value no key comes twice: whoever parsed it has seen to that.
struct Parsed<'a>(&'a serde_json::Value);

impl Source for Yaml<'_> {
    fn parse<T: DeserializeOwned>(&self, duplicates: Duplicates) -> Result<T, Fault> {
        let mut path = String::new();
        let options = yaml_options(duplicates);
        serde_saphyr::with_deserializer_from_str_with_options(self.0, options, |yaml| {
            serde_path_to_error::deserialize(yaml).map_err(|error| {
                path = error.path().to_string();
                error.into_inner()
            })
        })
        .map_err(|error| yaml_fault(&path, &error))
    }
}

impl Source for Json<'_> {
    /// Whatever is read here refuses keys that come twice, in either case.
    fn parse<T: DeserializeOwned>(&self, _: Duplicates) -> Result<T, Fault> {
        let mut json = serde_json::Deserializer::from_slice(self.0);
        let parsed = serde_path_to_error::deserialize(&mut json)
            .map_err(|error| json_fault(&error.path().to_string(), error.inner()))?;
        json.end().map_err(|error| json_fault("", &error))?;
        Ok(parsed)
    }
}

impl Source for Parsed<'_> {
    fn parse<T: DeserializeOwned>(&self, _: Duplicates) -> Result<T, Fault> {
        serde_path_to_error::deserialize(self.0).map_err(|error| {
            Fault::new(
                &error.path().to_string(),
                None,
                &error.inner().to_string(),
                None,
            )
        })
    }
}

fn yaml_options(duplicates: Duplicates) -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MAX_NESTING,
            max_documents: 1,
        },
        duplicate_keys: match duplicates {
            Duplicates::Refused => DuplicateKeyPolicy::Error,
            Duplicates::RefusedWhereRead => DuplicateKeyPolicy::PassThrough,
        },
        with_snippet: false,
    }
}

fn yaml_fault(path: &str, error: &serde_saphyr::Error) -> Fault {
    let position = error.location().map(|location| Position {
        line: usize::try_from(location.line()).unwrap_or(usize::MAX),
        column: usize::try_from(location.column()).unwrap_or(usize::MAX),
    });
    let message = match error {
        serde_saphyr::Error::DuplicateMappingKey { key: Some(key), .. } => {
            format!("duplicate field `{key}`")
        }
        _ => error.render_with_formatter(&serde_saphyr::UserMessageFormatter),
    };
    let said =
        position.map(|Position { line, column }| format!(" at line {line}, column {column}"));
    Fault::new(path, position, &message, said)
}

fn json_fault(path: &str, error: &serde_json::Error) -> Fault {
    let (line, column) = (error.line(), error.column());
    let said = format!(" at line {line} column {column}");
    let position = Position { line, column };
    Fault::new(path, Some(position), &error.to_string(), Some(said))
}

#[cfg(test)]
mod tests;
