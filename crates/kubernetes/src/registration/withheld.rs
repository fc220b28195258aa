use std::collections::BTreeMap;

use jiff::Timestamp;
use kube::api::ObjectMeta;
use serde_json::{Value, json};

/// The annotation in which they are kept, so that all replicas know of them.
const ANNOTATION: &str = "securityenforcement.admission.cloud.ibm.com/included";

/// Namespaces that are under the webhooks for now, whatever their policies say: a stricter policy is about to be stored.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Withheld(BTreeMap<String, Timestamp>);

impl Withheld {
    /// Those of a configuration whose time is not over. What cannot be read is none.
    pub(super) fn read(metadata: &ObjectMeta, now: Timestamp) -> Self {
        let annotation = metadata
            .annotations
            .as_ref()
            .and_then(|all| all.get(ANNOTATION));
        let read = annotation.and_then(|text| serde_json::from_str(text).ok());
        let mut namespaces: BTreeMap<String, Timestamp> = read.unwrap_or_default();
        namespaces.retain(|_, until| *until > now);
        Self(namespaces)
    }

    /// Adds a namespace, until then.
    pub(super) fn add(&mut self, namespace: &str, until: Timestamp) {
        self.0.insert(namespace.to_owned(), until);
    }

    pub(super) fn has(&self, namespace: &str) -> bool {
        self.0.contains_key(namespace)
    }

    /// The annotations that keep them.
    pub(super) fn annotations(&self) -> Value {
        if self.0.is_empty() {
            return json!({});
        }
        json!({ ANNOTATION: json!(self.0).to_string() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_remembered_by_an_annotation_until_their_time_is_over() {
        let [now, later, much_later] =
            [0, 60, 61].map(|second| Timestamp::from_second(second).unwrap());
        let mut withheld = Withheld::default();
        assert_eq!(withheld.annotations(), json!({}));
        withheld.add("team", later);
        withheld.add("other", much_later);
        let metadata = ObjectMeta {
            annotations: serde_json::from_value(withheld.annotations()).unwrap(),
            ..ObjectMeta::default()
        };
        assert_eq!(Withheld::read(&metadata, now), withheld);
        let left = Withheld::read(&metadata, later);
        assert!(!left.has("team") && left.has("other"));
        assert_eq!(
            Withheld::read(&ObjectMeta::default(), now),
            Withheld::default()
        );
    }
}
