//! Whether advisories are published for what an image is made of at all.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::maker;
use crate::detector::Mark;
use crate::inventory::{Inventory, Reading};
use crate::osv::{self, Feeds, PackageDatabase};
use crate::{Gap, Manager};

/// Why an image is UNSUPPORTED.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, thiserror::Error,
)]
#[serde(rename_all = "kebab-case", tag = "reason")]
pub enum Unsupported {
    /// No layer has a mark of a distribution, or a package.
    #[error("it holds no distribution and no package")]
    Bare,
    /// Nobody publishes advisories for its distribution in a form that is read.
    #[error("no advisories are read for the distribution {distribution}")]
    NoFeed {
        /// `ID` of its `os-release`.
        distribution: Box<str>,
    },
}

/// What can be said of an image's distribution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Support {
    /// Its packages are held against these feeds.
    Fed(Feeds),
    /// It is known that there is nothing to judge by.
    Unsupported(Unsupported),
    /// It is not known what to judge by.
    Unclear(Gap),
}

/// The rule is narrow, since what is unsupported is admitted: no layer may have been left unread.
pub(super) fn support(inventory: &Inventory) -> Support {
    let Some(release) = &inventory.release else {
        return if is_bare(inventory) {
            Support::Unsupported(Unsupported::Bare)
        } else {
            Support::Unclear(Gap::NoRelease)
        };
    };
    let support = match osv::ecosystems(release) {
        osv::Support::Fed(feeds) => Support::Fed(feeds),
        osv::Support::NoFeed(database) if has_only(inventory, database) => {
            Support::Unsupported(Unsupported::NoFeed {
                distribution: release.id.clone(),
            })
        }
        osv::Support::NoFeed(_) | osv::Support::Unknown => {
            return Support::Unclear(Gap::UnknownDistribution {
                id: release.id.clone(),
                version: release.version.clone(),
            });
        }
    };
    let contradiction = maker::contradiction(&inventory.packages, release);
    contradiction.map_or(support, Support::Unclear)
}

fn is_bare(inventory: &Inventory) -> bool {
    let contents = &inventory.contents;
    contents.reading == Reading::Whole
        && contents.marks.is_empty()
        && contents.databases.is_empty()
        && inventory.packages.is_empty()
        && inventory.gaps.is_empty()
}

/// Are the package databases of that kind alone, and is there one? What is in it does not matter, as there is nothing to hold it
/// against, so that it may be one that is not read.
fn has_only(inventory: &Inventory, database: PackageDatabase) -> bool {
    let contents = &inventory.contents;
    let expected: BTreeSet<Manager> = match database {
        PackageDatabase::Rpm => [Manager::Rpm].into(),
        PackageDatabase::Pacman
        | PackageDatabase::Portage
        | PackageDatabase::Xbps
        | PackageDatabase::Opkg => BTreeSet::new(),
    };
    let is_of_content = |gap: &Gap| matches!(gap, Gap::BrokenDatabase { .. });
    contents.reading == Reading::Whole
        && contents.databases == expected
        && contents.marks.contains(&Mark::PackageDatabase)
        && inventory.gaps.iter().all(is_of_content)
}
