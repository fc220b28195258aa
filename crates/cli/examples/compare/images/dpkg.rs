//! Packages that dpkg-deb builds, and roots that dpkg writes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::tools::{self, run};

/// A package that is to be built. It has one file.
#[derive(Clone)]
pub(super) struct Deb {
    pub(super) name: String,
    pub(super) version: String,
    /// The field `Source`; none for a source of the same name and version.
    pub(super) source: Option<String>,
}

impl Deb {
    pub(super) fn new(name: &str, version: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            source: None,
        }
    }

    pub(super) fn of(self, source: String) -> Self {
        Self {
            source: Some(source),
            ..self
        }
    }

    /// Builds the package into a folder.
    pub(super) fn build(&self, into: &Path) -> Result<PathBuf> {
        let tree = tempfile::tempdir()?;
        let name = &self.name;
        write(&tree.path().join("etc").join(format!("{name}.conf")), name)?;
        self.pack(tree.path(), into)
    }

    /// Builds the package of a folder that has its files.
    pub(super) fn pack(&self, tree: &Path, into: &Path) -> Result<PathBuf> {
        let Self {
            name,
            version,
            source,
        } = self;
        let source = source
            .as_ref()
            .map_or_else(String::new, |source| format!("Source: {source}\n"));
        let control = format!(
            "Package: {name}\n{source}Version: {version}\nArchitecture: all\n\
             Maintainer: Comparison <comparison@example.com>\nDescription: a package to compare with\n"
        );
        write(&tree.join("DEBIAN/control"), &control)?;
        if tree.join("etc").join(format!("{name}.conf")).exists() {
            write(
                &tree.join("DEBIAN/conffiles"),
                &format!("/etc/{name}.conf\n"),
            )?;
        }
        let deb = tools::folder(into)?.join(format!("{name}.deb"));
        let mut build = Command::new("dpkg-deb");
        build
            .args(["--root-owner-group", "-Znone", "--build"])
            .arg(tree)
            .arg(&deb);
        run(&mut build)?;
        Ok(deb)
    }
}

/// The database of a root.
pub(super) struct Root<'r>(&'r Path);

impl<'r> Root<'r> {
    /// An empty database in a folder.
    pub(super) fn empty(root: &'r Path) -> Result<Self> {
        let database = root.join("var/lib/dpkg");
        for folder in ["info", "updates", "triggers"] {
            tools::folder(&database.join(folder))?;
        }
        for file in ["status", "available"] {
            write(&database.join(file), "")?;
        }
        Ok(Self(root))
    }

    /// The database that is there.
    pub(super) fn existing(root: &'r Path) -> Self {
        Self(root)
    }

    /// Does something with all packages in a folder, such as `--install`.
    pub(super) fn all_in(&self, action: &str, folder: &Path) -> Result<()> {
        run(self.dpkg().arg(action).arg("--recursive").arg(folder)).map(drop)
    }

    /// Does something with packages by name, such as `--remove`.
    pub(super) fn each(&self, action: &str, packages: &[String]) -> Result<()> {
        if packages.is_empty() {
            return Ok(());
        }
        run(self.dpkg().arg(action).args(packages)).map(drop)
    }

    /// The packages that are not plainly installed, with their states.
    pub(super) fn states(&self) -> Result<BTreeMap<String, String>> {
        let listed = self.query("${binary:Package} ${db:Status-Status}\\n")?;
        let pairs = listed.lines().filter_map(|line| line.split_once(' '));
        Ok(pairs
            .filter(|(_, state)| *state != "installed")
            .map(|(package, state)| (package.to_owned(), state.to_owned()))
            .collect())
    }

    /// What dpkg-query shows of each package.
    pub(super) fn query(&self, format: &str) -> Result<String> {
        let mut query = Command::new("dpkg-query");
        query.arg("--admindir").arg(self.0.join("var/lib/dpkg"));
        run(query.args(["--show", "--showformat", format]))
    }

    fn dpkg(&self) -> Command {
        let mut dpkg = Command::new("dpkg");
        dpkg.arg(format!("--root={}", self.0.display())).args([
            "--force-unsafe-io",
            "--force-bad-path",
            "--no-triggers",
            "--log=/dev/null",
        ]);
        dpkg
    }
}

pub(super) fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        tools::folder(folder)?;
    }
    Ok(fs::write(path, text)?)
}
