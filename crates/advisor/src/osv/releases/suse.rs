//! SUSE names its feeds by the marketing names of its products; those of SUSE Linux Enterprise 15 are modules.

use super::{Feeds, numbers};
use crate::{Manager, Release};

/// The modules that packages of a server or of a base image come from, next to the base system.
const MODULES: [&str; 8] = [
    "Containers",
    "Desktop Applications",
    "Development Tools",
    "Legacy",
    "Public Cloud",
    "Python 3",
    "Server Applications",
    "Web and Scripting",
];

pub(super) fn leap(release: &Release) -> Option<Feeds> {
    match numbers(release)?[..] {
        [major, minor] => Some(Feeds::of(
            Manager::Rpm,
            &format!("openSUSE:Leap {major}.{minor}"),
        )),
        _ => None,
    }
}

pub(super) fn enterprise_server(release: &Release) -> Option<Feeds> {
    let (major, name) = match numbers(release)?[..] {
        [major @ (16..), minor] => (major, format!("{major}.{minor}")),
        [major] | [major, 0] => (major, major.to_string()),
        [major, service_pack] => (major, format!("{major} SP{service_pack}")),
        _ => return None,
    };
    let server = format!("SUSE:Linux Enterprise Server {name}");
    if major != 15 {
        return Some(Feeds::of(Manager::Rpm, &server));
    }
    let module = |module| format!("SUSE:Linux Enterprise Module for {module} {name}");
    let others = MODULES.map(module).into_iter().chain([server]);
    Some(Feeds::of(Manager::Rpm, &module("Basesystem")).with(others))
}
