use std::sync::Arc;

use cise_reference::Reference;

use crate::index::{Index, Ties};
use crate::policy::admit_everything;
use crate::{Entry, Origin, PatternMatch, Policy};

/// The policies of one scope, compiled. They are held, never copied: ten thousand policies would be held twice else, by whoever
/// follows them and here.
#[derive(Debug)]
pub(super) struct Compiled {
    /// In the order of their origins.
    policies: Box<[Arc<Policy>]>,
    /// Of all policies, those of one policy side by side.
    places: Box<[Place]>,
    /// By their position in the list of places.
    index: Index,
}

/// Where an entry is. A policy has at most [`MAX_ENTRIES`](crate::MAX_ENTRIES).
#[derive(Clone, Copy, Debug)]
struct Place {
    policy: u32,
    entry: u32,
}

impl Compiled {
    /// Compiles policies that are sorted by their origins.
    pub(super) fn new(policies: Vec<Arc<Policy>>) -> Self {
        let numbered = (0..).zip(&policies);
        let places = numbered.flat_map(|(policy, one)| {
            (0..)
                .zip(one.entries())
                .map(move |(entry, _)| Place { policy, entry })
        });
        let places = places.collect();
        let entries = policies.iter().flat_map(|policy| policy.entries());
        let index = Index::new(entries.map(|entry| &entry.pattern).enumerate());
        Self {
            policies: policies.into(),
            places,
            index,
        }
    }

    /// Is this compiled of these very policies?
    pub(super) fn is_of(&self, policies: &[Arc<Policy>]) -> bool {
        self.policies.len() == policies.len()
            && self
                .policies
                .iter()
                .zip(policies)
                .all(|(own, other)| Arc::ptr_eq(own, other))
    }

    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    pub(super) fn policies(&self) -> &[Arc<Policy>] {
        &self.policies
    }

    /// The entry at a position, and the policy that it is in.
    pub(super) fn entry(&self, position: usize) -> Option<(&Origin, &Entry)> {
        let place = self.places.get(position)?;
        let policy = self.policies.get(usize::try_from(place.policy).ok()?)?;
        let entry = policy.entries().get(usize::try_from(place.entry).ok()?)?;
        Some((policy.origin(), entry))
    }

    /// The positions of the most specific entries of those that match.
    pub(super) fn most_specific(&self, reference: &Reference) -> Ties {
        self.index
            .most_specific(reference.repository(), |position| {
                self.matches(position, reference) != PatternMatch::No
            })
    }

    /// Does the entry at this position match?
    pub(super) fn matches(&self, position: usize, reference: &Reference) -> PatternMatch {
        match self.entry(position) {
            Some((_, entry)) => entry.matches(reference),
            None => PatternMatch::No,
        }
    }

    pub(super) fn admits_everything(&self) -> bool {
        admit_everything(self.policies.iter().flat_map(|policy| policy.entries()))
    }
}
