//! One installed package, held against one advisory of it.
//!
//! Everything here is about a single package and is pure; what counts as an issue of an image is decided from it elsewhere.

mod channel;
mod installed;
mod kernel;
mod order;
mod ranges;
mod scope;

pub use channel::Channel;
pub use kernel::is_kernel;
pub use order::unorderable_bounds;

use crate::osv::Family;
use crate::version::{Unorderable, apk, dpkg, rpm};
use crate::{Affected, Manager, Package};
use installed::Installed;

/// Whether an installed version is affected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement<'a> {
    /// It is not, or the advisory is about another package.
    Unaffected,
    /// It is.
    Affected {
        /// The version, above the installed one, in which it is fixed. Nothing where no fix is published: `last_affected`, a list of
        /// versions and a range without an end are none.
        fix: Option<&'a str>,
    },
}

/// Judges a package by what an advisory says of it.
///
/// An installed version that has no place in the order is an error once the advisory is about this package. A bound that has
/// none leaves its range open on its side: [`unorderable_bounds`] finds them when a database is built.
pub fn judge<'a>(package: &Package, affected: &'a Affected) -> Result<Judgement<'a>, Unorderable> {
    let family =
        Family::of(&affected.ecosystem).filter(|family| family.manager() == package.manager);
    let Some(installed) =
        family.and_then(|family| Installed::of(package, family, &affected.package))
    else {
        return Ok(Judgement::Unaffected);
    };
    if !scope::covers(affected, package) {
        return Ok(Judgement::Unaffected);
    }
    let by_ranges = match package.manager {
        Manager::Dpkg => ranges::judge(dpkg::Version::parse(installed.version)?, &affected.ranges),
        Manager::Apk => ranges::judge(apk::Version::parse(installed.version)?, &affected.ranges),
        Manager::Rpm => {
            let version = rpm::Version::parse(installed.version)?;
            ranges::judge(installed.with_epoch(version), &affected.ranges)
        }
    };
    Ok(match by_ranges {
        Judgement::Unaffected if installed.is_listed(&affected.versions) => {
            Judgement::Affected { fix: None }
        }
        judgement => judgement,
    })
}

#[cfg(test)]
mod tests;
