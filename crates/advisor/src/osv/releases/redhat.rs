//! Red Hat names its feeds by CPE, without `cpe:/o:redhat:` or `cpe:/a:redhat:`: one for each repository of a release.

use super::{Feeds, numbers};
use crate::{Manager, Release};

pub(super) fn feeds(release: &Release) -> Option<Feeds> {
    let feeds = match numbers(release)?[..] {
        [7, ..] => of_product("enterprise_linux:7::server", []),
        [major @ (8 | 9), ..] => {
            let tail = |repository| format!("enterprise_linux:{major}::{repository}");
            let base = of_product(&tail("baseos"), [tail("crb")]);
            base.needing(&ecosystem(&tail("appstream")))
        }
        [major @ (10..), minor, ..] => by_minor(major, minor),
        _ => return None,
    };
    Some(with_own_product(feeds, release))
}

/// From 10 on, a fix is published for the minor release that was current then, and is in all later ones.
fn by_minor(major: u32, minor: u32) -> Feeds {
    let product = |minor| format!("enterprise_linux:{major}.{minor}");
    of_product(&product(minor), (0..minor).map(product))
}

fn of_product(main: &str, others: impl IntoIterator<Item = String>) -> Feeds {
    let others = others.into_iter().map(|tail| ecosystem(&tail));
    Feeds::of(Manager::Rpm, &ecosystem(main)).with(others)
}

/// Adds what `CPE_NAME` says, where that is another product of Red Hat's.
fn with_own_product(feeds: Feeds, release: &Release) -> Feeds {
    let tail = ["cpe:/o:redhat:", "cpe:/a:redhat:"]
        .iter()
        .find_map(|prefix| release.cpe.strip_prefix(prefix));
    let own = tail.filter(|tail| !tail.is_empty()).map(ecosystem);
    let own = own.filter(|own| feeds.all().all(|feed| feed.as_str() != own));
    feeds.with(own)
}

fn ecosystem(tail: &str) -> String {
    format!("Red Hat:{tail}")
}
