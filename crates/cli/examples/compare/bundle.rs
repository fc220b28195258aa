//! Images as a real image tool makes them out of folders that real package managers have written.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::tools::{self, Tools, run};

/// The name of every image in its layout.
const NAME: &str = "made";

/// An image that is being made: its file system lies open in a folder, and becomes a layer when it is committed.
pub(crate) struct Bundle<'t> {
    umoci: &'t Path,
    folder: PathBuf,
}

impl<'t> Bundle<'t> {
    /// An image without a layer.
    pub(crate) fn new(tools: &'t Tools, folder: &Path) -> Result<Self> {
        let bundle = Self {
            umoci: &tools.umoci,
            folder: tools::folder(folder)?.to_owned(),
        };
        run(bundle.umoci("init").arg("--layout").arg(bundle.layout()))?;
        run(bundle.umoci("new").arg("--image").arg(bundle.image()))?;
        let mut unpack = bundle.umoci("unpack");
        run(unpack
            .args(["--rootless", "--image"])
            .arg(bundle.image())
            .arg(bundle.open()))?;
        Ok(bundle)
    }

    /// The image's `/`.
    pub(crate) fn root(&self) -> PathBuf {
        self.open().join("rootfs")
    }

    /// Makes a layer of what has changed in the folder.
    pub(crate) fn commit(&self) -> Result<()> {
        let mut repack = self.umoci("repack");
        repack
            .args(["--refresh-bundle", "--image"])
            .arg(self.image())
            .arg(self.open());
        run(&mut repack).map(drop)
    }

    /// The OCI layout, which has this image alone.
    pub(crate) fn layout(&self) -> PathBuf {
        self.folder.join("layout")
    }

    /// A folder for what the image is made of.
    pub(crate) fn workshop(&self) -> Result<PathBuf> {
        let workshop = self.folder.join("workshop");
        tools::folder(&workshop).map(Path::to_owned)
    }

    fn open(&self) -> PathBuf {
        self.folder.join("bundle")
    }

    fn image(&self) -> String {
        format!("{}:{NAME}", self.layout().display())
    }

    fn umoci(&self, subcommand: &str) -> Command {
        let mut umoci = Command::new(self.umoci);
        umoci.arg(subcommand);
        umoci
    }
}
