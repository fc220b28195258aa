mod compiled;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use cise_reference::Reference;
use smallvec::SmallVec;

use crate::{Entry, Origin, PatternMatch, Policy, PolicyError, Scope};
use compiled::Compiled;

/// All policies of a cluster at one moment, compiled: one generation.
///
/// If a namespace has policies of its own, only they count there; in all others, those of the cluster do. The order in which
/// policies are given never matters.
#[derive(Clone, Debug, Default)]
pub struct Policies {
    /// The scopes whose policies can be read.
    readable: Vec<Numbered>,
    cluster: Option<InForce>,
    namespaces: HashMap<Box<str>, InForce>,
}

/// A policy that exists and cannot be read. What it asks for is not known, so its scope denies everything.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unreadable {
    /// Which policy.
    pub origin: Origin,
    /// Why it cannot be read, for people.
    pub reason: Box<str>,
}

/// An entry's number among all entries of one generation, from 0 without gaps: what is compiled of an entry can be kept in a
/// list beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId(usize);

/// An entry, and where it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied<'p> {
    /// Its number in this generation.
    pub id: EntryId,
    /// The policy that it is in.
    pub origin: &'p Origin,
    /// The entry.
    pub entry: &'p Entry,
}

/// Which entries apply to an image.
#[derive(Clone, Debug)]
pub enum Resolution<'p> {
    /// Neither the namespace nor the cluster has a policy: the image is denied.
    NoPolicies,
    /// A policy that counts for the namespace cannot be read: the image is denied.
    Unreadable(&'p [Unreadable]),
    /// No entry matches: the image is denied.
    NoMatch,
    /// These apply, all of them.
    Matched(Matched<'p>),
}

/// The most specific entries that match an image. There is at least one.
#[derive(Clone, Debug)]
pub struct Matched<'p> {
    applied: SmallVec<[Applied<'p>; 4]>,
    tag_binding: TagBinding,
}

/// Does the match rest on the image's tag, while its digest is what runs?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TagBinding {
    NotNeeded,
    Needed,
}

/// The policies of a scope, and where the numbers of their entries begin.
#[derive(Clone, Debug)]
struct Numbered {
    first: usize,
    compiled: Arc<Compiled>,
}

/// The policies that count for a namespace.
#[derive(Clone, Debug)]
enum InForce {
    /// Their position in the list of scopes.
    Readable(usize),
    Unreadable(Vec<Unreadable>),
}

impl Policies {
    /// Compiles all policies that exist, and all that exist and cannot be read.
    pub fn compile(
        policies: impl IntoIterator<Item = impl Into<Arc<Policy>>>,
        unreadable: impl IntoIterator<Item = Unreadable>,
    ) -> Self {
        Self::default().renewed(policies, unreadable)
    }

    /// The generation after this one. The scopes whose policies are the very same are not compiled again, and what is compiled
    /// of them is shared.
    #[must_use]
    pub fn renewed(
        &self,
        policies: impl IntoIterator<Item = impl Into<Arc<Policy>>>,
        unreadable: impl IntoIterator<Item = Unreadable>,
    ) -> Self {
        let mut renewed = Self::default();
        let mut first = 0;
        let policies = policies.into_iter().map(Into::into);
        for (scope, policies) in by_scope(policies, |policy: &Arc<Policy>| policy.origin()) {
            let compiled = self.compiled(&scope, policies);
            let entries = compiled.len();
            let in_force = InForce::Readable(renewed.readable.len());
            renewed.readable.push(Numbered { first, compiled });
            renewed.put_in_force(scope, in_force);
            first += entries;
        }
        for (scope, mut unreadable) in by_scope(unreadable, |one| &one.origin) {
            unreadable.sort();
            renewed.put_in_force(scope, InForce::Unreadable(unreadable));
        }
        renewed.readable.shrink_to_fit();
        renewed
    }

    /// Which entries apply to an image that is to run in `namespace`.
    pub fn resolve(&self, namespace: &str, reference: &Reference) -> Resolution<'_> {
        match self.in_force(namespace) {
            None => Resolution::NoPolicies,
            Some(InForce::Unreadable(unreadable)) => Resolution::Unreadable(unreadable),
            Some(InForce::Readable(scope)) => match self.readable.get(*scope) {
                Some(numbered) => numbered.resolve(reference),
                None => Resolution::NoPolicies,
            },
        }
    }

    /// The policies that count for `namespace`: its own, or else the cluster's; those that can be read.
    pub fn policies(&self, namespace: &str) -> &[Arc<Policy>] {
        match self.in_force(namespace) {
            Some(InForce::Readable(scope)) => self.readable.get(*scope),
            Some(InForce::Unreadable(_)) | None => None,
        }
        .map(|numbered| numbered.compiled.policies())
        .unwrap_or_default()
    }

    /// The namespaces whose own policies admit every image there is, without any verification.
    pub fn open_namespaces(&self) -> impl Iterator<Item = &str> {
        let open = self
            .namespaces
            .iter()
            .filter(|(_, in_force)| self.is_open(in_force));
        open.map(|(namespace, _)| &**namespace)
    }

    /// All entries, in the order of their numbers.
    pub fn entries(&self) -> impl Iterator<Item = Applied<'_>> {
        self.readable.iter().flat_map(Numbered::entries)
    }

    fn in_force(&self, namespace: &str) -> Option<&InForce> {
        self.namespaces.get(namespace).or(self.cluster.as_ref())
    }

    fn is_open(&self, in_force: &InForce) -> bool {
        let InForce::Readable(scope) = in_force else {
            return false;
        };
        let numbered = self.readable.get(*scope);
        numbered.is_some_and(|numbered| numbered.compiled.admits_everything())
    }

    /// These policies of a scope, compiled; as they are here already, if they are the same ones.
    fn compiled(&self, scope: &Scope, mut policies: Vec<Arc<Policy>>) -> Arc<Compiled> {
        policies.sort_by(|one, other| one.origin().cmp(other.origin()));
        let before = match scope {
            Scope::Cluster => self.cluster.as_ref(),
            Scope::Namespace(namespace) => self.namespaces.get(&**namespace),
        };
        let before = match before {
            Some(InForce::Readable(scope)) => self.readable.get(*scope),
            Some(InForce::Unreadable(_)) | None => None,
        };
        match before {
            Some(Numbered { compiled, .. }) if compiled.is_of(&policies) => Arc::clone(compiled),
            _ => Arc::new(Compiled::new(policies)),
        }
    }

    fn put_in_force(&mut self, scope: Scope, in_force: InForce) {
        match scope {
            Scope::Cluster => self.cluster = Some(in_force),
            Scope::Namespace(namespace) => {
                self.namespaces.insert((&*namespace).into(), in_force);
            }
        }
    }
}

impl Numbered {
    fn resolve(&self, reference: &Reference) -> Resolution<'_> {
        let ties = self.compiled.most_specific(reference);
        if ties.is_empty() {
            return Resolution::NoMatch;
        }
        let by_tag_alone = |position: &usize| {
            self.compiled.matches(*position, reference) == PatternMatch::YesIfTagBound
        };
        Resolution::Matched(Matched {
            tag_binding: if ties.iter().any(by_tag_alone) {
                TagBinding::Needed
            } else {
                TagBinding::NotNeeded
            },
            applied: ties
                .into_iter()
                .filter_map(|position| self.applied(position))
                .collect(),
        })
    }

    fn entries(&self) -> impl Iterator<Item = Applied<'_>> {
        (0..self.compiled.len()).filter_map(|position| self.applied(position))
    }

    fn applied(&self, position: usize) -> Option<Applied<'_>> {
        let (origin, entry) = self.compiled.entry(position)?;
        Some(Applied {
            id: EntryId(self.first + position),
            origin,
            entry,
        })
    }
}

impl Unreadable {
    /// The policy that `error` speaks of, where it could be told which one that is.
    pub fn of(error: &PolicyError) -> Option<Self> {
        let origin = error.origin()?.clone();
        let reason = match error {
            PolicyError::Content { fault, .. } => fault.to_string(),
            other => other.to_string(),
        };
        Some(Self {
            origin,
            reason: reason.into(),
        })
    }
}

impl<'p> Matched<'p> {
    /// The entries, ordered by their policies.
    pub fn iter(&self) -> impl Iterator<Item = Applied<'p>> {
        self.applied.iter().copied()
    }

    /// Does no entry require anything, so that the image is admitted at once?
    pub fn is_unverified(&self) -> bool {
        self.iter()
            .all(|applied| applied.entry.requirements.is_empty())
    }

    /// Must it be proven, besides all requirements, that the reference's tag stands for its digest?
    ///
    /// Without that proof the entries do not apply, and the image is to be denied whatever their mode: anybody could put
    /// the tag of a lenient entry beside any digest.
    pub fn needs_tag_binding(&self) -> bool {
        self.tag_binding == TagBinding::Needed
    }
}

impl EntryId {
    /// The number.
    pub fn index(self) -> usize {
        self.0
    }
}

fn by_scope<T>(
    items: impl IntoIterator<Item = T>,
    origin: impl Fn(&T) -> &Origin,
) -> BTreeMap<Scope, Vec<T>> {
    let mut scopes: BTreeMap<Scope, Vec<T>> = BTreeMap::new();
    for item in items {
        let scope = origin(&item).scope().clone();
        scopes.entry(scope).or_default().push(item);
    }
    scopes
}

#[cfg(test)]
mod tests;
