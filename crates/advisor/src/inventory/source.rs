//! Where images come from.

mod layout;
mod registry;

use std::future::Future;

use bytes::Bytes;
use cise_reference::Digest;
use cise_registry::{Descriptor, Manifest, Reason, RegistryError, RegistryFailure};
use futures::stream::BoxStream;

pub use layout::{Layout, LayoutError};
pub use registry::RegistrySource;

/// The bytes of one copy of a blob, as they come. Nothing about them is verified.
pub type Chunks = BoxStream<'static, Result<Bytes, SourceError>>;

/// The copies of a blob, one after the other, for when one cannot be read or proves false.
pub type Copies<'a> = BoxStream<'a, Result<Chunks, SourceError>>;

/// Something that has images.
pub trait Source: Send + Sync {
    /// The manifest with that digest, which its bytes have.
    fn manifest(
        &self,
        digest: &Digest,
    ) -> impl Future<Output = Result<Manifest, SourceError>> + Send;

    /// The copies of a blob; at least one, or an error that says why there is none.
    fn copies(&self, blob: &Descriptor) -> Copies<'_>;
}

/// Why something cannot be had from where images come from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// A registry does not give it.
    #[error(transparent)]
    Registry(Box<RegistryError>),
    /// A layout does not have it.
    #[error(transparent)]
    Layout(Box<LayoutError>),
    /// The source has no copy to offer.
    #[error("there is no copy of {digest}")]
    NoCopy {
        /// The digest.
        digest: Digest,
    },
}

impl From<RegistryError> for SourceError {
    fn from(error: RegistryError) -> Self {
        Self::Registry(error.into())
    }
}

impl From<LayoutError> for SourceError {
    fn from(error: LayoutError) -> Self {
        Self::Layout(error.into())
    }
}

impl SourceError {
    /// Whether it is certain that the source does not have it, or that what it has can never be used: asking again is of no use.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Registry(error) => match &error.failure {
                RegistryFailure::NotFound | RegistryFailure::Manifest(_) => true,
                // It goes on past the size that the manifest says.
                RegistryFailure::Fetch(error) => matches!(error.reason, Reason::TooLarge(_)),
                _ => false,
            },
            Self::Layout(error) => error.is_final(),
            Self::NoCopy { .. } => true,
        }
    }

    /// Whether the source does not have it, or does not show it.
    pub fn is_absence(&self) -> bool {
        match self {
            Self::Registry(error) => error.failure == RegistryFailure::NotFound,
            Self::Layout(error) => matches!(**error, LayoutError::Missing { .. }),
            Self::NoCopy { .. } => true,
        }
    }
}
