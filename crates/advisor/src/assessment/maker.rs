//! Which distribution made the packages of an image, as far as its package database says.

use crate::{Gap, Manager, Package, Release};

/// A distribution, with how the `ID`s begin of those that it makes packages for, and how its packages are known.
struct Maker {
    name: &'static str,
    ids: &'static [&'static str],
    sign: Sign,
}

enum Sign {
    /// How the vendor of an rpm begins.
    Vendor(&'static str),
    /// The domains of the maintainers of dpkg's or apk's packages.
    Maintainers(Manager, &'static [&'static str]),
    /// How the names of the apks begin without which there is no such distribution.
    Names(&'static str),
}

/// Those whose packages cannot be mistaken for another's.
const MAKERS: [Maker; 14] = [
    by_vendor("Red Hat", &["rhel", "centos"], "Red Hat"),
    by_vendor("CentOS", &["centos"], "CentOS"),
    by_vendor("AlmaLinux", &["almalinux"], "AlmaLinux"),
    by_vendor("Rocky Linux", &["rocky"], "Rocky"),
    by_vendor("Fedora", &["fedora"], "Fedora Project"),
    by_vendor("Amazon Linux", &["amzn"], "Amazon"),
    by_vendor("Oracle Linux", &["ol"], "Oracle"),
    by_vendor("SUSE", &["sle", "sl-micro", "suse", "opensuse"], "SUSE"),
    by_vendor(
        "openSUSE",
        &["sle", "sl-micro", "suse", "opensuse"],
        "openSUSE",
    ),
    by_maintainer(
        "Debian",
        &["debian"],
        Manager::Dpkg,
        &["debian.org", "debian.net"],
    ),
    by_maintainer(
        "Ubuntu",
        &["ubuntu"],
        Manager::Dpkg,
        &["ubuntu.com", "canonical.com"],
    ),
    by_maintainer("Alpine", &["alpine"], Manager::Apk, &["alpinelinux.org"]),
    by_name("Alpine", &["alpine"], "alpine-"),
    by_name("Wolfi", &["wolfi", "chainguard"], "wolfi-"),
];

const fn by_vendor(
    name: &'static str,
    ids: &'static [&'static str],
    vendor: &'static str,
) -> Maker {
    let sign = Sign::Vendor(vendor);
    Maker { name, ids, sign }
}

const fn by_maintainer(
    name: &'static str,
    ids: &'static [&'static str],
    manager: Manager,
    domains: &'static [&'static str],
) -> Maker {
    let sign = Sign::Maintainers(manager, domains);
    Maker { name, ids, sign }
}

const fn by_name(name: &'static str, ids: &'static [&'static str], start: &'static str) -> Maker {
    let sign = Sign::Names(start);
    Maker { name, ids, sign }
}

/// The image says that it is one distribution, and its package database that it is another: of the packages whose maker is known, none is
/// of the one that is named. A few of others beside its own are no contradiction, as people add repositories.
pub(super) fn contradiction(packages: &[Package], release: &Release) -> Option<Gap> {
    let mut other = None;
    for maker in packages.iter().flat_map(makers_of) {
        if maker.ids.iter().any(|id| release.id.starts_with(id)) {
            return None;
        }
        other = other.or(Some(maker.name));
    }
    other.map(|made_by| Gap::OtherDistribution {
        id: release.id.clone(),
        made_by: made_by.into(),
    })
}

fn makers_of(package: &Package) -> impl Iterator<Item = &'static Maker> {
    MAKERS.iter().filter(|maker| maker.sign.is_on(package))
}

impl Sign {
    fn is_on(&self, package: &Package) -> bool {
        match self {
            Self::Vendor(start) => {
                package.manager == Manager::Rpm && package.vendor.starts_with(start)
            }
            Self::Maintainers(manager, domains) => {
                package.manager == *manager && is_at(&package.vendor, domains)
            }
            Self::Names(start) => {
                package.manager == Manager::Apk && package.name.starts_with(start)
            }
        }
    }
}

/// Is the address of a maintainer, as `Name <name@lists.debian.org>`, in one of the domains or below it?
fn is_at(maintainer: &str, domains: &[&str]) -> bool {
    let Some((_, domain)) = maintainer.rsplit_once('@') else {
        return false;
    };
    let domain = domain.trim_end_matches('>').to_ascii_lowercase();
    domains.iter().any(|one| {
        let before = domain.strip_suffix(one);
        before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SourcePackage;

    fn package(manager: Manager, name: &str, vendor: &str) -> Package {
        Package {
            manager,
            name: name.into(),
            version: "1".into(),
            architecture: "amd64".into(),
            source: SourcePackage {
                name: name.into(),
                version: "1".into(),
            },
            vendor: vendor.into(),
            module: None,
            recorded_in: "".into(),
        }
    }

    #[test]
    fn packages_of_another_distribution_alone_contradict_the_one_that_is_named() {
        use Manager::{Apk, Dpkg, Rpm};
        let debian = (
            "libc6",
            "GNU Libc Maintainers <debian-glibc@lists.debian.org>",
        );
        let ubuntu = (
            "libc6",
            "Ubuntu Developers <ubuntu-devel-discuss@lists.ubuntu.com>",
        );
        let docker = ("docker-ce", "Docker <support@docker.com>");
        let lookalike = ("evil", "Evil <evil@notdebian.org>");
        let red_hat = ("bash", "Red Hat, Inc.");
        let fedora = ("htop", "Fedora Project");
        for (id, manager, packages, made_by) in [
            ("debian", Dpkg, &[debian, docker][..], None),
            ("ubuntu", Dpkg, &[debian, docker], Some("Debian")),
            ("debian", Dpkg, &[ubuntu], Some("Ubuntu")),
            // A package of another distribution beside the own ones is no contradiction.
            ("ubuntu", Dpkg, &[debian, ubuntu], None),
            (
                "rocky",
                Rpm,
                &[("bash", "Rocky Enterprise Software Foundation"), fedora],
                None,
            ),
            ("rhel", Rpm, &[red_hat], None),
            ("centos", Rpm, &[red_hat], None),
            ("fedora", Rpm, &[red_hat], Some("Red Hat")),
            ("sles", Rpm, &[("zypper", "openSUSE")], None),
            ("almalinux", Rpm, &[red_hat], Some("Red Hat")),
            ("wolfi", Apk, &[("alpine-baselayout", "")], Some("Alpine")),
            (
                "wolfi",
                Apk,
                &[("musl", "N <n@alpinelinux.org>")],
                Some("Alpine"),
            ),
            ("alpine", Apk, &[("wolfi-baselayout", "")], Some("Wolfi")),
            ("chainguard", Apk, &[("wolfi-baselayout", "")], None),
            // Nobody's packages contradict nobody.
            ("ubuntu", Dpkg, &[docker, lookalike, ("own", "")], None),
            ("ubuntu", Dpkg, &[], None),
        ] {
            let of = |(name, vendor): &(&str, &str)| package(manager, name, vendor);
            let packages: Vec<Package> = packages.iter().map(of).collect();
            let release = Release {
                id: id.into(),
                ..Release::default()
            };
            let expected = made_by.map(|made_by| Gap::OtherDistribution {
                id: id.into(),
                made_by: made_by.into(),
            });
            assert_eq!(
                contradiction(&packages, &release),
                expected,
                "{id}: {packages:?}"
            );
        }
    }
}
