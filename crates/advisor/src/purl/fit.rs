//! Whether a package URL that somebody wrote is that of an installed package.

use super::{PackageUrl, kind, split_epoch};
use crate::{Manager, Package, Release};

/// How surely a package URL is that of a package, from not at all to exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fit {
    /// It is another's.
    No,
    /// It may be, or it says something of which nothing is known here.
    Perhaps,
    /// It is that of the package in any version.
    Unversioned,
    /// It is that of the package in the version that is installed.
    Exact,
}

/// How a package URL fits an installed package of an image.
pub(crate) fn fit(url: &PackageUrl, package: &Package, release: Option<&Release>) -> Fit {
    if *url.kind != *kind(package.manager) || url.name != package.name {
        return Fit::No;
    }
    let (_, installed) = split_epoch(package);
    let version = match url.version.as_deref() {
        None => Fit::Unversioned,
        Some(version) if version == installed => Fit::Exact,
        Some(_) => Fit::No,
    };
    let subpath = if url.subpath.is_empty() {
        Fit::Exact
    } else {
        Fit::Perhaps
    };
    let qualifiers = url.qualifiers.iter();
    let qualifiers = qualifiers.map(|(key, value)| qualifier(key, value, package, release));
    // An epoch that is not named is the epoch zero, as in the URL of a package that has none.
    let unnamed_epoch = match (version, url.qualifiers.contains_key("epoch")) {
        (Fit::Exact, false) => epoch_is("0", package),
        _ => Fit::Exact,
    };
    [version, namespace(url, release), subpath, unnamed_epoch]
        .into_iter()
        .chain(qualifiers)
        .min()
        .unwrap_or(Fit::No)
}

fn namespace(url: &PackageUrl, release: Option<&Release>) -> Fit {
    let id = release.map(|release| &*release.id).unwrap_or_default();
    match &*url.namespace {
        "" => Fit::Perhaps,
        namespace if namespace.eq_ignore_ascii_case(vendor(id)) => Fit::Exact,
        namespace if namespace.eq_ignore_ascii_case(id) => Fit::Exact,
        _ => Fit::No,
    }
}

/// What package URLs call a distribution whose vendor has another name than its `os-release`.
fn vendor(id: &str) -> &str {
    match id {
        "rhel" => "redhat",
        "sles" => "suse",
        "opensuse-leap" | "opensuse-tumbleweed" => "opensuse",
        id => id,
    }
}

fn qualifier(key: &str, value: &str, package: &Package, release: Option<&Release>) -> Fit {
    let is = |fits: bool| if fits { Fit::Exact } else { Fit::No };
    match key {
        "arch" => is(*value == *package.architecture),
        "epoch" => epoch_is(value, package),
        "distro" => release.map_or(Fit::Perhaps, |release| distro(value, release)),
        "upstream" => upstream(value, package),
        _ => Fit::Perhaps,
    }
}

fn epoch_is(value: &str, package: &Package) -> Fit {
    let (epoch, _) = split_epoch(package);
    match package.manager {
        Manager::Rpm if value == epoch.unwrap_or("0") => Fit::Exact,
        Manager::Rpm => Fit::No,
        // Theirs is part of the version.
        Manager::Dpkg | Manager::Apk if value == "0" => Fit::Exact,
        Manager::Dpkg | Manager::Apk => Fit::Perhaps,
    }
}

/// Programs write the release in several ways; another one than these may be the same or not.
fn distro(value: &str, release: &Release) -> Fit {
    let Release {
        id,
        version,
        codename,
        ..
    } = release;
    let is_named =
        !version.is_empty() && (value == format!("{id}-{version}") || *value == **version);
    let is_code = !codename.is_empty() && *value == **codename;
    if is_named || is_code {
        Fit::Exact
    } else {
        Fit::Perhaps
    }
}

/// The source that a package was built from: `openssl`, `openssl@3.0.11-1`, or the name of a source rpm.
fn upstream(value: &str, package: &Package) -> Fit {
    let source = &package.source;
    let versioned = format!("{}@{}", source.name, source.version);
    if *value == *source.name || value == versioned {
        Fit::Exact
    } else {
        Fit::Perhaps
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SourcePackage;

    fn package(manager: Manager, version: &str) -> Package {
        Package {
            manager,
            name: "libssl3".into(),
            version: version.into(),
            architecture: "amd64".into(),
            source: SourcePackage {
                name: "openssl".into(),
                version: "3.0.9-1".into(),
            },
            vendor: "".into(),
            module: None,
            recorded_in: "db".into(),
        }
    }

    fn release(id: &str, version: &str, codename: &str) -> Release {
        Release {
            id: id.into(),
            version: version.into(),
            codename: codename.into(),
            ..Release::default()
        }
    }

    #[test]
    fn a_url_fits_by_everything_that_it_says() {
        use Fit::{Exact, No, Perhaps, Unversioned};
        let (package, release) = (
            package(Manager::Dpkg, "1:3.0.9-1"),
            release("debian", "12", "bookworm"),
        );
        for (url, expected) in [
            ("pkg:deb/debian/libssl3@1:3.0.9-1", Exact),
            (
                "pkg:deb/debian/libssl3@1%3A3.0.9-1?arch=amd64&distro=debian-12",
                Exact,
            ),
            (
                "pkg:deb/Debian/libssl3@1:3.0.9-1?distro=bookworm&upstream=openssl",
                Exact,
            ),
            (
                "pkg:deb/debian/libssl3@1:3.0.9-1?upstream=openssl%403.0.9-1&distro=12",
                Exact,
            ),
            ("pkg:deb/debian/libssl3", Unversioned),
            ("pkg:deb/debian/libssl3?arch=amd64", Unversioned),
            ("pkg:deb/debian/libssl3@3.0.9-1", No),
            ("pkg:deb/debian/libssl3@1:3.0.9-2", No),
            ("pkg:deb/debian/openssl@1:3.0.9-1", No),
            ("pkg:deb/ubuntu/libssl3@1:3.0.9-1", No),
            ("pkg:rpm/debian/libssl3@1:3.0.9-1", No),
            ("pkg:deb/debian/libssl3@1:3.0.9-1?arch=arm64", No),
            ("pkg:deb/debian/libssl3@1:3.0.9-1?arch=source", No),
            ("pkg:deb/libssl3@1:3.0.9-1", Perhaps),
            ("pkg:deb/debian/libssl3@1:3.0.9-1?distro=sid", Perhaps),
            ("pkg:deb/debian/libssl3@1:3.0.9-1?upstream=other", Perhaps),
            ("pkg:deb/debian/libssl3@1:3.0.9-1?checksum=sha1:ab", Perhaps),
            ("pkg:deb/debian/libssl3@1:3.0.9-1#usr/lib", Perhaps),
        ] {
            let url = PackageUrl::parse(url).unwrap();
            assert_eq!(fit(&url, &package, Some(&release)), expected, "{url:?}");
        }
    }

    #[test]
    fn the_epoch_of_an_rpm_is_a_qualifier_and_zero_where_none_is_named() {
        let release = release("rhel", "9.4", "");
        for (installed, url, expected) in [
            (
                "1:3.0-1.el9",
                "pkg:rpm/redhat/libssl3@3.0-1.el9?epoch=1",
                Fit::Exact,
            ),
            ("1:3.0-1.el9", "pkg:rpm/redhat/libssl3@3.0-1.el9", Fit::No),
            ("1:3.0-1.el9", "pkg:rpm/redhat/libssl3", Fit::Unversioned),
            ("3.0-1.el9", "pkg:rpm/redhat/libssl3@3.0-1.el9", Fit::Exact),
            (
                "3.0-1.el9",
                "pkg:rpm/rhel/libssl3@3.0-1.el9?epoch=0",
                Fit::Exact,
            ),
            (
                "3.0-1.el9",
                "pkg:rpm/redhat/libssl3@3.0-1.el9?epoch=2",
                Fit::No,
            ),
        ] {
            let url = PackageUrl::parse(url).unwrap();
            let package = package(Manager::Rpm, installed);
            assert_eq!(
                fit(&url, &package, Some(&release)),
                expected,
                "{installed} {url:?}"
            );
        }
    }

    #[test]
    fn the_url_that_a_report_has_of_a_package_fits_it() {
        for (manager, id, version) in [
            (Manager::Dpkg, "debian", "1:2.0+b1-1"),
            (Manager::Apk, "alpine", "2.0-r1"),
            (Manager::Rpm, "almalinux", "1:2.0-1.el9"),
            (Manager::Rpm, "almalinux", "2.0-1.el9"),
        ] {
            let (package, release) = (package(manager, version), release(id, "9", ""));
            let written = super::super::purl(&package, Some(&release));
            let url = PackageUrl::parse(&written).unwrap();
            assert_eq!(fit(&url, &package, Some(&release)), Fit::Exact, "{written}");
        }
    }
}
