use std::sync::Arc;

use cise_registry::FlightError;

use crate::inventory::InventoryError;

/// Why there is no assessment of an image. It says nothing about the image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unadvised {
    /// No advisory database is loaded.
    #[error("no advisory database")]
    NoDatabase,
    /// It is not known yet for which platforms images are judged.
    #[error("the platforms of the cluster's nodes are not known yet")]
    NoPlatforms,
    /// The image is being indexed still.
    #[error("the image is being scanned; the result will answer the next request")]
    Indexing,
    /// The image cannot be read now.
    #[error(transparent)]
    Inventory(InventoryError),
    /// Too much is under way, or it took too long.
    #[error(transparent)]
    Flight(#[from] FlightError),
    /// The image's name and digest make no reference.
    #[error("the image cannot be named by its digest: {0}")]
    Reference(String),
    /// The advisor is another program, and gives no answer.
    #[error("advisor unreachable: {service}: {why}")]
    Unreachable {
        /// Its host.
        service: Arc<str>,
        /// What went wrong on the way to it.
        why: String,
    },
    /// The advisor is another program, which says why it has no answer.
    #[error("{0}")]
    Declined(String),
    /// The assessment ended without a result, which is a fault of this program.
    #[error(
        "the assessment ended without a result because of an internal error; the log says more"
    )]
    Lost,
}
