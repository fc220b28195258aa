//! What kept the advisor from judging an image.

use serde::{Deserialize, Serialize};

use crate::{Ecosystem, Manager};

/// With whom it lies that something was not judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// The advisory database does not say what is needed.
    Advisories,
    /// What was sent cannot be read: it may be the registry's fault, or that of what is between, and may pass.
    Transfer,
    /// The image is as it is.
    Image,
}

impl Gap {
    /// With whom it lies.
    pub(crate) fn cause(&self) -> Cause {
        match self {
            Self::NotCovered { .. }
            | Self::TooOld { .. }
            | Self::UnknownAge { .. }
            | Self::UnknownEndOfLife { .. }
            | Self::NoAnswer { .. } => Cause::Advisories,
            Self::UnreadLayer { .. }
            | Self::BrokenConfiguration { .. }
            | Self::BrokenManifest { .. }
            | Self::NotWhole => Cause::Transfer,
            _ => Cause::Image,
        }
    }
}

/// Something that could change the answer and was not judged: the status is INCOMPLETE, and this is why.
///
/// One sentence each for people, without a full stop; what to do follows where somebody can do something.
#[derive(
    Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, thiserror::Error,
)]
#[serde(rename_all = "kebab-case", tag = "gap")]
#[non_exhaustive]
pub enum Gap {
    /// A package database could not be read to its end.
    #[error("the package database `{path}` cannot be read: {why}")]
    BrokenDatabase {
        /// Where in the image it is.
        path: Box<str>,
        /// What is wrong with it.
        why: Box<str>,
    },
    /// What names the distribution's release could not be read.
    #[error("the release in `{path}` cannot be read: {why}")]
    BrokenRelease {
        /// Where in the image it is.
        path: Box<str>,
        /// What is wrong with it.
        why: Box<str>,
    },
    /// A package database names no package, and no other one does.
    #[error(
        "the package database `{path}` is empty, and nothing else says what the image is made of"
    )]
    EmptyDatabase {
        /// Where in the image it is.
        path: Box<str>,
    },
    /// A layer has a package database, and a later one takes it away.
    #[error("a layer deletes or replaces the package database `{path}` of a layer below it")]
    DeletedDatabase {
        /// Where in the image it was.
        path: Box<str>,
    },
    /// Something is at the place of a database, under a name by which it was not recognised.
    #[error(
        "`{path}` is a link to something that is not where package databases are, and was not read"
    )]
    UnreadDatabase {
        /// The place.
        path: Box<str>,
    },
    /// A database whose path leads through a link of a lower layer.
    #[error(
        "`{path}` is written through a link of a lower layer, which container runtimes treat in different ways"
    )]
    DisputedPath {
        /// Where it is for those that follow the link.
        path: Box<str>,
    },
    /// Links that lead in circles, or too far.
    #[error("the links in it lead in a circle, or too far to be followed")]
    TangledLinks,
    /// A layer cannot be read.
    #[error("the layer {layer} cannot be read: {why}")]
    UnreadLayer {
        /// Its digest in the manifest.
        layer: Box<str>,
        /// What is wrong with it.
        why: Box<str>,
    },
    /// A layer is encrypted.
    #[error("the layer {layer} is encrypted")]
    EncryptedLayer {
        /// Its digest in the manifest.
        layer: Box<str>,
    },
    /// A layer that the registry itself does not have. The addresses that the manifest has for it are never followed.
    #[error("the layer {layer} is foreign, and the registry does not serve it")]
    ForeignLayer {
        /// Its digest in the manifest.
        layer: Box<str>,
    },
    /// A layer is of a kind that is not known.
    #[error("the layer {layer} is of the unknown type `{media_type}`")]
    UnknownLayer {
        /// Its digest in the manifest.
        layer: Box<str>,
        /// Its type in the manifest.
        media_type: Box<str>,
    },
    /// A layer that some runtimes do not unpack, but build from a table of contents that does not say the same.
    #[error(
        "the layer {layer} has a table of contents, from which lazy runtimes build files: {why}"
    )]
    LazyLayer {
        /// Its digest in the manifest.
        layer: Box<str>,
        /// What is wrong with the table.
        why: Box<str>,
    },
    /// Manifest and configuration do not speak of the same layers.
    #[error("the manifest has {layers} layers, and the configuration has {diff_ids}")]
    LayerCount {
        /// Those of the manifest.
        layers: usize,
        /// Those of the configuration.
        diff_ids: usize,
    },
    /// The configuration cannot be read.
    #[error("the image's configuration {digest} cannot be read: {why}")]
    BrokenConfiguration {
        /// Its digest.
        digest: Box<str>,
        /// What is wrong with it.
        why: Box<str>,
    },
    /// A manifest cannot be read.
    #[error("the manifest {digest} cannot be read: {why}")]
    BrokenManifest {
        /// Its digest.
        digest: Box<str>,
        /// What is wrong with it.
        why: Box<str>,
    },
    /// Indexes lie too deep in each other.
    #[error("the index {digest} is in an index that is in an index; no more are read")]
    DeepIndex {
        /// Its digest.
        digest: Box<str>,
    },
    /// More images than are judged.
    #[error("it is an index of more than {limit} images for these platforms")]
    ManyImages {
        /// The bound.
        limit: usize,
    },
    /// An index has nothing for any of the platforms.
    #[error("it has no image for {platforms}")]
    NoPlatform {
        /// The platforms.
        platforms: Box<str>,
    },
    /// An image for an operating system whose packages nobody records.
    #[error("it is for {platform}, of whose packages no record is read")]
    OperatingSystem {
        /// Its platform.
        platform: Box<str>,
    },
    /// Some layer was not read.
    #[error("not every layer of it was read")]
    NotWhole,
    /// No file says which distribution it is, and it is one: something in it is a distribution's.
    #[error("no `os-release` says which distribution it is")]
    NoRelease,
    /// The distribution is not in the table of those that feeds are known for.
    #[error("the distribution `{id}` {version} is not known")]
    UnknownDistribution {
        /// `ID` of its `os-release`.
        id: Box<str>,
        /// `VERSION_ID` of its `os-release`.
        version: Box<str>,
    },
    /// Layers are of different distributions, so that the last one decides by whose advisories the packages of the others are judged.
    #[error("its layers name different distributions: {ids}")]
    SeveralDistributions {
        /// `ID` of each `os-release`.
        ids: Box<str>,
    },
    /// The packages were made by another distribution than the one that is named.
    #[error("it says that it is `{id}`, and its packages are those of {made_by}")]
    OtherDistribution {
        /// `ID` of its `os-release`.
        id: Box<str>,
        /// Who made the packages.
        made_by: Box<str>,
    },
    /// The distribution is one with packages, and no package database is in the image.
    #[error("the image has no database of the packages that are in it")]
    NoPackageDatabase,
    /// Packages were installed by a manager that is not the distribution's.
    #[error("packages of {manager} are in a distribution whose packages are others")]
    OtherManager {
        /// The manager.
        manager: Manager,
    },
    /// The advisory database does not have all advisories of the release.
    #[error("the advisory database does not cover {ecosystem}")]
    NotCovered {
        /// The feed that is missing, or of which only a part is there.
        ecosystem: Ecosystem,
    },
    /// A feed's silence means nothing any more.
    #[error("the advisories of {ecosystem} are {days} days old")]
    TooOld {
        /// The feed.
        ecosystem: Ecosystem,
        /// Its age.
        days: u64,
    },
    /// Nobody says how old a feed is.
    #[error("nothing says how old the advisories of {ecosystem} are")]
    UnknownAge {
        /// The feed.
        ecosystem: Ecosystem,
    },
    /// Nobody says when a release ends, and those that have ended are refused.
    #[error(
        "nothing says when {release} ends; build the advisory database with the source `end-of-life`"
    )]
    UnknownEndOfLife {
        /// `ID` and `VERSION_ID` of its `os-release`.
        release: Box<str>,
    },
    /// An advisory with a fix names a package, and the version of one of the two has no place in the order of versions.
    #[error("{package} may be affected by an advisory with a fix: {why}")]
    UnorderableVersion {
        /// The package.
        package: Box<str>,
        /// What is wrong with the version.
        why: Box<str>,
    },
    /// The advisory database does not answer.
    #[error("{why}")]
    NoAnswer {
        /// What it says instead.
        why: Box<str>,
    },
}
