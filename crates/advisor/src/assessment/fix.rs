use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Issue;
use crate::Package;
use crate::version::compare;

/// What to upgrade so that no issue of a package is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// The package.
    pub package: Arc<Package>,
    /// The version from which on it has none of the issues. There are several only where their order is not known.
    pub versions: Vec<Box<str>>,
    /// How many issues that resolves.
    pub issues: usize,
}

/// The upgrades that resolve issues, those that resolve most first. A package that is forgiven its issue needs none for it.
pub fn fixes<'i>(issues: impl IntoIterator<Item = &'i Issue>) -> Vec<Fix> {
    let mut by_package: BTreeMap<(&str, &str), Fix> = BTreeMap::new();
    for issue in issues {
        let mut resolved = BTreeSet::new();
        let to_fix = issue.packages().filter(|one| !one.is_forgiven());
        for one in to_fix {
            let package = (&*one.package.name, &*one.package.version);
            let fix = by_package
                .entry(package)
                .or_insert_with(|| Fix::of(&one.package));
            fix.raise(&one.fix);
            fix.issues += usize::from(resolved.insert(package));
        }
    }
    let mut fixes: Vec<_> = by_package.into_values().collect();
    fixes.sort_by_key(|fix| Reverse(fix.issues));
    fixes
}

impl Fix {
    fn of(package: &Arc<Package>) -> Self {
        Self {
            package: Arc::clone(package),
            versions: Vec::new(),
            issues: 0,
        }
    }

    /// Keeps the highest version, and any that it cannot be compared with.
    fn raise(&mut self, version: &str) {
        let manager = self.package.manager;
        let order = |known: &str| compare(manager, known, version).ok();
        let covers = |known: &str| {
            known == version || order(known).is_some_and(|order| order != Ordering::Less)
        };
        if !self.versions.iter().any(|known| covers(known)) {
            self.versions
                .retain(|known| order(known) != Some(Ordering::Less));
            self.versions.push(version.into());
        }
    }
}
