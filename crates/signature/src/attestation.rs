//! Attestations: what somebody says of an image, signed, such as cosign attaches to it.
//!
//! A statement (in-toto, v0.1 and v1) names its subjects by their digests and carries a predicate of some type. It is signed in an
//! envelope (DSSE), which comes bare or in a bundle of Sigstore's. A key that the caller configured is what is trusted: no certificate, no
//! transparency log and no time of signing is looked at, so that who holds the key vouches for what it has ever signed.
//!
//! Pure: bytes in, an [`Attestation`] with its evidence out. Whoever reads a predicate does it by [`Attestation::predicate`], after the
//! signature was verified.
//!
//! Sources: DSSE 1.0.2 (`protocol.md`, `envelope.md`), in-toto attestation framework 1.1 (`spec/v1`), `sigstore_bundle.proto`.

mod bundle;
mod envelope;
#[doc(hidden)]
pub mod fuzzing;
mod key;
mod statement;
#[cfg(test)]
mod tests;

pub use envelope::{Envelope, EnvelopeError};
pub use key::{BadKey, KeyEvidence, TrustedKey, TrustedKeys};
pub use statement::{Statement, StatementError};

use cise_reference::Digest;
use serde::de::DeserializeOwned;

/// The media type of a bundle, and the artifact type of the manifest that carries it.
pub const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
/// The media type of a bare envelope.
pub const ENVELOPE: &str = "application/vnd.dsse.envelope.v1+json";
/// The most bytes of a document that carries an attestation.
pub const MAX_BYTES: usize = 4 << 20;

/// What carries an envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// Nothing: the envelope itself.
    Envelope,
    /// A bundle of Sigstore's.
    Bundle,
}

/// A statement that a configured key has signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attestation {
    statement: Statement,
    payload: Box<[u8]>,
    key: KeyEvidence,
}

/// Why a document is no attestation that counts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttestationError {
    /// No configured key has signed it, so that nobody answers for what it says.
    #[error(transparent)]
    Unsigned(#[from] EnvelopeError),
    /// A configured key has signed it, and what it says cannot be read.
    #[error("it is signed with {key}, and {why}")]
    Unreadable {
        /// The key.
        key: KeyEvidence,
        /// Why.
        why: StatementError,
    },
}

impl Carrier {
    /// What a document of that media type is; nothing, if it carries no envelope.
    pub fn of(media_type: &str) -> Option<Self> {
        match media_type {
            ENVELOPE => Some(Self::Envelope),
            BUNDLE => Some(Self::Bundle),
            _ => None,
        }
    }

    /// The envelope in a document.
    pub fn open(self, document: &[u8]) -> Result<Envelope, EnvelopeError> {
        match self {
            Self::Envelope => Envelope::parse(document),
            Self::Bundle => bundle::envelope(document),
        }
    }
}

impl Attestation {
    /// What a document attests, if one of `keys` has signed it.
    pub fn verify(
        carrier: Carrier,
        document: &[u8],
        keys: &TrustedKeys,
    ) -> Result<Self, AttestationError> {
        let envelope = carrier.open(document)?;
        let key = keys.signer_of(&envelope)?;
        let payload = envelope.into_payload();
        match Statement::parse(&payload) {
            Ok(statement) => Ok(Self {
                statement,
                payload,
                key,
            }),
            Err(why) => Err(AttestationError::Unreadable { key, why }),
        }
    }

    /// The type of the predicate, as it is written.
    pub fn predicate_type(&self) -> &str {
        self.statement.predicate_type()
    }

    /// Is it about the content with that digest?
    pub fn is_about(&self, digest: &Digest) -> bool {
        self.statement.is_about(digest)
    }

    /// The key that has signed it.
    pub fn key(&self) -> &KeyEvidence {
        &self.key
    }

    /// The predicate, read as what the caller takes it for.
    pub fn predicate<P: DeserializeOwned>(&self) -> Result<P, StatementError> {
        statement::predicate(&self.payload)
    }
}
