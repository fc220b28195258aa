use cise_policy::{
    Entry, PatternMatch, Policies, Policy, PolicyError, Resolution, Scope, from_json, from_value,
    from_yaml, lint,
};
use cise_reference::Reference;

use crate::assert_message;

/// How many entries of a policy are looked at.
const MAX_ENTRIES: usize = 50;

/// A document is the same policy in each notation that it is written in, and the compiled policy applies the same entries as
/// a look at one after the other.
pub(crate) fn policy(bytes: &[u8]) {
    let of_json = from_json(bytes, "team");
    check(&of_json);
    let value = serde_json::from_slice(bytes).ok();
    if let (Ok(policy), Some(value)) = (&of_json, value) {
        assert_eq!(from_value(&value, "team").as_ref(), Ok(policy));
    }
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    let of_yaml = from_yaml(text, "team");
    check(&of_yaml);
    if let (Ok(one), Ok(other)) = (of_json, of_yaml) {
        assert_eq!(one, other, "JSON and YAML say different things");
    }
}

fn check(policy: &Result<Policy, PolicyError>) {
    match policy {
        Ok(policy) => {
            let policies = Policies::compile([policy.clone()], []);
            assert!(lint(policy, policies.entries()).len() <= 4 * policy.entries().len());
            let patterns = policy
                .entries()
                .iter()
                .take(MAX_ENTRIES)
                .map(|entry| entry.pattern.as_written());
            let images = patterns
                .map(|pattern| pattern.replace('*', "a"))
                .chain(["nginx".to_owned()]);
            for image in images.filter_map(|image| Reference::parse(&image).ok()) {
                assert_eq!(
                    applied(policy, &policies, &image),
                    most_specific(policy, &image),
                    "{image}"
                );
            }
        }
        Err(error) => assert_message(error),
    }
}

fn applied<'p>(policy: &Policy, policies: &'p Policies, image: &Reference) -> Vec<&'p Entry> {
    let namespace = match policy.origin().scope() {
        Scope::Namespace(namespace) => namespace,
        Scope::Cluster => "any",
    };
    match policies.resolve(namespace, image) {
        Resolution::Matched(matched) => matched.iter().map(|applied| applied.entry).collect(),
        _ => Vec::new(),
    }
}

fn most_specific<'p>(policy: &'p Policy, image: &Reference) -> Vec<&'p Entry> {
    let matching = policy
        .entries()
        .iter()
        .filter(|entry| entry.matches(image) != PatternMatch::No);
    let best = matching
        .clone()
        .map(|entry| entry.pattern.specificity())
        .max();
    matching
        .filter(|entry| Some(entry.pattern.specificity()) == best)
        .collect()
}
