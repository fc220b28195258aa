//! Package URLs, by which other programs know packages.

mod fit;
mod parsed;

use std::fmt::Write as _;

use crate::{Manager, Package, Release};

pub(crate) use fit::{Fit, fit};
pub(crate) use parsed::PackageUrl;

/// The package URL of an installed package: `pkg:deb/debian/libssl3@3.0.11-1?distro=debian-12`. It leaves the
/// architecture open, as an image may have a package for several.
pub(crate) fn purl(package: &Package, release: Option<&Release>) -> String {
    let kind = kind(package.manager);
    let (epoch, version) = split_epoch(package);
    let distribution = release.filter(|release| !release.id.is_empty());
    let mut purl = format!("pkg:{kind}/");
    if let Some(release) = distribution {
        let _ = write!(purl, "{}/", encoded(&release.id));
    }
    let _ = write!(purl, "{}@{}", encoded(&package.name), encoded(version));
    let distro = distribution.map(|release| format!("{}-{}", release.id, release.version));
    let qualifiers = [("distro", distro.as_deref()), ("epoch", epoch)];
    let told = qualifiers
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.filter(|value| !value.is_empty())?)));
    for (position, (name, value)) in told.enumerate() {
        let separator = if position == 0 { '?' } else { '&' };
        let _ = write!(purl, "{separator}{name}={}", encoded(value));
    }
    purl
}

/// The type of a manager's packages.
fn kind(manager: Manager) -> &'static str {
    match manager {
        Manager::Dpkg => "deb",
        Manager::Apk => "apk",
        Manager::Rpm => "rpm",
    }
}

/// The epoch of an rpm is a qualifier; that of a deb is part of its version.
fn split_epoch(package: &Package) -> (Option<&str>, &str) {
    match (package.manager, package.version.split_once(':')) {
        (Manager::Rpm, Some((epoch, version))) => (Some(epoch), version),
        _ => (None, &package.version),
    }
}

fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b':') {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SourcePackage;

    #[test]
    fn each_manager_has_its_type() {
        for (manager, id, release, version, expected) in [
            (
                Manager::Dpkg,
                "debian",
                "12",
                "1:2.0+b1-1",
                "pkg:deb/debian/lib%2B@1:2.0%2Bb1-1?distro=debian-12",
            ),
            (
                Manager::Apk,
                "alpine",
                "3.20.1",
                "2.0-r1",
                "pkg:apk/alpine/lib%2B@2.0-r1?distro=alpine-3.20.1",
            ),
            (
                Manager::Rpm,
                "almalinux",
                "9.4",
                "1:2.0-1.el9",
                "pkg:rpm/almalinux/lib%2B@2.0-1.el9?distro=almalinux-9.4&epoch=1",
            ),
            (Manager::Rpm, "", "", "2.0-1", "pkg:rpm/lib%2B@2.0-1"),
        ] {
            let package = Package {
                manager,
                name: "lib+".into(),
                version: version.into(),
                architecture: "amd64".into(),
                source: SourcePackage {
                    name: "lib".into(),
                    version: version.into(),
                },
                vendor: "".into(),
                module: None,
                recorded_in: "db".into(),
            };
            let release = Release {
                id: id.into(),
                version: release.into(),
                ..Release::default()
            };
            assert_eq!(purl(&package, Some(&release)), expected);
        }
    }
}
