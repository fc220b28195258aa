//! What is remembered of trust: for each pin the root that was trusted, and the newest versions seen.

mod folder;
mod state;

use futures::future::BoxFuture;

use crate::PinKey;

pub use folder::FolderStore;
pub use state::{StateError, TrustState};

/// Where trust is remembered, shared by all that verify for one cluster.
///
/// A record is made once and then replaced only by who has read the current one, so that two that race end with one pin.
/// Nothing is ever evicted: a forgotten pin would be trusted anew.
pub trait TrustStore: Send + Sync {
    /// The record of a pin; nothing if there was never one.
    fn load<'a>(&'a self, pin: &'a PinKey) -> BoxFuture<'a, Result<Option<Stored>, StoreError>>;

    /// Makes the record of a pin, unless there is one.
    fn create<'a>(
        &'a self,
        pin: &'a PinKey,
        state: &'a TrustState,
    ) -> BoxFuture<'a, Result<Written, StoreError>>;

    /// Replaces the record, unless it has changed since `revision` was read.
    fn replace<'a>(
        &'a self,
        pin: &'a PinKey,
        revision: &'a Revision,
        state: &'a TrustState,
    ) -> BoxFuture<'a, Result<Written, StoreError>>;
}

/// A record as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// What is remembered.
    pub state: TrustState,
    /// Which writing of the record this is.
    pub revision: Revision,
}

/// Tells one writing of a record from the next. Opaque: what it is, is the store's own matter.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Revision(Box<str>);

impl Revision {
    /// A revision by the store's own name for it.
    pub fn new(name: impl Into<Box<str>>) -> Self {
        Self(name.into())
    }

    /// The store's own name for it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What became of a record that was to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It is stored.
    Done,
    /// Somebody else was faster, or has removed it: read the current record and decide anew.
    Conflict,
}

/// Trust could not be read or recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It cannot be read or written.
    #[error("the trust record {place} cannot be {action}: {why}")]
    Inaccessible {
        /// Where it is kept.
        place: String,
        /// `read` or `written`.
        action: &'static str,
        /// Why.
        why: String,
    },
    /// It is not what was written.
    #[error(
        "the trust record {place} is damaged: {why}; restore it, or forget the repository's trust to pin it anew"
    )]
    Damaged {
        /// Where it is kept.
        place: String,
        /// What is wrong with it.
        why: String,
    },
    /// There are as many records as there may be.
    #[error(
        "trust is recorded for {most} repositories already, which is the bound; forget some, or raise it, before \
         another can be trusted"
    )]
    Full {
        /// The bound.
        most: usize,
    },
}
