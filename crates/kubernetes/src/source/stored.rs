use std::borrow::Cow;
use std::sync::Arc;

use cise_policy::{NameError, Origin, Policy, Unreadable};
use kube::Resource;
use kube::core::{DynamicResourceScope, ObjectMeta};
use serde::{Deserialize, Deserializer, de};
use serde_json::value::RawValue;

use crate::PolicyResource;

/// A policy as the API server sends it: what the watch has to know of it, and its text.
///
/// The text is not parsed into a tree on the way. One policy that is nested too deeply, or otherwise no policy, must not keep
/// the list of all others from being read.
#[derive(Clone, Debug)]
pub(super) struct StoredPolicy {
    metadata: ObjectMeta,
    json: Box<RawValue>,
}

/// What a stored policy is read as.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Content {
    Policy(Arc<Policy>),
    Unreadable(Unreadable),
}

impl StoredPolicy {
    /// Which policy it is.
    pub(super) fn origin(&self, resource: PolicyResource) -> Result<Origin, NameError> {
        let name = self.metadata.name.as_deref().unwrap_or_default();
        resource.origin(self.metadata.namespace.as_deref(), name)
    }

    /// Reads all of it, and knows it even where it cannot be read.
    pub(super) fn read(&self, resource: PolicyResource) -> Result<(Origin, Content), NameError> {
        let origin = self.origin(resource)?;
        let namespace = self.metadata.namespace.as_deref().unwrap_or_default();
        let content = match cise_policy::from_json(self.json.get().as_bytes(), namespace) {
            Ok(policy) if *policy.origin() == origin => Content::Policy(Arc::new(policy)),
            Ok(policy) => {
                let reason = format!("it calls itself {}", policy.origin());
                Content::unreadable(&origin, reason)
            }
            Err(error) => {
                let known = Unreadable::of(&error).map(|unreadable| unreadable.reason);
                Content::unreadable(&origin, known.unwrap_or_else(|| error.to_string().into()))
            }
        };
        // The names of the policy itself, which are held once then.
        Ok((content.origin().clone(), content))
    }
}

impl Content {
    fn origin(&self) -> &Origin {
        match self {
            Self::Policy(policy) => policy.origin(),
            Self::Unreadable(unreadable) => &unreadable.origin,
        }
    }

    fn unreadable(origin: &Origin, reason: impl Into<Box<str>>) -> Self {
        Self::Unreadable(Unreadable {
            origin: origin.clone(),
            reason: reason.into(),
        })
    }
}

impl<'de> Deserialize<'de> for StoredPolicy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Box::<RawValue>::deserialize(deserializer)?;
        let Head { metadata } = serde_json::from_str(json.get()).map_err(de::Error::custom)?;
        Ok(Self {
            metadata: ObjectMeta {
                name: metadata.name,
                namespace: metadata.namespace,
                resource_version: metadata.resource_version,
                ..ObjectMeta::default()
            },
            json,
        })
    }
}

#[derive(Deserialize)]
struct Head {
    metadata: Metadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    name: Option<String>,
    namespace: Option<String>,
    resource_version: Option<String>,
}

impl Resource for StoredPolicy {
    type DynamicType = PolicyResource;
    type Scope = DynamicResourceScope;

    fn kind(resource: &PolicyResource) -> Cow<'_, str> {
        resource.kind().name().into()
    }

    fn group(resource: &PolicyResource) -> Cow<'_, str> {
        resource.group().name().into()
    }

    fn version(resource: &PolicyResource) -> Cow<'_, str> {
        resource.version().into()
    }

    fn plural(resource: &PolicyResource) -> Cow<'_, str> {
        resource.kind().plural().into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

#[cfg(test)]
mod tests {
    use cise_policy::ApiGroup;
    use kube::core::{ObjectList, WatchEvent};

    use super::*;
    use crate::PolicyKind;

    const RESOURCE: PolicyResource = PolicyResource::new(ApiGroup::V1Beta1, PolicyKind::Namespace);

    fn policy(name: &str, spec: &str) -> String {
        format!(
            r#"{{"apiVersion":"securityenforcement.admission.cloud.ibm.com/v1beta1","kind":"ImagePolicy","metadata":{{"name":"{name}","namespace":"team","resourceVersion":"7","managedFields":[]}},"spec":{spec}}}"#
        )
    }

    /// The reason why it cannot be read, if it cannot.
    fn fault(json: &str) -> Option<String> {
        let stored: StoredPolicy = serde_json::from_str(json).unwrap();
        let (origin, content) = stored.read(RESOURCE).unwrap();
        assert_eq!(origin.to_string(), "ImagePolicy team/web");
        match content {
            Content::Policy(policy) => {
                assert_eq!(*policy.origin(), origin);
                None
            }
            Content::Unreadable(unreadable) => {
                assert_eq!(unreadable.origin, origin);
                Some(unreadable.reason.into())
            }
        }
    }

    #[test]
    fn a_policy_is_read_in_full_or_known_not_to_be_readable() {
        let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
        let huge = format!(
            r#"{{"repositories":[{{"name":"{}"}}]}}"#,
            "a".repeat(1 << 20)
        );
        for (spec, expected) in [
            (r#"{"repositories":[{"name":"*"}]}"#, None),
            (
                r#"{"repositories":[{"name":"*","polcy":{}}]}"#,
                Some("unknown field `polcy`"),
            ),
            (
                r#"{"repositories":[{"name":"https://a"}]}"#,
                Some("spec.repositories[0].name"),
            ),
            (
                &*format!(r#"{{"repositories":{deep}}}"#),
                Some("spec.repositories"),
            ),
            (&*huge, Some("expected at most 1048576")),
            ("null", Some("spec")),
        ] {
            let found = fault(&policy("web", spec));
            match expected {
                None => assert_eq!(found, None, "{spec}"),
                Some(expected) => {
                    let found = found.unwrap_or_default();
                    assert!(found.contains(expected), "{found}");
                }
            }
        }
    }

    #[test]
    fn an_object_that_calls_itself_something_else_is_unreadable() {
        let other = policy("web", r#"{"repositories":[]}"#).replace("ImagePolicy", "ConfigMap");
        assert!(fault(&other).unwrap().contains("`ConfigMap`"));
    }

    #[test]
    fn one_policy_that_is_nested_too_deeply_spoils_neither_a_list_nor_an_event() {
        let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
        let [good, bad] = [policy("good", "{}"), policy("web", &deep)];
        let list = format!(
            r#"{{"apiVersion":"v1","kind":"List","metadata":{{"resourceVersion":"9"}},"items":[{good},{bad}]}}"#
        );
        let list: ObjectList<StoredPolicy> = serde_json::from_str(&list).unwrap();
        assert_eq!(list.items.len(), 2);
        let event = format!(r#"{{"type":"ADDED","object":{bad}}}"#);
        let event: WatchEvent<StoredPolicy> = serde_json::from_str(&event).unwrap();
        assert!(matches!(event, WatchEvent::Added(_)));
    }
}
