//! Digests of what is held, and of what passes by.

pub(super) mod text;

use aws_lc_rs::digest::{Context, SHA256, SHA512};
use cise_reference::{Algorithm, Digest};

/// A digest in the making.
pub(super) struct Hash {
    context: Context,
    algorithm: Algorithm,
}

impl Hash {
    pub(super) fn new(algorithm: Algorithm) -> Self {
        let context = Context::new(match algorithm {
            Algorithm::Sha256 => &SHA256,
            Algorithm::Sha512 => &SHA512,
        });
        Self { context, algorithm }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.context.update(bytes);
    }

    pub(super) fn finish(self) -> Digest {
        let hash = self.context.finish();
        match self.algorithm {
            Algorithm::Sha256 => Digest::sha256(first(hash.as_ref())),
            Algorithm::Sha512 => Digest::sha512(first(hash.as_ref())),
        }
    }
}

/// The digest of these bytes.
pub(super) fn sha(algorithm: Algorithm, bytes: &[u8]) -> Digest {
    let mut hash = Hash::new(algorithm);
    hash.update(bytes);
    hash.finish()
}

/// The first bytes, filled up with zeros.
pub(super) fn first<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut first = [0; N];
    let pairs = first.iter_mut().zip(bytes);
    pairs.for_each(|(to, from)| *to = *from);
    first
}
