//! SHA-256, by which everything in a database is named and checked.

use std::fmt;
use std::io::{self, Write};

use aws_lc_rs::digest::{Context, SHA256, digest};
use cise_reference::Digest;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The SHA-256 of some bytes, written `sha256:` and 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sha256([u8; Self::BYTES]);

impl Sha256 {
    pub(crate) const BYTES: usize = 32;

    /// That of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self::from_digest(&digest(&SHA256, bytes))
    }

    pub(crate) fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// The digest by which registries name the same bytes.
    pub fn digest(&self) -> Digest {
        Digest::sha256(self.0)
    }

    /// The 32 bytes themselves.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn from_digest(digest: &aws_lc_rs::digest::Digest) -> Self {
        let mut bytes = [0; Self::BYTES];
        bytes
            .iter_mut()
            .zip(digest.as_ref())
            .for_each(|(to, from)| *to = *from);
        Self(bytes)
    }

    fn parse(text: &str) -> Option<Self> {
        let hex = text.strip_prefix("sha256:")?.as_bytes();
        let mut bytes = [0; Self::BYTES];
        if hex.len() != 2 * Self::BYTES {
            return None;
        }
        for (to, [high, low]) in bytes.iter_mut().zip(hex.as_chunks().0) {
            *to = (nibble(*high)? << 4) | nibble(*low)?;
        }
        Some(Self(bytes))
    }
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Digest::sha256(self.0).as_str())
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Sha256 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Sha256 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Box<str>>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            D::Error::custom("expected `sha256:` and 64 hexadecimal digits in lower case")
        })
    }
}

/// Hashes and counts what is written through it.
pub(crate) struct Hashing<W> {
    inner: W,
    context: Context,
    bytes: u64,
}

impl<W: Write> Hashing<W> {
    pub(crate) fn new(inner: W) -> Self {
        Self {
            inner,
            context: Context::new(&SHA256),
            bytes: 0,
        }
    }

    /// How many bytes went through.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn finish(self) -> (Sha256, u64) {
        (Sha256::from_digest(&self.context.finish()), self.bytes)
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        let (bytes, _) = bytes.split_at_checked(written).unwrap_or((bytes, &[]));
        self.context.update(bytes);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn a_hash_is_written_and_read() {
        assert_eq!(Sha256::of(b"").to_string(), EMPTY);
        assert_eq!(Sha256::parse(EMPTY), Some(Sha256::of(b"")));
        assert_eq!(Sha256::parse(&EMPTY.to_uppercase()), None);
        assert_eq!(Sha256::parse("sha256:e3b0"), None);
    }

    #[test]
    fn what_is_written_is_hashed_and_counted() {
        let mut hashing = Hashing::new(Vec::new());
        hashing.write_all(b"one").unwrap();
        hashing.write_all(b"two").unwrap();
        assert_eq!(hashing.finish(), (Sha256::of(b"onetwo"), 6));
    }
}
