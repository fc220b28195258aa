//! The Update Framework as Notary v1 speaks it: documents, keys, signatures and roles. Pure; no clock, no network.
//!
//! Sources: TUF 1.0 (`theupdateframework.github.io/specification`), and the reference implementation
//! (`github.com/theupdateframework/notary`, package `tuf`) where Notary v1 differs from it.

pub(super) mod canonical;
pub(super) mod certificate;
mod document;
mod hashes;
pub(super) mod json;
mod key;
mod pem;
mod problem;
mod role;
mod root;
mod shape;
mod snapshot;
mod targets;

pub(crate) use certificate::{Authority, Term};
pub(crate) use document::{Content, SignedBy, Unverified, Verified};
pub(crate) use hashes::{FileMeta, Hashes, sha256};
pub(crate) use key::Fingerprint;
pub use key::{BadKey, KeyId, PublicKey};
pub use problem::Problem;
pub(crate) use role::RoleKeys;
pub use role::{BadRoleName, RoleName};
pub(crate) use root::Root;
pub(crate) use snapshot::{Snapshot, Timestamp};
pub(crate) use targets::{Delegation, Paths, Targets};

/// The canonical form of a value, for tests that sign.
#[cfg(test)]
pub(crate) fn canonical_bytes(value: &serde_json::Value) -> Vec<u8> {
    canonical::encode(&json::parse(value.to_string().as_bytes()).unwrap())
}
