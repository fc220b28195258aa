use std::collections::BTreeMap;

use crate::{Applied, Entry, Mode, Origin, Policy, Requirements, Vulnerability};

/// Something in a policy that works, and that its author may not have meant.
///
/// That an entry gives way to another one of the same policy is not among it: that is how exceptions are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lint<'p> {
    /// Another entry has the same pattern, and requires something else. Neither overrides the other: both apply.
    Tie {
        /// The entry.
        entry: &'p Entry,
        /// The other one, in this policy or in another one of the same scope.
        other: Place<'p>,
    },
    /// For some of the entry's images, a more specific entry of another policy applies in its place, and requires less.
    Shadowed {
        /// The entry.
        entry: &'p Entry,
        /// The one that goes before it.
        by: Place<'p>,
    },
    /// A pattern without `/` looks like a registry's host, and is a repository on Docker Hub.
    LooksLikeHost {
        /// The entry with the pattern.
        entry: &'p Entry,
    },
    /// An entry verifies images and leaves their tags as they are: what runs later may be another image than was verified.
    VerifiedTagNotPinned {
        /// The entry.
        entry: &'p Entry,
    },
    /// An entry names the account whose exemptions are to count, and no exemption is of an account here.
    AccountNamed {
        /// The entry.
        entry: &'p Entry,
    },
}

/// An entry in a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'p> {
    /// The policy.
    pub origin: &'p Origin,
    /// The entry.
    pub entry: &'p Entry,
}

/// How many pairs of entries are looked at to find those that others go before. What is beyond is not found.
const MAX_COMPARISONS: usize = 100_000;

/// What is remarkable in a policy beside `others`, the entries of all policies there are. Of those, the ones of another scope
/// and of the policy's own former state mean nothing to it.
pub fn lint<'p>(
    policy: &'p Policy,
    others: impl IntoIterator<Item = Applied<'p>>,
) -> Vec<Lint<'p>> {
    let origin = policy.origin();
    let others: Vec<Place<'p>> = others
        .into_iter()
        .filter(|other| other.origin.scope() == origin.scope() && other.origin != origin)
        .map(|Applied { origin, entry, .. }| Place { origin, entry })
        .collect();
    let ties = ties(policy, &others);
    let shadowed = shadowed(policy, &others);
    let alone = policy.entries().iter().flat_map(alone);
    ties.into_iter().chain(shadowed).chain(alone).collect()
}

/// What can be said of an entry without looking at others.
fn alone(entry: &Entry) -> impl Iterator<Item = Lint<'_>> {
    let host = looks_like_host(entry.pattern.as_written());
    let tag = entry.pinning == crate::Pinning::KeepTag && !entry.requirements.is_empty();
    let host = host.then_some(Lint::LooksLikeHost { entry });
    let account = names_an_account(&entry.requirements);
    host.into_iter()
        .chain(tag.then_some(Lint::VerifiedTagNotPinned { entry }))
        .chain(account.then_some(Lint::AccountNamed { entry }))
}

fn names_an_account(requirements: &Requirements) -> bool {
    let mut vulnerability = requirements.vulnerability.iter();
    vulnerability.any(|one| matches!(one, Vulnerability::Standard { account: Some(_) }))
}

fn looks_like_host(pattern: &str) -> bool {
    let name = pattern.split([':', '@']).next().unwrap_or(pattern);
    !pattern.contains('/') && (name == "localhost" || name.contains('.'))
}

/// At most one for each entry.
fn ties<'p>(policy: &'p Policy, others: &[Place<'p>]) -> Vec<Lint<'p>> {
    let origin = policy.origin();
    let own = policy.entries().iter().map(|entry| Place { origin, entry });
    let mut by_pattern: BTreeMap<String, Vec<Place<'p>>> = BTreeMap::new();
    for place in own.clone() {
        let pattern = place.entry.pattern.to_string();
        by_pattern.entry(pattern).or_default().push(place);
    }
    for other in others {
        if let Some(places) = by_pattern.get_mut(&other.entry.pattern.to_string()) {
            places.push(*other);
        }
    }
    let tie = |entry: &'p Entry| tie(entry, by_pattern.get(&entry.pattern.to_string())?);
    own.filter_map(|place| tie(place.entry)).collect()
}

/// Rather one that requires more than the entry does than one that requires less.
fn tie<'p>(entry: &'p Entry, places: &[Place<'p>]) -> Option<Lint<'p>> {
    let stricter = places.iter().find(|other| is_stricter(other.entry, entry));
    let other = stricter.or_else(|| {
        let mut places = places.iter();
        places.find(|other| is_stricter(entry, other.entry))
    })?;
    Some(Lint::Tie {
        entry,
        other: *other,
    })
}

/// At most one for each entry.
fn shadowed<'p>(policy: &'p Policy, others: &[Place<'p>]) -> Vec<Lint<'p>> {
    let mut comparisons = MAX_COMPARISONS;
    let mut found = Vec::new();
    for entry in policy.entries() {
        if entry.requirements.is_empty() {
            continue;
        }
        let looked_at = others.iter().take(comparisons);
        comparisons -= looked_at.len();
        let before = looked_at
            .copied()
            .find(|other| goes_before(other.entry, entry));
        found.extend(before.map(|by| Lint::Shadowed { entry, by }));
    }
    found
}

/// Does an entry apply in the place of a stricter one, to all images that it matches?
fn goes_before(one: &Entry, entry: &Entry) -> bool {
    is_stricter(entry, one)
        && entry.pattern.covers(&one.pattern)
        && one.pattern.specificity() > entry.pattern.specificity()
}

/// Is there something that `one` demands and `other` does not, or does not insist on?
fn is_stricter(one: &Entry, other: &Entry) -> bool {
    let insists = one.mode == Mode::Enforce && other.mode != Mode::Enforce;
    demands_more(&one.requirements, &other.requirements) || insists && !one.requirements.is_empty()
}

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

#[cfg(test)]
mod tests;
