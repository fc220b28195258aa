//! The exact order of versions, as each package manager defines it.
//!
//! A version is parsed into parts that borrow its text, and compared without allocating. What a manager's own grammar does not
//! cover is [`Unorderable`]: it is never taken for older or newer than anything.

pub mod apk;
pub mod dpkg;
pub mod rpm;

mod epoch;
mod run;
mod unorderable;

use std::cmp::Ordering;

use crate::Manager;
pub use unorderable::{Fault, Unorderable};

/// The longest version that is parsed, in bytes. The longest ones of real packages have about a hundred.
pub const MAX_BYTES: usize = 1024;

/// Compares two versions in the order of `manager`.
///
/// For rpm it is the order of its dependencies: a version without a release equals the same version with any release, which
/// is therefore no total order; [`rpm::Version`]'s `Ord` is one.
pub fn compare(manager: Manager, left: &str, right: &str) -> Result<Ordering, Unorderable> {
    Ok(match manager {
        Manager::Dpkg => dpkg::Version::parse(left)?.cmp(&dpkg::Version::parse(right)?),
        Manager::Apk => apk::Version::parse(left)?.cmp(&apk::Version::parse(right)?),
        Manager::Rpm => rpm::Version::parse(left)?.satisfies(&rpm::Version::parse(right)?),
    })
}

#[cfg(test)]
mod tests;
