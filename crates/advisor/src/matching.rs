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
pub use order::{unorderable, unorderable_bounds};

use crate::osv::Family;
use crate::version::{Unorderable, apk, dpkg, rpm};
use crate::{Affected, Ecosystem, Event, Manager, Package};
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
    /// It may be, or may have the fix already: that is on the other side of a bound which has no place in the order of versions.
    Undecided {
        /// The event of that bound: a fix, which is published and cannot be read, or an introduction after another one.
        bound: &'a Event,
    },
}

/// Judges a package by what an advisory says of it.
pub fn judge<'a>(package: &Package, affected: &'a Affected) -> Result<Judgement<'a>, Unorderable> {
    Judge::of(package, &affected.ecosystem, &affected.package).judge(affected)
}

/// A package under one of its names in a feed: its version is parsed once, however many advisories it is held against.
#[derive(Debug)]
pub struct Judge<'p> {
    package: &'p Package,
    /// Nothing where the package does not go by that name.
    installed: Option<(Installed<'p>, Result<Version<'p>, Unorderable>)>,
}

impl<'p> Judge<'p> {
    /// That of a package under the name that an ecosystem has for it.
    pub fn of(package: &'p Package, ecosystem: &Ecosystem, name: &str) -> Self {
        let family = Family::of(ecosystem).filter(|family| family.manager() == package.manager);
        let installed = family.and_then(|family| Installed::of(package, family, name));
        Self {
            package,
            installed: installed
                .map(|installed| (installed, Version::of(package.manager, &installed))),
        }
    }

    /// Judges it by what an advisory says of that very name.
    ///
    /// An installed version that has no place in the order is an error once the advisory is about this package. A bound that has
    /// none leaves its range open on its side, and the package undecided where it could have a fix beyond it:
    /// [`unorderable_bounds`] finds such bounds when a database is built.
    pub fn judge<'a>(&self, affected: &'a Affected) -> Result<Judgement<'a>, Unorderable> {
        let Some((installed, version)) = &self.installed else {
            return Ok(Judgement::Unaffected);
        };
        if !scope::covers(affected, self.package) {
            return Ok(Judgement::Unaffected);
        }
        let by_ranges = match version.as_ref().map_err(Clone::clone)? {
            Version::Dpkg(version) => ranges::judge(*version, &affected.ranges),
            Version::Apk(version) => ranges::judge(*version, &affected.ranges),
            Version::Rpm(version) => ranges::judge(*version, &affected.ranges),
        };
        Ok(match by_ranges {
            Judgement::Unaffected if installed.is_listed(&affected.versions) => {
                Judgement::Affected { fix: None }
            }
            judgement => judgement,
        })
    }
}

/// An installed version, as its package manager orders it.
#[derive(Clone, Copy, Debug)]
enum Version<'p> {
    Dpkg(dpkg::Version<'p>),
    Apk(apk::Version<'p>),
    Rpm(rpm::Version<'p>),
}

impl<'p> Version<'p> {
    fn of(manager: Manager, installed: &Installed<'p>) -> Result<Self, Unorderable> {
        let text = installed.version;
        Ok(match manager {
            Manager::Dpkg => Self::Dpkg(dpkg::Version::parse(text)?),
            Manager::Apk => Self::Apk(apk::Version::parse(text)?),
            Manager::Rpm => Self::Rpm(installed.with_epoch(rpm::Version::parse(text)?)),
        })
    }
}

#[cfg(test)]
mod tests;
