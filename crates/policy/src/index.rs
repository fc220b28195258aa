mod best;
mod paths;
mod prefixes;
mod wild_hosts;

use std::collections::HashMap;

use cise_reference::Repository;

use crate::{HostPattern, Pattern};
use best::Best;
pub(crate) use best::Ties;
use paths::Paths;
use wild_hosts::WildHosts;

/// Finds the most specific of the entries that match an image, without looking at most of the others.
///
/// An entry is found by its host, then by the literal text that its path begins with. It is known by the position that it was
/// added with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    literal_hosts: HashMap<Box<str>, Paths>,
    wild_hosts: WildHosts,
}

/// The entries with one host pattern, by position.
struct Group<'a> {
    host: &'a HostPattern,
    entries: Vec<(usize, &'a Pattern)>,
}

impl Index {
    pub(crate) fn new<'a>(patterns: impl IntoIterator<Item = (usize, &'a Pattern)>) -> Self {
        let mut index = Self::default();
        let mut wild_hosts = Vec::new();
        for Group { host, entries } in by_host(patterns) {
            let paths = Paths::new(entries);
            match host.literal() {
                Some(literal) => {
                    index.literal_hosts.insert(literal.into(), paths);
                }
                None => wild_hosts.push((host.clone(), paths)),
            }
        }
        index.literal_hosts.shrink_to_fit();
        index.wild_hosts = WildHosts::new(wild_hosts);
        index
    }

    /// The positions of the most specific entries of those that may match `repository` and for which `matches` holds.
    pub(crate) fn most_specific(
        &self,
        repository: &Repository,
        matches: impl Fn(usize) -> bool,
    ) -> Ties {
        let mut best = Best::new(matches);
        if let Some(paths) = self.literal_hosts.get(repository.host().as_str()) {
            paths.search(repository.path(), &mut best);
        }
        self.wild_hosts.search(repository, &mut best);
        best.into_ties()
    }
}

fn by_host<'a>(
    patterns: impl IntoIterator<Item = (usize, &'a Pattern)>,
) -> impl Iterator<Item = Group<'a>> {
    let mut groups: HashMap<String, Group<'a>> = HashMap::new();
    for (position, pattern) in patterns {
        let host = pattern.host();
        let group = groups.entry(host.to_string());
        let group = group.or_insert_with(|| Group {
            host,
            entries: Vec::new(),
        });
        group.entries.push((position, pattern));
    }
    groups.into_values()
}
