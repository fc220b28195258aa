//! What programs have asked of the API server, as its audit log has it.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::Error;

/// A request that the API server was asked, and what it answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// `get`, `list`, `watch`, `create`, …
    pub verb: String,
    /// The API group; empty for the core one.
    pub group: String,
    /// The resource, with its subresource: `pods/eviction`.
    pub resource: String,
    /// The status of the answer.
    pub status: u64,
}

/// An event of the log (`audit.k8s.io/v1`).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    verb: String,
    user: User,
    object_ref: Option<ObjectRef>,
    response_status: Option<Status>,
}

#[derive(Deserialize)]
struct User {
    username: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ObjectRef {
    resource: Option<String>,
    subresource: Option<String>,
    #[serde(default)]
    api_group: String,
}

#[derive(Deserialize)]
struct Status {
    #[serde(default)]
    code: u64,
}

/// What is logged: requests of service accounts, but for those of the controllers, without their bodies.
pub(super) fn policy() -> Value {
    json!({
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [
            { "level": "None", "userGroups": ["system:serviceaccounts:kube-system"] },
            { "level": "Metadata", "userGroups": ["system:serviceaccounts"] },
        ],
    })
}

/// What somebody has asked for so far, of resources.
pub(super) fn of(log: &Path, user: &str) -> Result<Vec<Asked>, Error> {
    let text = fs::read_to_string(log).map_err(Error::reading(log))?;
    // A line that is being written still is not whole.
    let events = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Event>(line).ok());
    Ok(events
        .filter(|event| event.user.username == user)
        .filter_map(Event::asked)
        .collect())
}

impl Event {
    fn asked(self) -> Option<Asked> {
        let object = self.object_ref?;
        let resource = object.resource?;
        Some(Asked {
            verb: self.verb,
            group: object.api_group,
            resource: match object.subresource {
                Some(subresource) => format!("{resource}/{subresource}"),
                None => resource,
            },
            status: self.response_status.map_or(0, |status| status.code),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_told_by_who_asked_and_a_line_that_is_not_whole_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("audit.log");
        let event = |user: &str, object: &Value| json!({ "verb": "get", "user": { "username": user }, "objectRef": object, "responseStatus": { "code": 403 } });
        let secret = json!({ "resource": "secrets", "namespace": "team" });
        let lines = format!(
            "{}\n{}\n{}\n{{\"verb\":",
            event("me", &secret),
            event("you", &secret),
            event("me", &Value::Null)
        );
        fs::write(&log, lines).unwrap();
        let asked = Asked {
            verb: "get".to_owned(),
            group: String::new(),
            resource: "secrets".to_owned(),
            status: 403,
        };
        assert_eq!(of(&log, "me").unwrap(), [asked]);
    }
}
