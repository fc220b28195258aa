//! The objects of a manifest that name images.

use cise_admission::Kind;

use crate::object::{Object, steps};
use crate::{Manifest, ManifestError, Place};

/// The groups that have, or once had, kinds whose objects name images.
const GROUPS: [&str; 4] = ["", "apps", "batch", "extensions"];

/// An object of a manifest whose pods would run images.
pub struct Workload {
    kind: Kind,
    namespace: Box<str>,
    object: Object,
    json: String,
}

/// The objects of a manifest whose pods would run images, in its order. All others are passed over.
///
/// What names no namespace is in `default_namespace`.
pub fn workloads(
    manifest: &Manifest,
    default_namespace: &str,
) -> Result<Vec<Workload>, ManifestError> {
    let mut found = Vec::new();
    for object in Object::all_of(manifest)? {
        if let Some(kind) = kind_of(&object)? {
            found.push(Workload {
                kind,
                namespace: object.namespace_or(default_namespace),
                json: object.to_json().to_string(),
                object,
            });
        }
    }
    Ok(found)
}

impl Workload {
    /// Its kind.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The namespace that it would be created in.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Its name, or the beginning of the name that the API server would make up; empty if it has neither.
    pub fn name(&self) -> &str {
        &self.object.name
    }

    /// The object in JSON.
    pub fn json(&self) -> &str {
        &self.json
    }

    /// Where it begins.
    pub fn place(&self) -> Place {
        self.object.place()
    }

    /// Where a field is, or as much of the way to it as there is. The path is a JSON pointer (RFC 6901) or one like
    /// `spec.containers[0].image`; names in it have neither dots, slashes nor brackets.
    pub fn place_of(&self, path: &str) -> Place {
        self.object.nearest(steps(path))
    }
}

fn kind_of(object: &Object) -> Result<Option<Kind>, ManifestError> {
    let (group, version) = object
        .api_version
        .rsplit_once('/')
        .unwrap_or(("", &object.api_version));
    let kind = Kind::find(group, version, &object.kind);
    match served(&object.kind) {
        Some(served) if kind.is_none() && GROUPS.contains(&group) => Err(ManifestError::Unserved {
            place: object.nearest(["apiVersion"]),
            kind: object.kind.to_string(),
            api_version: object.api_version.to_string(),
            served,
        }),
        _ => Ok(kind),
    }
}

/// Group and version in which Kubernetes serves a kind whose objects name images.
fn served(kind: &str) -> Option<String> {
    let group = GROUPS
        .into_iter()
        .find(|group| Kind::find(group, "v1", kind).is_some())?;
    Some(if group.is_empty() {
        "v1".to_owned()
    } else {
        format!("{group}/v1")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Workload>, String> {
        let manifest = Manifest::read_from("app.yaml", text.as_bytes()).unwrap();
        workloads(&manifest, "default").map_err(|error| error.to_string())
    }

    #[test]
    fn workloads_are_found_among_other_objects_with_their_namespaces() {
        let text = "
apiVersion: v1
kind: Service
metadata: {name: web}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: team}
spec:
  template:
    spec:
      containers:
      - name: a
        image: nginx
---
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Pod
  metadata: {generateName: job-}
  spec: {containers: [{name: b, image: busybox}]}
---
apiVersion: serving.knative.dev/v1
kind: Deployment
metadata: {name: of-another-group}
";
        let found = read(text).unwrap();
        let shown: Vec<String> = found
            .iter()
            .map(|one| {
                format!(
                    "{} {}/{} {}",
                    one.kind().as_str(),
                    one.namespace(),
                    one.name(),
                    one.place()
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                "Deployment team/web app.yaml:6:1",
                "Pod default/job- app.yaml:19:3"
            ]
        );
        assert_eq!(
            found[0]
                .place_of("/spec/template/spec/containers/0/image")
                .to_string(),
            "app.yaml:14:9"
        );
        assert_eq!(
            found[1].place_of("/spec/containers/0/image").to_string(),
            "app.yaml:22:33"
        );
        assert!(found[1].json().contains(r#""image":"busybox""#));
    }

    #[test]
    fn a_version_that_is_no_longer_served_is_an_error_and_not_passed_over() {
        for (api_version, kind, served) in [
            ("extensions/v1beta1", "Deployment", "apps/v1"),
            ("apps/v1beta2", "DaemonSet", "apps/v1"),
            ("batch/v1beta1", "CronJob", "batch/v1"),
            ("v2", "Pod", "v1"),
            ("apps/v1", "Pod", "v1"),
        ] {
            let expected = format!(
                "app.yaml:1:1: {kind} of `{api_version}`: expected a version that Kubernetes serves, `{served}`"
            );
            assert_eq!(
                read(&format!("apiVersion: {api_version}\nkind: {kind}\n"))
                    .err()
                    .unwrap(),
                expected
            );
        }
    }
}
