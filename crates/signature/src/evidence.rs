use std::sync::Arc;

use cise_reference::Digest;
use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::notary::{KeyId, RoleName};

/// What a verification found: that the digest is signed as required, by whom, and when that was last true.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
#[non_exhaustive]
pub enum Evidence {
    /// Docker Content Trust (Notary v1) holds the digest.
    ContentTrust {
        /// The digest that is released, and that every required signer signed.
        #[serde(serialize_with = "as_text")]
        digest: Digest,
        /// The tag whose released digest this is.
        target: Box<str>,
        /// The role that released it.
        #[serde(serialize_with = "as_text")]
        released_by: RoleName,
        /// The required signers, each of whom signed it; empty where anybody's signature is enough.
        signers: Vec<SignerEvidence>,
        /// The trust server's address.
        trust_server: Arc<str>,
        /// The repository's name there.
        repository: Arc<str>,
        /// The version of the root that vouches for all of it.
        root_version: u64,
        /// When the trust server last confirmed it.
        checked_at: Timestamp,
    },
}

/// One signer, and the key that the signature was made with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SignerEvidence {
    /// The signer's name.
    pub name: Box<str>,
    /// The id of the key as the repository's metadata lists it.
    #[serde(serialize_with = "as_text")]
    pub key_id: KeyId,
}

impl Evidence {
    /// The digest that may run.
    pub fn digest(&self) -> &Digest {
        match self {
            Self::ContentTrust { digest, .. } => digest,
        }
    }
}

fn as_text<T: std::fmt::Display, S: Serializer>(
    value: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}
