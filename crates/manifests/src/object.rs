//! The Kubernetes objects of a manifest.

use std::sync::Arc;

use crate::node::Node;
use crate::place::{Place, Position};
use crate::{Manifest, ManifestError};

/// One Kubernetes object, be it a document or an element of a list.
pub(crate) struct Object {
    file: Arc<str>,
    pub(crate) api_version: Box<str>,
    pub(crate) kind: Box<str>,
    /// Its name, or the beginning of the name that the API server will make up.
    pub(crate) name: Box<str>,
    /// The namespace that it names.
    pub(crate) namespace: Option<Box<str>>,
    pub(crate) node: Node,
}

/// Version and kind, as far as they are known before an object is read: from the list that it is in.
#[derive(Clone, Copy)]
struct Type<'a> {
    api_version: &'a str,
    kind: &'a str,
}

impl Object {
    /// All objects of a manifest. Lists (`List`, `PodList`, …) give their elements.
    pub(crate) fn all_of(manifest: &Manifest) -> Result<Vec<Self>, ManifestError> {
        let file = manifest.name();
        let mut objects = Vec::new();
        for document in manifest.documents()? {
            collect(file, document, None, &mut objects)?;
        }
        Ok(objects)
    }

    /// Where the object begins.
    pub(crate) fn place(&self) -> Place {
        place(&self.file, self.node.position)
    }

    /// Where the thing at the end of a path is, or as much of the path as there is.
    pub(crate) fn nearest<'a>(&self, path: impl IntoIterator<Item = &'a str>) -> Place {
        place(&self.file, self.node.nearest(path))
    }

    /// A field that is not as it should be.
    pub(crate) fn fault(&self, field: &str, expected: &'static str) -> ManifestError {
        ManifestError::Field {
            place: self.nearest(steps(field)),
            what: format!("{}: {field}", self.title()),
            expected,
        }
    }

    /// The object in JSON, with its version and kind even where only its list says them.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        let mut json = serde_json::to_value(&self.node).unwrap_or_default();
        if let Some(fields) = json.as_object_mut() {
            fields.insert("apiVersion".to_owned(), (*self.api_version).into());
            fields.insert("kind".to_owned(), (*self.kind).into());
        }
        json
    }

    /// The namespace that it is in if those that name none are in `default`.
    pub(crate) fn namespace_or(&self, default: &str) -> Box<str> {
        self.namespace.clone().unwrap_or_else(|| default.into())
    }

    /// The object for people: `Secret team/alice`.
    fn title(&self) -> String {
        let name = match &self.namespace {
            Some(namespace) => format!("{namespace}/{}", self.name),
            None => self.name.to_string(),
        };
        format!("{} {name}", self.kind).trim_end().to_owned()
    }

    fn new(file: &Arc<str>, node: Node, known: Option<Type<'_>>) -> Result<Self, ManifestError> {
        let api_version = text(file, &node, &["apiVersion"])?.or_else(|| Some(known?.api_version));
        let kind = text(file, &node, &["kind"])?.or_else(|| Some(known?.kind));
        let (Some(api_version), Some(kind)) = (api_version, kind) else {
            let field = if api_version.is_none() {
                "apiVersion"
            } else {
                "kind"
            };
            return Err(fault(
                file,
                &node,
                &[field],
                "a Kubernetes object with `apiVersion` and `kind`",
            ));
        };
        let name = text(file, &node, &["metadata", "name"])?;
        let name = name
            .or(text(file, &node, &["metadata", "generateName"])?)
            .unwrap_or_default();
        let namespace = text(file, &node, &["metadata", "namespace"])?
            .filter(|namespace| !namespace.is_empty());
        Ok(Self {
            file: Arc::clone(file),
            api_version: api_version.into(),
            kind: kind.into(),
            name: name.into(),
            namespace: namespace.map(Into::into),
            node,
        })
    }

    /// The elements, if this is a list.
    fn take_items(&mut self) -> Result<Option<Vec<Node>>, ManifestError> {
        match self.node.get("items") {
            Some(items) if self.kind.ends_with("List") && items.as_list().is_none() => {
                Err(self.fault("items", "a list of objects"))
            }
            Some(_) if self.kind.ends_with("List") => {
                Ok(self.node.take("items").map(Node::into_list))
            }
            _ => Ok(None),
        }
    }

    /// What the elements of this list are, if they need not say so themselves.
    fn type_of_items(&self) -> Option<Type<'_>> {
        let kind = self
            .kind
            .strip_suffix("List")
            .filter(|kind| !kind.is_empty())?;
        Some(Type {
            api_version: &self.api_version,
            kind,
        })
    }
}

/// The steps of a path like `spec.repositories[0].name` or `/spec/repositories/0/name`.
pub(crate) fn steps(path: &str) -> impl Iterator<Item = &str> {
    path.split(['/', '.', '[', ']'])
        .filter(|step| !step.is_empty())
}

fn collect(
    file: &Arc<str>,
    node: Node,
    known: Option<Type<'_>>,
    objects: &mut Vec<Object>,
) -> Result<(), ManifestError> {
    let mut object = Object::new(file, node, known)?;
    let Some(items) = object.take_items()? else {
        objects.push(object);
        return Ok(());
    };
    let known = object.type_of_items();
    items
        .into_iter()
        .try_for_each(|item| collect(file, item, known, objects))
}

/// A text at the end of a path of maps; nothing if it, or what should contain it, is absent or null.
fn text<'n>(
    file: &Arc<str>,
    node: &'n Node,
    path: &[&str],
) -> Result<Option<&'n str>, ManifestError> {
    let mut value = node;
    for (depth, field) in path.iter().enumerate() {
        if value.as_map().is_none() {
            let parent = path.get(..depth).unwrap_or_default();
            return Err(fault(file, node, parent, "a map of fields"));
        }
        let Some(inner) = value.get(field) else {
            return Ok(None);
        };
        value = inner;
    }
    value
        .as_text()
        .map(Some)
        .ok_or_else(|| fault(file, node, path, "a string"))
}

fn fault(file: &Arc<str>, node: &Node, path: &[&str], expected: &'static str) -> ManifestError {
    ManifestError::Field {
        place: place(file, node.nearest(path.iter().copied())),
        what: if path.is_empty() {
            "document".to_owned()
        } else {
            path.join(".")
        },
        expected,
    }
}

fn place(file: &Arc<str>, position: Position) -> Place {
    Place {
        file: Arc::clone(file),
        position,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objects(text: &str) -> Result<Vec<Object>, String> {
        let manifest = Manifest::read_from("pods.yaml", text.as_bytes()).unwrap();
        Object::all_of(&manifest).map_err(|error| error.to_string())
    }

    #[test]
    fn lists_give_their_elements_wherever_they_come_from() {
        let text = "
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Pod, metadata: {name: a}}
- apiVersion: apps/v1
  kind: DeploymentList
  items:
  - metadata: {name: b, namespace: team}
  - {apiVersion: example.com/v1, kind: Other, metadata: {name: c}}
---
{apiVersion: v1, kind: PodList, items: []}
---
{apiVersion: v1, kind: Service, metadata: {name: d}}
---
{apiVersion: example.com/v1, kind: AllowList, metadata: {name: e}}
";
        let found: Vec<String> = objects(text)
            .unwrap()
            .iter()
            .map(|object| {
                format!(
                    "{} {} line {}",
                    object.api_version,
                    object.title(),
                    object.place().position.line
                )
            })
            .collect();
        assert_eq!(
            found,
            [
                "v1 Pod a line 5",
                "apps/v1 Deployment team/b line 9",
                "example.com/v1 Other c line 10",
                "v1 Service d line 14",
                "example.com/v1 AllowList e line 16"
            ]
        );
    }

    #[test]
    fn what_is_no_object_is_refused_with_its_place() {
        for (text, expected) in [
            (
                "a: b\n",
                "pods.yaml:1:1: apiVersion: expected a Kubernetes object with `apiVersion` and `kind`",
            ),
            (
                "apiVersion: v1\nmetadata: {}\n",
                "pods.yaml:1:1: kind: expected a Kubernetes object with `apiVersion` and `kind`",
            ),
            (
                "apiVersion: v1\nkind: [Pod]\n",
                "pods.yaml:2:1: kind: expected a string",
            ),
            ("- a\n", "pods.yaml:1:1: document: expected a map of fields"),
            (
                "just text\n",
                "pods.yaml:1:1: document: expected a map of fields",
            ),
            (
                "apiVersion: v1\nkind: Pod\nmetadata: x\n",
                "pods.yaml:3:1: metadata: expected a map of fields",
            ),
            (
                "apiVersion: v1\nkind: Pod\nmetadata:\n  name: 5\n",
                "pods.yaml:4:3: metadata.name: expected a string",
            ),
            (
                "apiVersion: v1\nkind: List\nitems: 5\n",
                "pods.yaml:3:1: List: items: expected a list of objects",
            ),
            (
                "apiVersion: v1\nkind: List\nitems:\n- a: b\n",
                "pods.yaml:4:3: apiVersion: expected a Kubernetes object with `apiVersion` and `kind`",
            ),
            (
                "a: [\n",
                "pods.yaml:1:4: expected YAML or JSON: unclosed bracket '['",
            ),
        ] {
            assert_eq!(objects(text).err().unwrap(), expected, "{text}");
        }
    }
}
