//! The database as an artifact of a registry: its manifest as the configuration, and a layer for each segment.
//!
//! A registry keeps each layer once, so that [`push`] and [`pull`] carry the segments that changed, and no others. What is
//! pulled is trusted for its digest or for its signature, never for where it comes from: whoever could exchange the database for
//! an empty one would open the gate. Signatures are those of `cosign sign --key`.

mod draft;
mod error;
mod layout;
mod oci;
mod pull;
mod push;
mod signature;
mod signed;
mod stored;
mod succession;

pub use self::error::{ArtifactError, Unfit};
pub use self::pull::{Precedent, Pull, Pulled, Trust, Untrusted, pull};
pub use self::push::{Push, Pushed, push};
pub use self::signature::{BadKey, PublicKey, Signer};
pub use self::succession::{Part, Setback, setbacks};

/// Where a push or a pull is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer<'a> {
    /// The segment that is carried: its ecosystem, or `vulnerabilities`.
    pub segment: &'a str,
    /// How many bytes of segments are done with.
    pub done: u64,
    /// How many there are.
    pub of: u64,
}

/// Who is told where a push or a pull is.
pub type Progress<'a> = dyn FnMut(Transfer<'_>) + Send + 'a;

/// How much was carried, and how much was there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// How many segments were carried.
    pub segments: usize,
    /// How many bytes they have.
    pub bytes: u64,
    /// How many segments were there already.
    pub kept: usize,
}

#[cfg(test)]
mod tests;
