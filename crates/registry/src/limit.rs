//! Bounds of what is read.

use std::fmt;

/// The most bytes that a body may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteLimit(usize);

impl ByteLimit {
    /// So many bytes.
    pub const fn bytes(bytes: usize) -> Self {
        Self(bytes)
    }

    /// So many times 1024 bytes.
    pub const fn kibibytes(kibibytes: usize) -> Self {
        Self(kibibytes * 1024)
    }

    /// So many times 1024² bytes.
    pub const fn mebibytes(mebibytes: usize) -> Self {
        Self(mebibytes * 1024 * 1024)
    }

    /// The limit in bytes.
    pub const fn get(self) -> usize {
        self.0
    }
}

impl fmt::Display for ByteLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const KIB: usize = 1024;
        const MIB: usize = 1024 * 1024;
        match self.0 {
            bytes if bytes >= MIB && bytes % MIB == 0 => write!(f, "{} MiB", bytes / MIB),
            bytes if bytes >= KIB && bytes % KIB == 0 => write!(f, "{} KiB", bytes / KIB),
            bytes => write!(f, "{bytes} bytes"),
        }
    }
}
