//! CISE's own rights: what its roles permit it does, and it asks for nothing else; and the same of its advisor.

use std::collections::BTreeSet;

use cise_testkit::cise::HOME;
use cise_testkit::controlplane::Asked;
use serde_json::Value;

use crate::reader::Reader;

/// What the story has no occasion for, and others have: a certificate that is renewed, and trust metadata that changes.
const ON_OTHER_OCCASIONS: [(&str, &str); 2] = [("update", "secrets"), ("update", "configmaps")];

/// The group whose definitions are not installed by default, so that there is nothing to watch.
const SUCCESSOR: &str = "portieris.cloud.ibm.com";

/// The roles of an account, as `kubectl get` names them.
const OF_THE_WEBHOOKS: [&str; 4] = [
    "clusterrole cise",
    "-n ibm-system role cise",
    "-n ibm-system role cise-default-policies",
    "-n kube-system role cise-default-policies",
];
const OF_THE_ADVISOR: [&str; 1] = ["clusterrole cise-advisor"];

pub(crate) fn it_does_what_its_roles_permit_and_asks_for_nothing_else(reader: &Reader) {
    does_what_is_permitted(reader, "cise", &OF_THE_WEBHOOKS);
    does_what_is_permitted(reader, "cise-advisor", &OF_THE_ADVISOR);
}

fn does_what_is_permitted(reader: &Reader, account: &str, roles: &[&str]) {
    let asked = reader.site.plane().requests_of(HOME, account).unwrap();
    let refused: Vec<&Asked> = asked.iter().filter(|one| one.status == 403).collect();
    assert!(refused.is_empty(), "{refused:?}");
    let done: BTreeSet<(&str, &str, &str)> = asked
        .iter()
        .map(|one| (&*one.verb, &*one.group, &*one.resource))
        .collect();
    for (verb, group, resource) in permitted(reader, roles) {
        let is_elsewhere = group == SUCCESSOR && verb == "watch"
            || ON_OTHER_OCCASIONS.contains(&(verb.as_str(), resource.as_str()));
        let is_done = done.contains(&(verb.as_str(), group.as_str(), resource.as_str()));
        assert!(
            is_done || is_elsewhere,
            "never done: {verb} {resource} of `{group}`"
        );
    }
}

/// Verb, group and resource of every rule of these roles.
fn permitted(reader: &Reader, roles: &[&str]) -> Vec<(String, String, String)> {
    let granted: Vec<Value> = roles.iter().map(|role| reader.gets(role)).collect();
    let all = granted
        .iter()
        .flat_map(|role| role["rules"].as_array().unwrap());
    let mut permitted = Vec::new();
    for rule in all {
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
