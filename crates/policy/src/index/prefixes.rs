/// A map from texts that finds all those with which a given text begins.
///
/// The texts are sorted, and each knows the longest other one that it begins with itself. Whatever precedes a text in the
/// order and is a prefix of it, is its nearest predecessor or an ancestor of that, so one binary search and a walk upwards
/// find all, without hashing and without a copy.
#[derive(Clone, Debug)]
pub(super) struct Prefixes<V> {
    nodes: Vec<Node<V>>,
}

#[derive(Clone, Debug)]
struct Node<V> {
    prefix: Box<[u8]>,
    /// The longest other text that begins `prefix`.
    parent: Option<usize>,
    value: V,
}

impl<V> Prefixes<V> {
    /// All values whose text `text` begins with, that of the longest first.
    pub(super) fn of<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = &'a V> {
        let after = self.nodes.partition_point(|node| node.is_before(text));
        let nearest = after.checked_sub(1);
        self.ancestry(nearest)
            .filter(move |node| node.begins(text))
            .map(|node| &node.value)
    }

    /// The node at `start` and all above it, upwards.
    fn ancestry(&self, start: Option<usize>) -> impl Iterator<Item = &Node<V>> {
        let mut next = start;
        std::iter::from_fn(move || {
            let node = self.nodes.get(next?)?;
            next = node.parent;
            Some(node)
        })
    }

    fn longest_prefix(&self, text: &[u8]) -> Option<usize> {
        let mut candidate = self.nodes.len().checked_sub(1);
        while let Some(node) = candidate.and_then(|index| self.nodes.get(index)) {
            if node.begins(text) {
                return candidate;
            }
            candidate = node.parent;
        }
        None
    }
}

// Nothing is ever compared with the empty prefix: it has no address, and to compare nothing at such a place costs some
// processors as much as sixty comparisons.
impl<V> Node<V> {
    fn is_before(&self, text: &[u8]) -> bool {
        self.prefix.is_empty() || *self.prefix <= *text
    }

    fn begins(&self, text: &[u8]) -> bool {
        self.prefix.is_empty() || text.starts_with(&self.prefix)
    }
}

impl<V> Default for Prefixes<V> {
    fn default() -> Self {
        Self { nodes: Vec::new() }
    }
}

/// From texts that are sorted and differ.
impl<V> FromIterator<(Box<[u8]>, V)> for Prefixes<V> {
    fn from_iter<I: IntoIterator<Item = (Box<[u8]>, V)>>(sorted: I) -> Self {
        let mut prefixes = Self::default();
        for (prefix, value) in sorted {
            let parent = prefixes.longest_prefix(&prefix);
            prefixes.nodes.push(Node {
                prefix,
                parent,
                value,
            });
        }
        // Most have a single one, and room for four.
        prefixes.nodes.shrink_to_fit();
        prefixes
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn prefixes(texts: &[&str]) -> Prefixes<String> {
        let sorted: BTreeMap<Box<[u8]>, String> = texts
            .iter()
            .map(|text| (text.as_bytes().into(), (*text).to_owned()))
            .collect();
        sorted.into_iter().collect()
    }

    #[test]
    fn the_longest_prefix_comes_first() {
        let set = prefixes(&["", "team/", "team/app", "team/apple", "team/b", "other"]);
        for (text, expected) in [
            ("team/apples", &["team/apple", "team/app", "team/", ""][..]),
            ("team/app", &["team/app", "team/", ""]),
            ("team/apz", &["team/", ""]),
            ("team/c", &["team/", ""]),
            ("zzz", &[""]),
            ("", &[""]),
        ] {
            let found: Vec<&String> = set.of(text.as_bytes()).collect();
            assert_eq!(found, expected, "{text}");
        }
        assert_eq!(prefixes(&["a"]).of(b"b").count(), 0);
        assert_eq!(prefixes(&[]).of(b"b").count(), 0);
    }

    proptest! {
        #[test]
        fn all_prefixes_are_found_and_nothing_else(texts in vec("[ab/]{0,6}", 0..40), text in "[ab/]{0,8}") {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let mut expected: Vec<&str> = texts.iter().copied().filter(|prefix| text.starts_with(prefix)).collect();
            expected.sort_by_key(|prefix| std::cmp::Reverse(prefix.len()));
            expected.dedup();
            let set = prefixes(&texts);
            let found: Vec<&str> = set.of(text.as_bytes()).map(String::as_str).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
