use crate::osv::{Family, Naming};
use crate::version::rpm;
use crate::{Manager, Package};

/// The version of a package that an advisory speaks of, which is its own or its source's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Installed<'p> {
    pub(super) version: &'p str,
    epoch: Epoch,
}

/// What is known of the epoch of an rpm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Epoch {
    /// The one that is stated, or 0.
    Known,
    /// The name of a source RPM, all that is recorded of it, has none.
    AsStated,
}

impl<'p> Installed<'p> {
    /// The version that the name `advised` asks for; nothing where the package does not go by that name.
    pub(super) fn of(package: &'p Package, family: Family, advised: &str) -> Option<Self> {
        let by_binary = family.naming() == Naming::BinaryOrSource && *package.name == *advised;
        if by_binary {
            return Some(Self::known(&package.version));
        }
        let source = &package.source;
        if *source.name != *advised {
            return None;
        }
        if package.manager != Manager::Rpm || source.version.contains(':') {
            return Some(Self::known(&source.version));
        }
        // A binary of its source's very version has its source's epoch too.
        let own = &*package.version;
        let without_epoch = own.split_once(':').map_or(own, |(_, version)| version);
        Some(if *without_epoch == *source.version {
            Self::known(own)
        } else {
            Self {
                version: &source.version,
                epoch: Epoch::AsStated,
            }
        })
    }

    fn known(version: &'p str) -> Self {
        Self {
            version,
            epoch: Epoch::Known,
        }
    }

    pub(super) fn with_epoch<'v>(&self, version: rpm::Version<'v>) -> rpm::Version<'v> {
        match self.epoch {
            Epoch::Known => version.stating_epoch(),
            Epoch::AsStated => version,
        }
    }

    /// Whether it is one of `versions`, by its text; they may be hundreds, and feeds copy them from the packages.
    pub(super) fn is_listed(&self, versions: &[Box<str>]) -> bool {
        let without_zero = |text: &'p str| text.strip_prefix("0:").unwrap_or(text);
        let own = without_zero(self.version);
        versions
            .iter()
            .any(|version| version.strip_prefix("0:").unwrap_or(version) == own)
    }
}
