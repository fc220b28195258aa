use std::collections::{BTreeMap, HashMap};

use cise_reference::Repository;
use smallvec::SmallVec;

use super::best::Best;
use super::paths::Paths;
use super::prefixes::Prefixes;
use crate::HostPattern;

/// The entries with a `*` in the host.
///
/// A host pattern is found by the literal text that it begins or ends with, whichever fewer others share: `*.icr.io` by its
/// end, `registry1*.example.com` by its beginning.
#[derive(Clone, Debug, Default)]
pub(super) struct WildHosts {
    by_beginning: Prefixes<Vec<WildHost>>,
    /// Written backwards.
    by_end: Prefixes<Vec<WildHost>>,
}

type WildHost = (HostPattern, Paths);

/// A text backwards; a canonical host fits in without an allocation.
type Backwards = SmallVec<[u8; 264]>;

impl WildHosts {
    pub(super) fn new(hosts: Vec<WildHost>) -> Self {
        let (mut beginnings, mut ends) = (HashMap::new(), HashMap::new());
        for (host, _) in &hosts {
            let (beginning, end) = host.literal_ends();
            *beginnings.entry(beginning.to_owned()).or_insert(0) += 1;
            *ends.entry(end.to_owned()).or_insert(0) += 1;
        }
        let (mut by_beginning, mut by_end) = (BTreeMap::new(), BTreeMap::new());
        for host in hosts {
            let (beginning, end) = host.0.literal_ends();
            let (group, key): (_, Box<[u8]>) = if beginnings.get(beginning) <= ends.get(end) {
                (&mut by_beginning, beginning.as_bytes().into())
            } else {
                (&mut by_end, backwards(end).as_slice().into())
            };
            group.entry(key).or_insert_with(Vec::new).push(host);
        }
        Self {
            by_beginning: by_beginning.into_iter().collect(),
            by_end: by_end.into_iter().collect(),
        }
    }

    pub(super) fn search<M: Fn(usize) -> bool>(&self, repository: &Repository, best: &mut Best<M>) {
        let host = repository.host();
        let backwards = backwards(host.as_str());
        let by_beginning = self.by_beginning.of(host.as_str().as_bytes());
        for (pattern, paths) in by_beginning.chain(self.by_end.of(&backwards)).flatten() {
            if paths.may_improve(best) && pattern.matches(host) {
                paths.search(repository.path(), best);
            }
        }
    }
}

fn backwards(text: &str) -> Backwards {
    text.bytes().rev().collect()
}
