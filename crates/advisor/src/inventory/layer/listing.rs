//! All that a layer has, in the order of its archive, in a few bytes per entry.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::LayerError;

/// The entries of a layer, each written as what distinguishes its path from the one before it.
///
/// A stack of layers needs all of them, since any file may take the place of a folder below it; a million entries of an
/// ordinary file system take about 20 MB.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Listing {
    bytes: Vec<u8>,
    last: String,
}

/// What is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Item<'a> {
    /// A folder.
    Directory,
    /// Something that is neither folder nor link, and was not read.
    File,
    /// A file that was read: its place among the layer's.
    Read(usize),
    /// A symbolic link to that path, as written.
    Symlink(&'a str),
    /// Another name of the file at that path.
    HardLink(&'a str),
    /// Lower layers have nothing here.
    Whiteout,
    /// Lower layers have nothing below this folder.
    Opaque,
}

/// Goes through a listing.
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
    path: String,
}

/// A listing that was kept is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the list of a layer's files is damaged")]
pub(crate) struct Damaged;

impl Listing {
    /// The most bytes of one listing.
    pub(crate) const MAX_BYTES: usize = 64 * 1024 * 1024;

    pub(crate) fn push(&mut self, path: &str, item: Item<'_>) -> Result<(), LayerError> {
        let shared = shared(&self.last, path);
        let (letter, text) = match item {
            Item::Directory => (b'd', None),
            Item::File => (b'f', None),
            Item::Read(_) => (b'r', None),
            Item::Symlink(target) => (b's', Some(target)),
            Item::HardLink(target) => (b'h', Some(target)),
            Item::Whiteout => (b'w', None),
            Item::Opaque => (b'o', None),
        };
        self.bytes.push(letter);
        self.push_number(shared);
        let suffix = path.get(shared..).unwrap_or_default();
        self.push_text(suffix);
        if let Item::Read(place) = item {
            self.push_number(place);
        }
        if let Some(text) = text {
            self.push_text(text);
        }
        self.last.truncate(shared);
        self.last.push_str(suffix);
        if self.bytes.len() > Self::MAX_BYTES {
            return Err(LayerError::LongListing);
        }
        Ok(())
    }

    pub(crate) fn cursor(&self) -> Cursor<'_> {
        Cursor {
            rest: &self.bytes,
            path: String::new(),
        }
    }

    /// How much memory it takes.
    pub(crate) fn weight(&self) -> usize {
        self.bytes.len()
    }

    fn push_text(&mut self, text: &str) {
        self.push_number(text.len());
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// Seven bits a byte, the lowest first; the eighth says that more follow.
    fn push_number(&mut self, mut number: usize) {
        loop {
            let [low, ..] = number.to_le_bytes();
            number >>= 7;
            if number == 0 {
                return self.bytes.push(low);
            }
            self.bytes.push(low | 0x80);
        }
    }
}

impl<'a> Cursor<'a> {
    /// The next entry; nothing at the end.
    pub(crate) fn next(&mut self) -> Result<Option<(&str, Item<'a>)>, Damaged> {
        let Some((letter, rest)) = self.rest.split_first() else {
            return Ok(None);
        };
        self.rest = rest;
        let item = self.item(*letter).ok_or(Damaged)?;
        Ok(Some((&self.path, item)))
    }

    fn item(&mut self, letter: u8) -> Option<Item<'a>> {
        let shared = self.number()?;
        let suffix = self.text()?;
        self.path.get(..shared)?;
        self.path.truncate(shared);
        self.path.push_str(suffix);
        Some(match letter {
            b'd' => Item::Directory,
            b'f' => Item::File,
            b'r' => Item::Read(self.number()?),
            b's' => Item::Symlink(self.text()?),
            b'h' => Item::HardLink(self.text()?),
            b'w' => Item::Whiteout,
            b'o' => Item::Opaque,
            _ => return None,
        })
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = self.number()?;
        let (text, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        str::from_utf8(text).ok()
    }

    fn number(&mut self) -> Option<usize> {
        let mut number = 0;
        for shift in (0..usize::BITS).step_by(7) {
            let (byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            number |= usize::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }
}

/// How many bytes two paths have in common at their beginning, as whole characters.
fn shared(one: &str, other: &str) -> usize {
    let pairs = one.bytes().zip(other.bytes());
    let mut shared = pairs.take_while(|(one, other)| one == other).count();
    while !(one.is_char_boundary(shared) && other.is_char_boundary(shared)) {
        shared -= 1;
    }
    shared
}

impl From<Listing> for String {
    fn from(listing: Listing) -> Self {
        STANDARD.encode(listing.bytes)
    }
}

impl TryFrom<String> for Listing {
    type Error = Damaged;

    fn try_from(text: String) -> Result<Self, Damaged> {
        let bytes = STANDARD.decode(text).map_err(|_| Damaged)?;
        let mut listing = Self {
            bytes,
            last: String::new(),
        };
        let mut cursor = listing.cursor();
        while cursor.next()?.is_some() {}
        listing.last = cursor.path;
        Ok(listing)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn items(listing: &Listing) -> Vec<(String, String)> {
        let mut cursor = listing.cursor();
        let next = || {
            let entry = cursor.next().expect("a listing in order");
            entry.map(|(path, item)| (path.to_owned(), format!("{item:?}")))
        };
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn neighbours_take_few_bytes() {
        let mut listing = Listing::default();
        for number in 0..50_000 {
            let path = format!(
                "usr/share/some/application/node_modules/{}/{number:07}.js",
                number / 100
            );
            listing.push(&path, Item::File).expect("room");
        }
        assert!(listing.weight() < 600_000, "{}", listing.weight());
    }

    #[test]
    fn a_list_has_a_bound() {
        let mut listing = Listing::default();
        let long = "x".repeat(4000);
        let push = |number: usize| listing.push(&format!("{number}{long}"), Item::File);
        let full = (0..20_000).map(push).find(Result::is_err);
        assert!(
            matches!(full, Some(Err(LayerError::LongListing))),
            "{full:?}"
        );
    }

    #[test]
    fn a_damaged_list_is_not_taken() {
        let mut listing = Listing::default();
        listing.push("etc/motd", Item::Symlink("/x")).expect("room");
        let good = String::from(listing);
        assert!(Listing::try_from(good.clone()).is_ok());
        let bytes = STANDARD.decode(&good).expect("base64");
        for length in 1..bytes.len() {
            let cut = STANDARD.encode(&bytes[..length]);
            assert_eq!(Listing::try_from(cut), Err(Damaged), "{length}");
        }
        assert_eq!(Listing::try_from("!".to_owned()), Err(Damaged));
    }

    fn any_item() -> impl Strategy<Value = (u8, String, usize)> {
        (0_u8..7, "[a-z./é]{0,12}", any::<usize>())
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(entries in prop::collection::vec(("[a-cé/]{0,8}", any_item()), 0..40)) {
            let mut listing = Listing::default();
            let mut expected = Vec::new();
            for (path, (letter, text, place)) in &entries {
                let item = match letter {
                    0 => Item::Directory,
                    1 => Item::File,
                    2 => Item::Read(*place),
                    3 => Item::Symlink(text),
                    4 => Item::HardLink(text),
                    5 => Item::Whiteout,
                    _ => Item::Opaque,
                };
                listing.push(path, item).expect("room");
                expected.push((path.clone(), format!("{item:?}")));
            }
            prop_assert_eq!(&items(&listing), &expected);
            let kept = String::from(listing.clone());
            prop_assert_eq!(Listing::try_from(kept), Ok(listing));
        }
    }
}
