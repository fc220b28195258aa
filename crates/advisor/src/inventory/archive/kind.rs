//! What an entry is, by its header and those before it.

use super::TarError;
use super::header::Header;
use super::pax::Extension;

/// One entry. Its content is read before the next entry is asked for, or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The path as written.
    pub(crate) path: String,
    /// What it is.
    pub(crate) kind: Kind,
    /// The bytes of its content in the archive.
    pub(crate) size: u64,
}

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A regular file.
    File,
    /// A regular file of which the archive has only some parts.
    Sparse,
    /// A directory.
    Directory,
    /// A symbolic link to that path.
    Symlink(String),
    /// Another name of the file at that path.
    HardLink(String),
    /// A device.
    Device(Device),
    /// A pipe.
    Pipe,
}

/// A device, by its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Device {
    Character { major: u64, minor: u64 },
    Block { major: u64, minor: u64 },
}

impl Entry {
    /// The entry of a header and of the headers before it that extend it.
    pub(super) fn of(header: &Header, extension: &Extension) -> Result<Self, TarError> {
        let path = extension
            .path()?
            .map_or_else(|| header.path(), str::to_owned);
        let kind = Kind::of(header, extension, &path)?;
        let size = extension.size().map_or_else(|| header.size(), Ok)?;
        let has_slash = path.ends_with('/');
        match kind {
            // Go makes a file of it, others a folder, and then they go on at different places.
            Kind::File | Kind::Sparse if has_slash => Err(TarError::Slash),
            Kind::Directory if is_old(header) && size > 0 => Err(TarError::Slash),
            Kind::File | Kind::Sparse => Ok(Self { path, kind, size }),
            // Whatever these say about their size, they have no content.
            _ => Ok(Self {
                path,
                kind,
                size: 0,
            }),
        }
    }
}

/// Whether a header is of the time before there was a kind for directories.
fn is_old(header: &Header) -> bool {
    header.kind() == 0
}

impl Kind {
    fn of(header: &Header, extension: &Extension, path: &str) -> Result<Self, TarError> {
        let link = || -> Result<String, TarError> {
            let link = extension.link()?;
            Ok(link.map_or_else(|| header.link(), str::to_owned))
        };
        if extension.is_sparse() {
            return match header.kind() {
                b'0' | 0 => Ok(Self::Sparse),
                _ => Err(TarError::Sparse),
            };
        }
        Ok(match header.kind() {
            // A slash at the end said then that it is one.
            0 if path.ends_with('/') => Self::Directory,
            b'0' | 0 => Self::File,
            b'1' => Self::HardLink(link()?),
            b'2' => Self::Symlink(link()?),
            b'3' => {
                let (major, minor) = header.device()?;
                Self::Device(Device::Character { major, minor })
            }
            b'4' => {
                let (major, minor) = header.device()?;
                Self::Device(Device::Block { major, minor })
            }
            b'5' => Self::Directory,
            b'6' => Self::Pipe,
            b'S' if header.is_gnu() => Self::Sparse,
            b'S' => return Err(TarError::Sparse),
            _ => return Err(TarError::Kind),
        })
    }
}
