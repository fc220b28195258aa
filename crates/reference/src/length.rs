//! How long references and their parts may be, in bytes.

/// The longest domain name (RFC 1035 §2.3.4, in the textual form without the final dot).
pub(crate) const HOST_NAME: usize = 253;

/// The longest path of a repository, without the host (distribution's `RepositoryNameTotalLengthMax`).
pub(crate) const PATH: usize = 255;

/// The longest tag (the OCI distribution specification).
pub(crate) const TAG: usize = 128;

/// The longest reference: the longest host, port, path, tag and digest, and what separates them.
pub(crate) const REFERENCE: usize =
    HOST_NAME + ":65535/".len() + PATH + ":".len() + TAG + "@sha512:".len() + 128;
