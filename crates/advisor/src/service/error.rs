use std::sync::Arc;

use cise_registry::{Amount, Fault, FlightError, RegistryError};

use crate::inventory::{Busy, InventoryError, LayerError, SourceError};

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
    /// The cluster's nodes are of more platforms than images are judged for.
    #[error(
        "the cluster's nodes are of {found} platforms, and images are judged for at most {most}"
    )]
    ManyPlatforms {
        /// How many there are.
        found: usize,
        /// How many an image is judged for.
        most: usize,
    },
    /// The image is being indexed still. How much of it is done, once that is known.
    #[error("the image is being scanned{}; the result will answer the next request", read_so_far(.0.as_ref()))]
    Indexing(Option<Amount>),
    /// The registry does not show that whoever asks may see the image.
    #[error(transparent)]
    Unproven(Box<RegistryError>),
    /// The advisor is another program, to which the registry does not show the image with the credentials that it was given.
    #[error("{0}")]
    Unseen(String),
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
    /// The advisor is another program, which has too much under way.
    #[error("{0}")]
    Busy(String),
    /// The advisor is another program, which says why it has no answer.
    #[error("{0}")]
    Declined(String),
    /// The assessment ended without a result, which is a fault of this program.
    #[error(
        "the assessment ended without a result because of an internal error; the log says more"
    )]
    Lost,
}

fn read_so_far(amount: Option<&Amount>) -> String {
    amount.map_or_else(String::new, |amount| format!(", {amount} so far"))
}

impl Unadvised {
    /// Whether other credentials might change it.
    pub fn is_of_credentials(&self) -> bool {
        match self {
            Self::Unseen(_) => true,
            _ => self
                .by_registry()
                .is_some_and(|error| error.fault() == Fault::Credentials),
        }
    }

    /// Whether too much is under way, so that asking again later will do.
    pub fn is_busy(&self) -> bool {
        match self {
            Self::Flight(_) => true,
            Self::Inventory(InventoryError::Busy(busy)) => {
                !matches!(busy, Busy::Large { .. } | Busy::Wordy { .. })
            }
            _ => false,
        }
    }

    /// What somebody can do about it, where that is clear.
    pub fn hint(&self) -> Option<&'static str> {
        self.by_registry()?.hint()
    }

    /// What a registry answered in this process, if it is that.
    fn by_registry(&self) -> Option<&RegistryError> {
        let source = match self {
            Self::Unproven(error) => return Some(error),
            Self::Inventory(
                InventoryError::Source(source)
                | InventoryError::Layer {
                    why: LayerError::Source(source),
                    ..
                },
            ) => source,
            _ => return None,
        };
        match source {
            SourceError::Registry(error) => Some(error),
            _ => None,
        }
    }
}
