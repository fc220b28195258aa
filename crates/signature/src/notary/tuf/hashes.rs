//! Checksums and lengths of files and targets.

use aws_lc_rs::digest::{self, SHA256, SHA512, digest};
use cise_reference::{Algorithm, Digest};

use super::shape::{At, BadShape};

/// How many checksums one file may have; two of them are read.
const MAX_HASHES: usize = 16;

/// The checksums of a file or target that we can compute; others are left out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Hashes {
    sha256: Option<[u8; 32]>,
    sha512: Option<Box<[u8; 64]>>,
}

impl Hashes {
    /// Reads the member `hashes`. A SHA-256 or SHA-512 of the wrong length is an error.
    pub(crate) fn read(meta: &At<'_>) -> Result<Self, BadShape> {
        let mut hashes = Self::default();
        for (algorithm, value) in meta.required("hashes")?.members(MAX_HASHES)? {
            match algorithm {
                "sha256" => hashes.sha256 = Some(array(&value)?),
                "sha512" => hashes.sha512 = Some(Box::new(array(&value)?)),
                _ => {}
            }
        }
        Ok(hashes)
    }

    /// Whether every checksum that is there is that of `bytes`, and there is at least one.
    pub(crate) fn fit(&self, bytes: &[u8]) -> bool {
        let sha256 = self
            .sha256
            .map(|known| known == *digest(&SHA256, bytes).as_ref());
        let sha512 = self
            .sha512
            .as_ref()
            .map(|known| **known == *digest(&SHA512, bytes).as_ref());
        all_that_are(sha256, sha512)
    }

    /// Whether both can be of the same target: at least one checksum in common, and none that differs.
    pub(crate) fn agree_with(&self, other: &Self) -> bool {
        let sha256 = self.sha256.zip(other.sha256).map(|(a, b)| a == b);
        let sha512 = self
            .sha512
            .as_ref()
            .zip(other.sha512.as_ref())
            .map(|(a, b)| a == b);
        all_that_are(sha256, sha512)
    }

    /// The image digest, by SHA-256 where there is one.
    pub(crate) fn digest(&self) -> Option<Digest> {
        self.of(Algorithm::Sha256)
            .or_else(|| self.of(Algorithm::Sha512))
    }

    /// The image digest of that algorithm.
    pub(crate) fn of(&self, algorithm: Algorithm) -> Option<Digest> {
        match algorithm {
            Algorithm::Sha256 => self.sha256.map(Digest::sha256),
            Algorithm::Sha512 => self.sha512.as_ref().map(|bytes| Digest::sha512(**bytes)),
        }
    }
}

/// What the snapshot or the timestamp says of a file: its length in bytes, and its checksums.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileMeta {
    length: u64,
    hashes: Hashes,
}

impl FileMeta {
    /// Reads length and checksums. Without a SHA-256 it is an error, as in the reference implementation.
    pub(crate) fn read(meta: &At<'_>) -> Result<Self, BadShape> {
        let hashes = Hashes::read(meta)?;
        if hashes.sha256.is_none() {
            return Err(meta.error("has no sha256"));
        }
        Ok(Self {
            length: meta.required("length")?.count()?,
            hashes,
        })
    }

    /// Whether `bytes`, as served, are the file that is meant.
    pub(crate) fn fits(&self, bytes: &[u8]) -> bool {
        u64::try_from(bytes.len()) == Ok(self.length) && self.hashes.fit(bytes)
    }

    /// The SHA-256 in hexadecimal digits.
    pub(crate) fn checksum(&self) -> String {
        self.hashes
            .sha256
            .map_or_else(String::new, |bytes| Digest::sha256(bytes).hex().to_owned())
    }
}

/// The SHA-256 of `bytes`.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    copied(digest(&SHA256, bytes))
}

fn copied(digest: digest::Digest) -> [u8; 32] {
    digest.as_ref().try_into().unwrap_or_default()
}

fn all_that_are(first: Option<bool>, second: Option<bool>) -> bool {
    match (first, second) {
        (None, None) => false,
        _ => first.unwrap_or(true) && second.unwrap_or(true),
    }
}

fn array<const N: usize>(value: &At<'_>) -> Result<[u8; N], BadShape> {
    value
        .bytes()?
        .try_into()
        .map_err(|_| value.error(format!("is not {N} bytes long")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashes(sha256: Option<u8>, sha512: Option<u8>) -> Hashes {
        Hashes {
            sha256: sha256.map(|byte| [byte; 32]),
            sha512: sha512.map(|byte| Box::new([byte; 64])),
        }
    }

    #[test]
    fn targets_agree_when_something_is_the_same_and_nothing_differs() {
        for (a, b, same) in [
            (hashes(Some(1), None), hashes(Some(1), None), true),
            (hashes(Some(1), Some(1)), hashes(Some(1), None), true),
            (hashes(Some(1), Some(1)), hashes(None, Some(1)), true),
            (hashes(Some(1), None), hashes(Some(2), None), false),
            (hashes(Some(1), Some(1)), hashes(Some(1), Some(2)), false),
            (hashes(Some(1), None), hashes(None, Some(1)), false),
            (hashes(None, None), hashes(None, None), false),
        ] {
            assert_eq!(a.agree_with(&b), same, "{a:?} {b:?}");
            assert_eq!(b.agree_with(&a), same);
        }
    }
}
