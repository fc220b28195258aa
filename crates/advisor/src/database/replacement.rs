//! A file is written beside the one that it will replace, and takes its place once it is whole.

use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tempfile::NamedTempFile;

/// A new file beside the output, readable by whom the process lets read its files.
pub(crate) fn create(output: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new()
        .prefix(".cise-db-")
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder_of(output))
}

/// Puts a file in its place. It is on disk before its name is, so that a crash leaves the old one or the new one.
pub(crate) fn settle(file: NamedTempFile, output: &Path) -> io::Result<()> {
    file.as_file().sync_all()?;
    file.persist(output).map_err(|error| error.error)?;
    File::open(folder_of(output))?.sync_all()
}

/// The folder that a file is in, where scratch files go too: they may be larger than `/tmp`.
pub(crate) fn folder_of(output: &Path) -> &Path {
    match output.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}
