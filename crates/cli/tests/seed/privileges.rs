//! CISE's own rights: what its roles permit it does, and it asks for nothing else.

use std::collections::BTreeSet;

use cise_testkit::cise::HOME;
use cise_testkit::controlplane::Asked;
use serde_json::Value;

use crate::reader::Reader;

/// What the story has no occasion for, and others have: a certificate that is renewed, and trust metadata that changes.
const ON_OTHER_OCCASIONS: [(&str, &str); 2] = [("update", "secrets"), ("update", "configmaps")];

/// The group whose definitions are not installed by default, so that there is nothing to watch.
const SUCCESSOR: &str = "portieris.cloud.ibm.com";

pub(crate) fn it_does_what_its_roles_permit_and_asks_for_nothing_else(reader: &Reader) {
    let asked = reader.site.plane().requests_of(HOME, "cise").unwrap();
    let refused: Vec<&Asked> = asked.iter().filter(|one| one.status == 403).collect();
    assert!(refused.is_empty(), "{refused:?}");
    let done: BTreeSet<(&str, &str, &str)> = asked
        .iter()
        .map(|one| (&*one.verb, &*one.group, &*one.resource))
        .collect();
    for (verb, group, resource) in permitted(reader) {
        let is_elsewhere = group == SUCCESSOR && verb == "watch"
            || ON_OTHER_OCCASIONS.contains(&(verb.as_str(), resource.as_str()));
        let is_done = done.contains(&(verb.as_str(), group.as_str(), resource.as_str()));
        assert!(
            is_done || is_elsewhere,
            "never done: {verb} {resource} of `{group}`"
        );
    }
}

/// Verb, group and resource of every rule that counts for the webhooks.
fn permitted(reader: &Reader) -> Vec<(String, String, String)> {
    let lines = [
        "kubectl get clusterrole cise -o json".to_owned(),
        format!("kubectl -n {HOME} get role cise -o json"),
        format!("kubectl -n {HOME} get role cise-default-policies -o json"),
        "kubectl -n kube-system get role cise-default-policies -o json".to_owned(),
    ];
    let granted = lines.map(|line| serde_json::from_str::<Value>(&reader.runs(&line)).unwrap());
    let rules = granted
        .iter()
        .flat_map(|role| role["rules"].as_array().unwrap());
    let mut permitted = Vec::new();
    for rule in rules {
        let texts = |field: &str| {
            let values = rule[field].as_array().unwrap().iter();
            values
                .map(|value| value.as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        for group in texts("apiGroups") {
            for resource in texts("resources") {
                let verbs = texts("verbs").into_iter();
                permitted.extend(verbs.map(|verb| (verb, group.clone(), resource.clone())));
            }
        }
    }
    permitted
}
