//! Whether a statement's product is an image or a package in it.

use std::collections::BTreeMap;

use cise_reference::Digest;
use serde::Deserialize;

use crate::excerpt::excerpt;
use crate::inventory::Platform;
use crate::purl::{self, Fit, PackageUrl};
use crate::{Package, Release};

/// A product as it is written or, without any of its own, a component of one.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenProduct {
    #[serde(default, rename = "@id")]
    id: Option<Box<str>>,
    #[serde(default)]
    identifiers: BTreeMap<Box<str>, Box<str>>,
    #[serde(default)]
    hashes: BTreeMap<Box<str>, Box<str>>,
    #[serde(default)]
    subcomponents: Vec<Self>,
}

/// A product: what all is said of it, and what of it is meant, if not all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Product {
    claims: Vec<Claim>,
    subcomponents: Vec<Vec<Claim>>,
    /// How it is shown to people.
    shown: Box<str>,
}

/// One thing that is said of a product. All of them have to be true.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Claim {
    /// It is that package.
    Package(PackageUrl),
    /// It is an image.
    Image(PackageUrl),
    /// It has that digest.
    Digest(Digest),
    /// A digest or a package URL that is none.
    Unclear,
}

/// A package that is installed in an image, of which a statement may speak.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Instance<'a> {
    pub(crate) package: &'a Package,
    pub(crate) release: Option<&'a Release>,
    pub(crate) image: Whereabouts<'a>,
}

/// The image of one platform, as it was asked for and as it runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whereabouts<'a> {
    /// What was asked about: an index, or the image itself.
    pub(crate) root: &'a Digest,
    /// The image's own manifest.
    pub(crate) manifest: &'a Digest,
    pub(crate) platform: &'a Platform,
}

/// How surely a product is meant to be a package of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Meant {
    /// Something else is.
    No,
    /// It may be.
    Perhaps,
    /// The image is, by its digest, and with it all that is in it.
    WithImage,
    /// The package is, in this image.
    Named,
    /// The package is, in the version that is installed.
    Exact,
}

impl Product {
    /// How surely a package of an image is meant.
    pub(super) fn means(&self, instance: &Instance<'_>) -> Meant {
        if let Some(fit) = package_fit(&self.claims, instance) {
            return self.means_package(fit);
        }
        let image = self
            .claims
            .iter()
            .map(|claim| claim.of_image(instance.image));
        match image.min().unwrap_or(Fit::Perhaps) {
            Fit::No => Meant::No,
            Fit::Exact => self.means_component(instance).unwrap_or(Meant::WithImage),
            _ => match self.means_component(instance) {
                Some(Meant::No) => Meant::No,
                _ => Meant::Perhaps,
            },
        }
    }

    /// A package has no components of which anything is known here.
    fn means_package(&self, fit: Fit) -> Meant {
        match fit {
            Fit::No => Meant::No,
            Fit::Exact if self.subcomponents.is_empty() => Meant::Exact,
            _ => Meant::Perhaps,
        }
    }

    /// Nothing if no component is named, and all of the product is meant. The version may be left out: the image has one.
    fn means_component(&self, instance: &Instance<'_>) -> Option<Meant> {
        let components = self.subcomponents.iter();
        let components = components.map(|claims| match package_fit(claims, instance) {
            Some(Fit::No) => Meant::No,
            None | Some(Fit::Perhaps) => Meant::Perhaps,
            Some(Fit::Unversioned) => Meant::Named,
            Some(Fit::Exact) => Meant::Exact,
        });
        components.max()
    }
}

impl std::fmt::Display for Product {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown)
    }
}

impl Claim {
    /// What all is said of a component. Other identifiers are of registers that are not asked here.
    fn all(written: &WrittenProduct) -> Vec<Self> {
        let id = written.id.as_deref().filter(|id| PackageUrl::is_meant(id));
        let purl = written.identifiers.get("purl").map(AsRef::as_ref);
        let urls = id.into_iter().chain(purl).map(Self::of_url);
        let hash = |(name, algorithm): (&str, &str)| {
            let hex = written.hashes.get(name)?;
            let digest = Digest::parse(&format!("{algorithm}:{hex}"));
            Some(digest.map_or(Self::Unclear, Self::Digest))
        };
        let hashes = [("sha-256", "sha256"), ("sha-512", "sha512")];
        urls.chain(hashes.into_iter().filter_map(hash)).collect()
    }

    fn of_url(text: &str) -> Self {
        match PackageUrl::parse(text) {
            None => Self::Unclear,
            Some(url) if *url.kind == *"oci" => Self::Image(url),
            Some(url) => Self::Package(url),
        }
    }

    fn of_image(&self, image: Whereabouts<'_>) -> Fit {
        let is_ours = |digest: &Digest| digest == image.root || digest == image.manifest;
        match self {
            Self::Digest(digest) if is_ours(digest) => Fit::Exact,
            Self::Digest(_) | Self::Package(_) => Fit::No,
            Self::Image(url) => image_fits(url, image, is_ours),
            Self::Unclear => Fit::Perhaps,
        }
    }

    fn of_package(&self, instance: &Instance<'_>) -> Option<Fit> {
        match self {
            Self::Package(url) => Some(purl::fit(url, instance.package, instance.release)),
            Self::Image(_) => Some(Fit::No),
            Self::Unclear => Some(Fit::Perhaps),
            // That of a package's own file is not known here.
            Self::Digest(_) => None,
        }
    }
}

/// How what is said of a component fits a package; nothing, if it is not said to be one.
fn package_fit(claims: &[Claim], instance: &Instance<'_>) -> Option<Fit> {
    let is_package = |claim: &Claim| matches!(claim, Claim::Package(_));
    claims.iter().any(is_package).then_some(())?;
    claims
        .iter()
        .filter_map(|claim| claim.of_package(instance))
        .min()
}

/// The repository and the tag may have any name: the digest says which image it is.
fn image_fits(url: &PackageUrl, image: Whereabouts<'_>, is_ours: impl Fn(&Digest) -> bool) -> Fit {
    let digest = url.version.as_deref().map(Digest::parse);
    let digest = match digest {
        Some(Ok(digest)) if is_ours(&digest) => Fit::Exact,
        Some(Ok(_)) => Fit::No,
        Some(Err(_)) | None => Fit::Perhaps,
    };
    let subpath = if url.subpath.is_empty() {
        Fit::Exact
    } else {
        Fit::Perhaps
    };
    let qualifiers = url.qualifiers.iter().map(|(key, value)| match &**key {
        "repository_url" | "tag" => Fit::Exact,
        "arch" if **value == *image.platform.architecture() => Fit::Exact,
        "arch" => Fit::No,
        _ => Fit::Perhaps,
    });
    [digest, subpath]
        .into_iter()
        .chain(qualifiers)
        .min()
        .unwrap_or(Fit::No)
}

impl From<WrittenProduct> for Product {
    fn from(written: WrittenProduct) -> Self {
        let purl = written.identifiers.get("purl");
        let hash = written.hashes.values().next();
        let shown = written.id.as_ref().or(purl).or(hash);
        Self {
            claims: Claim::all(&written),
            subcomponents: written.subcomponents.iter().map(component).collect(),
            shown: excerpt(shown.map_or("nothing", AsRef::as_ref)),
        }
    }
}

/// A component of a component narrows it in a way that is not followed.
fn component(written: &WrittenProduct) -> Vec<Claim> {
    let deeper = (!written.subcomponents.is_empty()).then_some(Claim::Unclear);
    Claim::all(written).into_iter().chain(deeper).collect()
}
