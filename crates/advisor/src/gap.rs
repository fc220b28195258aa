//! What kept the advisor from judging an image.

use serde::{Deserialize, Serialize};

/// Something that could change the answer and was not judged: the status is INCOMPLETE, and this is why.
///
/// One sentence each for people, without a full stop; what to do follows where somebody can do something.
#[derive(
    Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, thiserror::Error,
)]
#[serde(rename_all = "kebab-case", tag = "gap")]
#[non_exhaustive]
pub enum Gap {
    /// A package database could not be read to its end.
    #[error("the package database `{path}` cannot be read: {why}")]
    BrokenDatabase {
        /// Where in the image it is.
        path: Box<str>,
        /// What is wrong with it.
        why: Box<str>,
    },
}
