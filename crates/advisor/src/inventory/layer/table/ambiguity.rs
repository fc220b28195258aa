//! Archives that unpackers and lazy runtimes read in different ways, though the table says the same.

use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};
use std::hash::BuildHasher as _;

use super::super::listing::{Item, Listing};
use super::comparison::Difference;
use crate::excerpt::excerpt;

/// What is there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum There {
    Folder,
    Other,
}

/// A path that is there twice, or below something that is no folder: an unpacker replaces what was there, or follows a link,
/// and whoever builds a tree of names does neither.
pub(super) fn ambiguity(listing: &Listing) -> Option<Difference> {
    // Paths by their hashes, which nobody knows beforehand: a million paths as they are would take ten times the room.
    let hashes = RandomState::new();
    let mut there = HashMap::new();
    let mut entries = listing.cursor();
    while let Ok(Some((path, item))) = entries.next() {
        let new = match item {
            Item::Whiteout | Item::Opaque => continue,
            Item::Directory => There::Folder,
            _ => There::Other,
        };
        match there.entry(hashes.hash_one(path)) {
            Entry::Vacant(room) => drop(room.insert(new)),
            Entry::Occupied(old) if new == There::Folder && *old.get() == new => {}
            Entry::Occupied(_) => return Some(Difference::Twice(excerpt(path))),
        }
    }
    let mut entries = listing.cursor();
    while let Ok(Some((path, _))) = entries.next() {
        let mut above = path;
        while let Some((folder, _)) = above.rsplit_once('/') {
            above = folder;
            match there.get(&hashes.hash_one(folder)) {
                None => {}
                Some(There::Folder) => break,
                Some(There::Other) => return Some(Difference::Below(excerpt(path))),
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is looked at, its entries, and what is wrong with them.
    type Case<'a> = (&'a str, &'a [(&'a str, Item<'a>)], Option<Difference>);

    #[test]
    fn a_name_that_means_one_thing_is_not_ambiguous() {
        use Item::{Directory, File, HardLink, Symlink, Whiteout};
        let table: [Case<'_>; 7] = [
            (
                "files in folders",
                &[("etc", Directory), ("etc/motd", File), ("usr/bin/sh", File)],
                None,
            ),
            (
                "a folder twice",
                &[("etc", Directory), ("etc", Directory)],
                None,
            ),
            (
                "a whiteout of what is there again",
                &[("etc/motd", Whiteout), ("etc/motd", File)],
                None,
            ),
            (
                "a file twice",
                &[("etc/motd", File), ("etc/motd", HardLink("x"))],
                Some(Difference::Twice("etc/motd".into())),
            ),
            (
                "a file in place of a folder",
                &[("etc", Directory), ("etc", File)],
                Some(Difference::Twice("etc".into())),
            ),
            (
                "a file below a link",
                &[("lib", Symlink("usr/lib")), ("lib/a/b", File)],
                Some(Difference::Below("lib/a/b".into())),
            ),
            (
                "a file below one that comes later",
                &[("lib/a/b", File), ("lib", File)],
                Some(Difference::Below("lib/a/b".into())),
            ),
        ];
        for (what, entries, expected) in table {
            let mut listing = Listing::default();
            for (path, item) in entries {
                listing.push(path, *item).expect("room");
            }
            assert_eq!(ambiguity(&listing), expected, "{what}");
        }
    }
}
