//! An image in line.

use std::collections::HashMap;
use std::sync::Arc;

use cise_reference::Digest;
use cise_registry::{Demand, Pace};

/// What tells images in line, and layers that are wanted for them, from others. The lower one came first.
pub(super) type Number = u64;

/// An image in line.
#[derive(Debug)]
pub(super) struct Image {
    /// The namespace that it was read for first.
    pub(super) owner: Arc<str>,
    pub(super) demand: Demand,
    /// What is to be read of it, and its bytes.
    pub(super) layers: HashMap<Digest, u64>,
    pub(super) is_begun: bool,
}

impl Image {
    /// Whether nobody waits for it.
    pub(super) fn is_ahead(&self) -> bool {
        self.demand.pace == Pace::Deferred
    }

    /// Whether it can be put off: nothing of it was read, and it is of one namespace only.
    pub(super) fn may_leave(&self) -> bool {
        !self.is_begun && self.demand.namespaces.len() <= 1
    }
}
