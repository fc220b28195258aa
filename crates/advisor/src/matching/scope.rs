//! What limits an advisory to some of the packages that have its name.

use crate::osv::module::{is_modular, stream};
use crate::{Affected, Event, Manager, Package};

/// Whether the advisory is about this build of the package.
pub(super) fn covers(affected: &Affected, package: &Package) -> bool {
    let is_listed = affected.binaries.is_empty() || affected.binaries.contains(&package.name);
    is_listed && (package.manager != Manager::Rpm || is_of_stream(affected, package))
}

/// A modular fix is one of its stream only, and any other fix is none of a modular package. A stream that is not known may
/// be any.
fn is_of_stream(affected: &Affected, package: &Package) -> bool {
    let is_module = package.module.is_some() || is_modular(&package.version);
    match (Fixes::of(affected), is_module) {
        (Fixes::None, _) | (Fixes::Plain, false) => true,
        (Fixes::Plain, true) | (Fixes::Modular, false) => false,
        (Fixes::Modular, true) => match (&affected.module, &package.module) {
            (Some(advised), Some(installed)) => stream(installed) == &**advised,
            (None, _) | (_, None) => true,
        },
    }
}

/// What kind of builds the fixes of an advisory are.
enum Fixes {
    None,
    Plain,
    Modular,
}

impl Fixes {
    fn of(affected: &Affected) -> Self {
        let mut fixes = affected
            .ranges
            .iter()
            .flat_map(|range| &range.events)
            .filter_map(|event| match event {
                Event::Fixed(version) => Some(is_modular(version)),
                _ => None,
            });
        if affected.module.is_some() {
            return Self::Modular;
        }
        match fixes.next() {
            None => Self::None,
            Some(first) if first || fixes.any(|modular| modular) => Self::Modular,
            Some(_) => Self::Plain,
        }
    }
}
