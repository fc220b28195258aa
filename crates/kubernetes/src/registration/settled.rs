use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// How long a namespace has to be open before it is left out.
///
/// A stricter policy that was admitted by a replica that did not know yet that the namespace is open is stored, and known here,
/// within this time. Nobody needs a namespace to be left out sooner.
const SETTLES_WITHIN: Duration = Duration::from_secs(5);

/// Since when namespaces have been open.
#[derive(Debug, Default)]
pub(super) struct Settled(BTreeMap<String, Instant>);

impl Settled {
    /// Of the namespaces that are open at `now`, those that have been long enough, and those that are left out already.
    pub(super) fn among(
        &mut self,
        open: BTreeSet<String>,
        left_out: &BTreeSet<String>,
        now: Instant,
    ) -> BTreeSet<String> {
        self.0.retain(|namespace, _| open.contains(namespace));
        let mut is_settled = |namespace: &String| {
            let since = *self.0.entry(namespace.clone()).or_insert(now);
            now.saturating_duration_since(since) >= SETTLES_WITHIN || left_out.contains(namespace)
        };
        open.into_iter().filter(|one| is_settled(one)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_namespace_is_left_out_once_it_has_been_open_for_a_while() {
        let start = Instant::now();
        let mut settled = Settled::default();
        let mut after = |seconds, open: &[&str], left_out: &[&str]| {
            let now = start + Duration::from_secs(seconds);
            settled.among(set(open), &set(left_out), now)
        };
        assert_eq!(after(0, &["a"], &[]), set(&[]));
        assert_eq!(after(4, &["a", "b"], &[]), set(&[]));
        assert_eq!(after(5, &["a", "b"], &[]), set(&["a"]));
        assert_eq!(after(6, &["b"], &["a"]), set(&[]), "a is closed");
        assert_eq!(after(9, &["a", "b"], &[]), set(&["b"]), "a is open again");
        assert_eq!(after(14, &["a", "b"], &["b"]), set(&["a", "b"]));
    }

    #[test]
    fn what_another_replica_has_left_out_stays_so() {
        let mut settled = Settled::default();
        let found = settled.among(set(&["a", "b"]), &set(&["a"]), Instant::now());
        assert_eq!(found, set(&["a"]));
    }
}
