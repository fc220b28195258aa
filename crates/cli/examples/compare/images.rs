//! The images that are compared, each made by the tools of its distribution.

mod alpine;
mod debian;
mod dpkg;
mod program;
mod redhat;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::records::Archives;
use crate::tools::Tools;

/// An image, and the advisories that it is held against.
pub(crate) struct Made {
    pub(crate) name: &'static str,
    /// How it was made.
    pub(crate) how: &'static str,
    /// The OCI layout that has it alone.
    pub(crate) layout: PathBuf,
    pub(crate) archives: Archives,
    /// What the package manager itself says of the state of packages that are not plainly installed.
    pub(crate) states: BTreeMap<String, String>,
}

/// Where images are made, of what, and with which advisories.
pub(crate) struct Workshop<'t> {
    pub(crate) tools: &'t Tools,
    /// A folder of the image's own.
    pub(crate) folder: PathBuf,
    /// The folder with the archives that somebody has.
    pub(crate) given: &'t Path,
}

/// What makes an image; nothing where a program that it needs is not on the machine, whose name is then told.
type Maker = fn(&Workshop<'_>) -> Result<Result<Made, Missing>>;

/// What is not on this machine.
pub(crate) struct Missing(pub(crate) &'static str);

/// All images, by their names.
pub(crate) const ALL: [(&str, Maker); 8] = [
    ("debian-8", debian::jessie),
    ("debian-9", debian::stretch),
    ("debian-10", debian::buster),
    ("debian-12", debian::bookworm),
    ("distroless-12", debian::distroless),
    ("alpine-3.20", alpine::make),
    ("almalinux-9", redhat::make),
    ("program", program::make),
];

impl Workshop<'_> {
    /// The archive of that name which somebody has.
    pub(crate) fn given(&self, name: &str) -> Option<PathBuf> {
        Some(self.given.join(name)).filter(|archive| archive.is_file())
    }

    pub(crate) fn archives(&self) -> Result<Archives> {
        Archives::new(&self.folder.join("advisories"))
    }
}
