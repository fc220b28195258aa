//! The folder in which built components are kept.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, path};

use aws_lc_rs::digest::{Context, SHA256};

use super::{Component, Overlay};
use crate::Error;
use crate::command::run;

/// The built program, where everything that went into it is as it is now.
pub(super) fn find(component: &Component) -> Option<PathBuf> {
    let program = folder(component).ok()?.join(component.name);
    program.is_file().then_some(program)
}

/// The folder of one component as it is to be built now. Its name changes with whatever decides about the result: the
/// module's files, the version of Go, the arguments, the overlay.
pub(super) fn folder(component: &Component) -> Result<PathBuf, Error> {
    let mut hash = Context::new(&SHA256);
    let mut add = |part: &[u8]| {
        hash.update(&part.len().to_be_bytes());
        hash.update(part);
    };
    for file in module_files(&component.module_folder())? {
        add(&fs::read(&file).map_err(Error::reading(&file))?);
    }
    add(component.package.as_bytes());
    add(component.ldflags.as_bytes());
    add(component.overlay.map_or("", Overlay::recipe).as_bytes());
    add(go_env(component, "GOVERSION")?.as_bytes());
    let key = crate::hex(hash.finish().as_ref());
    let short = key.get(..16).unwrap_or(&key);
    Ok(root()?
        .join("components")
        .join(format!("{}-{short}", component.name)))
}

/// A setting of Go as it counts for the component's module, whose `go` line may ask for another toolchain.
pub(super) fn go_env(component: &Component, name: &str) -> Result<String, Error> {
    let mut command = Command::new("go");
    command
        .args(["env", name])
        .current_dir(component.module_folder())
        .env("GOWORK", "off");
    run(&mut command, "")
}

impl Component {
    /// The folder with the Go module that pins this component.
    pub(super) fn module_folder(&self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("components")
            .join(self.module)
    }
}

/// Absolute, because Go runs in the folder of the module.
fn root() -> Result<PathBuf, Error> {
    let set = |name| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let root = set("CISE_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|folder| folder.join("cise")))
        .or_else(|| set("HOME").map(|folder| folder.join(".cache/cise")))
        .ok_or(Error::NoCacheFolder)?;
    path::absolute(&root).map_err(Error::reading(&root))
}

/// The files of a module, in an order that does not depend on the file system.
fn module_files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(Error::reading(folder))? {
        let path = entry.map_err(Error::reading(folder))?.path();
        if path.is_dir() {
            files.extend(module_files(&path)?);
        } else if path.extension().is_some_and(is_source) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn is_source(extension: &OsStr) -> bool {
    ["go", "mod", "sum"].iter().any(|known| extension == *known)
}
