//! The format of the file.

/// The version that is written. All versions up to it are read: files of version 1 have no dates of fixes.
pub(crate) const VERSION: u8 = 2;
