use std::collections::BTreeMap;
use std::fmt;

use crate::{Entry, Origin, Policy, Requirements, Scope};

/// Something in a set of policies that works, and that its author may not have meant.
///
/// That an entry is outranked for some of its images is not among it: that is how exceptions are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lint<'p> {
    /// An entry has the same pattern as one that requires more. It does not override that one: both apply.
    Tie {
        /// The entry that requires less.
        entry: Place<'p>,
        /// The one that requires something else besides.
        stricter: Place<'p>,
    },
    /// A pattern without `/` looks like a registry's host, and is a repository on Docker Hub.
    LooksLikeHost {
        /// The entry with the pattern.
        entry: Place<'p>,
    },
    /// An entry verifies images and leaves their tags as they are: what runs later may be another image than was verified.
    VerifiedTagNotPinned {
        /// The entry.
        entry: Place<'p>,
    },
}

/// An entry in a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'p> {
    /// The policy.
    pub origin: &'p Origin,
    /// The entry's position in its list, from 0.
    pub position: usize,
    /// The entry.
    pub entry: &'p Entry,
}

/// What is remarkable in `policies`, which are compared with each other only within a scope.
pub fn lint(policies: &[Policy]) -> Vec<Lint<'_>> {
    let alone = places(policies).flat_map(alone);
    alone.chain(ties(policies)).collect()
}

fn places(policies: &[Policy]) -> impl Iterator<Item = Place<'_>> {
    policies.iter().flat_map(|policy| {
        let entries = policy.entries().iter().enumerate();
        entries.map(|(position, entry)| Place {
            origin: policy.origin(),
            position,
            entry,
        })
    })
}

/// What can be said of an entry without looking at others.
fn alone(place: Place<'_>) -> impl Iterator<Item = Lint<'_>> {
    let host = looks_like_host(place.entry.pattern.as_written());
    let tag =
        place.entry.pinning == crate::Pinning::KeepTag && !place.entry.requirements.is_empty();
    let host = host.then_some(Lint::LooksLikeHost { entry: place });
    host.into_iter()
        .chain(tag.then_some(Lint::VerifiedTagNotPinned { entry: place }))
}

fn looks_like_host(pattern: &str) -> bool {
    let name = pattern.split([':', '@']).next().unwrap_or(pattern);
    !name.contains('/') && (name == "localhost" || name.contains('.'))
}

/// At most one for each entry.
fn ties(policies: &[Policy]) -> Vec<Lint<'_>> {
    let mut by_pattern: BTreeMap<(&Scope, String), Vec<Place<'_>>> = BTreeMap::new();
    for place in places(policies) {
        let key = (place.origin.scope(), place.entry.pattern.to_string());
        by_pattern.entry(key).or_default().push(place);
    }
    let groups = by_pattern.values();
    groups
        .flat_map(|places| places.iter().filter_map(|entry| tie(*entry, places)))
        .collect()
}

fn tie<'p>(entry: Place<'p>, places: &[Place<'p>]) -> Option<Lint<'p>> {
    let own = &entry.entry.requirements;
    let stricter = places
        .iter()
        .find(|other| demands_more(&other.entry.requirements, own))?;
    Some(Lint::Tie {
        entry,
        stricter: *stricter,
    })
}

/// Is there something that `one` demands and `other` does not?
fn demands_more(one: &Requirements, other: &Requirements) -> bool {
    fn lacks<T: PartialEq>(one: Option<&T>, other: Option<&T>) -> bool {
        one.is_some() && one != other
    }
    let vulnerability = &other.vulnerability;
    lacks(one.trust.as_ref(), other.trust.as_ref())
        || lacks(one.simple.as_ref(), other.simple.as_ref())
        || lacks(one.cosign.as_ref(), other.cosign.as_ref())
        || lacks(one.notation.as_ref(), other.notation.as_ref())
        || one
            .vulnerability
            .iter()
            .any(|demand| !vulnerability.contains(demand))
}

impl fmt::Display for Lint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tie { entry, stricter } => write!(
                f,
                "{entry} does not override {stricter}, which requires more: both apply"
            ),
            Self::LooksLikeHost { entry } => write!(
                f,
                "{entry} is the Docker Hub repository {}, not a registry: write `{}/*` for all of its images",
                entry.entry.pattern,
                entry.entry.pattern.as_written()
            ),
            Self::VerifiedTagNotPinned { entry } => write!(
                f,
                "{entry} verifies images without pinning their tags (mutateImage: false)"
            ),
        }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pattern = self.entry.pattern.as_written();
        write!(f, "`{pattern}` of {}", self.origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::from_yaml;

    fn policy(kind: &str, name: &str, repositories: &str) -> Policy {
        let text = format!(
            "apiVersion: securityenforcement.admission.cloud.ibm.com/v1beta1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {{repositories: [{repositories}]}}"
        );
        from_yaml(&text, "team").unwrap_or_else(|error| panic!("{error}"))
    }

    fn lints(policies: &[Policy]) -> Vec<String> {
        lint(policies).iter().map(Lint::to_string).collect()
    }

    const TRUST: &str = "policy: {trust: {enabled: true}}";

    #[test]
    fn an_entry_does_not_override_a_stricter_one_with_the_same_pattern() {
        let policies = [
            policy("ImagePolicy", "a", &format!("{{name: 'nginx*', {TRUST}}}")),
            policy("ImagePolicy", "b", "{name: 'docker.io/library/nginx*'}"),
            policy("ImagePolicy", "c", "{name: nginx}"),
            policy("ClusterImagePolicy", "d", "{name: 'nginx*'}"),
        ];
        assert_eq!(
            lints(&policies),
            [
                "`docker.io/library/nginx*` of ImagePolicy team/b does not override `nginx*` of ImagePolicy team/a, which requires more: both apply"
            ]
        );
    }

    #[test]
    fn entries_that_require_different_things_are_each_told_of_the_other() {
        let policies = [policy(
            "ImagePolicy",
            "a",
            &format!("{{name: '*', {TRUST}}}, {{name: '*', policy: {{va: {{enabled: true}}}}}}"),
        )];
        assert_eq!(lints(&policies).len(), 2);
    }

    #[test]
    fn equal_entries_are_no_surprise() {
        let entry = format!("{{name: '*', {TRUST}}}");
        let policies = [
            policy("ImagePolicy", "a", &entry),
            policy("ImagePolicy", "b", &entry),
        ];
        assert_eq!(lints(&policies), [""; 0]);
    }

    #[test]
    fn a_host_alone_is_a_docker_hub_repository() {
        let entries = "{name: icr.io}, {name: 'localhost:5000'}, {name: icr.io/a}, {name: nginx}, {name: '*'}, {name: 'nginx:1.2'}";
        assert_eq!(
            lints(&[policy("ImagePolicy", "a", entries)]),
            [
                "`icr.io` of ImagePolicy team/a is the Docker Hub repository docker.io/library/icr.io, not a registry: write `icr.io/*` for all of its images",
                "`localhost:5000` of ImagePolicy team/a is the Docker Hub repository docker.io/library/localhost:5000, not a registry: write `localhost:5000/*` for all of its images",
            ]
        );
    }

    #[test]
    fn a_verified_tag_that_is_not_pinned_is_named() {
        let entries = "{name: a, policy: {mutateImage: false, trust: {enabled: true}}}, {name: b, policy: {mutateImage: false}}";
        assert_eq!(
            lints(&[policy("ImagePolicy", "a", entries)]),
            [
                "`a` of ImagePolicy team/a verifies images without pinning their tags (mutateImage: false)"
            ]
        );
    }
}
