//! Which files there are, and which of them go when there is no more room.

use std::collections::{BTreeMap, HashMap};

/// Files by their names, up to so many bytes in all. Those go first that were used longest ago.
#[derive(Debug)]
pub(super) struct Shelf {
    room: u64,
    taken: u64,
    uses: u64,
    files: HashMap<Box<str>, File>,
    by_use: BTreeMap<u64, Box<str>>,
}

#[derive(Clone, Copy, Debug)]
struct File {
    bytes: u64,
    used: u64,
}

/// The most files, whatever their sizes: some hundred bytes of memory each.
const MAX_FILES: usize = 100_000;

impl Shelf {
    pub(super) fn new(room: u64) -> Self {
        Self {
            room,
            taken: 0,
            uses: 0,
            files: HashMap::new(),
            by_use: BTreeMap::new(),
        }
    }

    /// Whether a file of that size has room at all.
    pub(super) fn fits(&self, bytes: u64) -> bool {
        bytes <= self.room
    }

    /// A file is there, and was used just now. Gives the names of those that have to go for it.
    pub(super) fn put(&mut self, name: &str, bytes: u64) -> Vec<Box<str>> {
        self.lose(name);
        self.uses += 1;
        let used = self.uses;
        self.taken = self.taken.saturating_add(bytes);
        self.files.insert(name.into(), File { bytes, used });
        self.by_use.insert(used, name.into());
        let mut gone = Vec::new();
        while self.taken > self.room || self.files.len() > MAX_FILES {
            let Some((_, oldest)) = self.by_use.first_key_value() else {
                break;
            };
            let oldest = oldest.clone();
            self.lose(&oldest);
            gone.push(oldest);
        }
        gone
    }

    /// A file is no longer there.
    pub(super) fn lose(&mut self, name: &str) {
        if let Some(file) = self.files.remove(name) {
            self.by_use.remove(&file.used);
            self.taken = self.taken.saturating_sub(file.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(gone: &[Box<str>]) -> Vec<&str> {
        gone.iter().map(AsRef::as_ref).collect()
    }

    #[test]
    fn what_was_used_longest_ago_goes_first() {
        let mut shelf = Shelf::new(10);
        for name in ["a", "b", "c"] {
            assert_eq!(shelf.put(name, 3), []);
        }
        // `a` is used again.
        assert_eq!(shelf.put("a", 3), []);
        assert_eq!(names(&shelf.put("d", 3)), ["b"]);
        assert_eq!(names(&shelf.put("e", 7)), ["c", "a"]);
        assert_eq!(shelf.taken, 10);
    }

    #[test]
    fn a_file_that_takes_another_size_counts_once() {
        let mut shelf = Shelf::new(10);
        shelf.put("a", 9);
        assert_eq!(shelf.put("a", 2), []);
        assert_eq!(shelf.taken, 2);
        shelf.lose("a");
        shelf.lose("a");
        assert_eq!(
            (shelf.taken, shelf.files.len(), shelf.by_use.len()),
            (0, 0, 0)
        );
    }

    #[test]
    fn a_file_that_is_larger_than_all_the_room_does_not_stay() {
        let mut shelf = Shelf::new(10);
        assert!(shelf.fits(10) && !shelf.fits(11));
        shelf.put("a", 1);
        assert_eq!(names(&shelf.put("b", 11)), ["a", "b"]);
    }

    #[test]
    fn there_are_only_so_many_files() {
        let mut shelf = Shelf::new(u64::MAX);
        let gone = (0..=MAX_FILES).flat_map(|number| shelf.put(&number.to_string(), 0));
        assert_eq!(gone.collect::<Vec<_>>(), ["0".into()]);
    }
}
