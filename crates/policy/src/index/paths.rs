use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::best::{Best, Candidate};
use super::prefixes::Prefixes;
use crate::{Pattern, Specificity};

/// The entries with one host pattern, by the literal text that their path begins with.
#[derive(Clone, Debug)]
pub(super) struct Paths {
    /// The most specific ones first, in each list.
    by_prefix: Prefixes<Box<[Candidate]>>,
    best: Option<Specificity>,
}

impl Paths {
    pub(super) fn new(entries: Vec<(usize, &Pattern)>) -> Self {
        let mut by_prefix: BTreeMap<Box<[u8]>, Vec<Candidate>> = BTreeMap::new();
        let mut best = None;
        for (position, pattern) in entries {
            let specificity = pattern.specificity();
            best = best.max(Some(specificity));
            let prefix = pattern.path_prefix().as_bytes().into();
            by_prefix.entry(prefix).or_default().push(Candidate {
                position,
                specificity,
            });
        }
        for candidates in by_prefix.values_mut() {
            candidates.sort_by_key(|candidate| Reverse(candidate.specificity));
        }
        Self {
            by_prefix: by_prefix
                .into_iter()
                .map(|(prefix, candidates)| (prefix, candidates.into()))
                .collect(),
            best,
        }
    }

    pub(super) fn search<M: Fn(usize) -> bool>(&self, path: &str, best: &mut Best<M>) {
        for candidates in self.by_prefix.of(path.as_bytes()) {
            for candidate in candidates {
                if best.beats(candidate.specificity) {
                    break;
                }
                best.consider(*candidate);
            }
        }
    }

    /// Is there an entry that `best` does not beat?
    pub(super) fn may_improve<M: Fn(usize) -> bool>(&self, best: &Best<M>) -> bool {
        self.best.is_some_and(|own| !best.beats(own))
    }
}
