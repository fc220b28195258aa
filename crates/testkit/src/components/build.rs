//! Building components with Go.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Component, Overlay, cache};
use crate::Error;
use crate::command::run;

/// Builds a component into the cache folder. The folder appears under its name only when the program in it is whole.
pub(super) fn build(component: &Component) -> Result<PathBuf, Error> {
    let folder = cache::folder(component)?;
    let parent = folder.parent().unwrap_or(&folder);
    fs::create_dir_all(parent).map_err(Error::writing(parent))?;
    let lock = folder.with_extension("lock");
    let held = File::create(&lock).map_err(Error::writing(&lock))?;
    held.lock().map_err(Error::writing(&lock))?;
    if let Some(program) = cache::find(component) {
        return Ok(program);
    }
    let unfinished = tempfile::tempdir_in(parent).map_err(Error::writing(parent))?;
    compile(component, unfinished.path())?;
    fs::rename(unfinished.keep(), &folder).map_err(Error::writing(&folder))?;
    Ok(folder.join(component.name))
}

fn compile(component: &Component, folder: &Path) -> Result<(), Error> {
    let mut go = Command::new("go");
    go.args([
        "build",
        "-mod=readonly",
        "-trimpath",
        "-buildvcs=false",
        "-ldflags",
        component.ldflags,
    ])
    .current_dir(component.module_folder())
    .env("CGO_ENABLED", "0")
    .env("GOFLAGS", "")
    .env("GOWORK", "off");
    if let Some(overlay) = component.overlay {
        let goroot = PathBuf::from(cache::go_env(component, "GOROOT")?);
        go.arg("-overlay").arg(overlay.write(&goroot, folder)?);
    }
    go.arg("-o")
        .arg(folder.join(component.name))
        .arg(component.package);
    run(&mut go, "").map(drop)
}

/// Where Go keeps the sources of a module that the component's module pins; they are fetched where they are missing.
pub(super) fn sources(component: &Component, module: &str) -> Result<PathBuf, Error> {
    let mut go = Command::new("go");
    go.args(["list", "-mod=readonly", "-m", "-f", "{{.Dir}}", module])
        .current_dir(component.module_folder())
        .env("GOFLAGS", "")
        .env("GOWORK", "off");
    let folder = run(&mut go, "")?;
    Ok(PathBuf::from(folder.trim()))
}

impl Overlay {
    /// What it does to Go's library, as text that changes when it does something else.
    pub(super) fn recipe(self) -> &'static str {
        match self {
            Self::UncutFileNames => {
                "mime/multipart/multipart.go: filepath.Base(filename) -> filename"
            }
        }
    }

    /// Writes the changed file, and beside it the file for `go build -overlay` that names both.
    fn write(self, goroot: &Path, folder: &Path) -> Result<PathBuf, Error> {
        let Self::UncutFileNames = self;
        let original = goroot.join("src/mime/multipart/multipart.go");
        let source = fs::read_to_string(&original).map_err(Error::reading(&original))?;
        let source = uncut_file_names(&source).ok_or_else(|| Error::Overlay {
            path: original.clone(),
        })?;
        let changed = folder.join("multipart.go");
        fs::write(&changed, source).map_err(Error::writing(&changed))?;
        let overlay = folder.join("overlay.json");
        let replace = serde_json::json!({ "Replace": { original.to_string_lossy(): changed.to_string_lossy() } });
        fs::write(&overlay, replace.to_string()).map_err(Error::writing(&overlay))?;
        Ok(overlay)
    }
}

/// `None` where the source does not have the one call and the one import that are to go.
fn uncut_file_names(source: &str) -> Option<String> {
    let (import, cut) = ("\t\"path/filepath\"\n", "filepath.Base(filename)");
    let once = |text| source.matches(text).count() == 1;
    (once(import) && once(cut)).then(|| source.replace(import, "").replace(cut, "filename"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overlay_changes_what_it_knows_and_nothing_else() {
        let go =
            "import (\n\t\"path/filepath\"\n\t\"strings\"\n)\n\treturn filepath.Base(filename)\n";
        assert_eq!(
            uncut_file_names(go).unwrap(),
            "import (\n\t\"strings\"\n)\n\treturn filename\n"
        );
        assert_eq!(uncut_file_names("\treturn filename\n"), None);
        assert_eq!(uncut_file_names(&go.repeat(2)), None);
    }
}
