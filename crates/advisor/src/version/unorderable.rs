use crate::Manager;
use crate::excerpt::excerpt;

/// A version that its package manager's grammar does not cover, so that it has no place in the order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{version}` is no version that {manager} can order: {fault}")]
pub struct Unorderable {
    /// Whose order was asked.
    pub manager: Manager,
    /// The start of the version, escaped.
    pub version: Box<str>,
    /// What is wrong with it.
    pub fault: Fault,
}

impl Unorderable {
    pub(super) fn new(manager: Manager, version: &str, fault: Fault) -> Self {
        Self {
            manager,
            version: excerpt(version),
            fault,
        }
    }
}

/// What is wrong with a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It has more bytes than [`MAX_BYTES`](super::MAX_BYTES).
    #[error("it has more than {} bytes", super::MAX_BYTES)]
    TooLong,
    /// There is nothing where the version has to be.
    #[error("the version is empty")]
    Empty,
    /// The epoch is no number, or one that the package manager cannot hold.
    #[error("the epoch before its first `:` is no number, or too large a one")]
    Epoch,
    /// It has a separator for a revision or a release, and nothing after it.
    #[error("there is nothing after its last `-`")]
    EmptyRevision,
    /// A character that the manager does not allow there.
    #[error("it has a character that is not allowed there")]
    Character,
    /// The parts are not `number{.number}{letter}{_suffix{number}}{~hash}{-rNumber}`.
    #[error("it is not `number{{.number}}{{letter}}{{_suffix{{number}}}}{{~hash}}{{-rNumber}}`")]
    Shape,
}
