//! Images of a thousand packages.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use cise_advisor::detector::Mark;
use cise_advisor::inventory::{Contents, Inventories, Inventory, Platform, Reading};
use cise_advisor::{Manager, Package, Release, SourcePackage};
use cise_reference::Digest;

/// How many packages an image has.
pub(crate) const PACKAGES: usize = 1_000;

/// What says that an image is of Debian 12.
pub(crate) const RELEASE: &str = "ID=debian\nVERSION_ID=\"12\"\n";

/// What is in an image of Debian 12 with these packages (name and version).
pub(crate) fn inventories(packages: &[(String, String)]) -> Inventories {
    let package = |(name, version): &(String, String)| Package {
        manager: Manager::Dpkg,
        name: name.as_str().into(),
        version: version.as_str().into(),
        architecture: "amd64".into(),
        source: SourcePackage {
            name: name.as_str().into(),
            version: version.as_str().into(),
        },
        vendor: MAINTAINER.into(),
        module: None,
        recorded_in: "var/lib/dpkg/status".into(),
    };
    let image = Inventory {
        manifest: Digest::sha256([0; 32]),
        platform: Platform::new("linux", "amd64", ""),
        release: Some(Release {
            id: "debian".into(),
            version: "12".into(),
            ..Release::default()
        }),
        packages: packages.iter().map(package).collect(),
        gaps: BTreeSet::new(),
        contents: Contents {
            marks: [Mark::Release, Mark::PackageDatabase].into(),
            databases: [Manager::Dpkg].into(),
            reading: Reading::Whole,
        },
    };
    Inventories {
        images: vec![image],
        gaps: BTreeSet::new(),
    }
}

const MAINTAINER: &str = "Debian Perl Group <pkg-perl-maintainers@lists.alioth.debian.org>";

/// The database of dpkg that records packages (name and version).
pub(crate) fn status(packages: impl Iterator<Item = (String, String)>) -> String {
    let mut text = String::new();
    for (name, version) in packages {
        let _ = write!(
            text,
            "Package: {name}\nStatus: install ok installed\nMaintainer: {MAINTAINER}\nArchitecture: amd64\nVersion: {version}\n\
             Description: one of many\n It is described in some lines, as most packages are,\n .\n which nobody reads here.\n\n"
        );
    }
    text
}
