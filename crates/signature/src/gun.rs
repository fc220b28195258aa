use std::fmt;

use cise_reference::Repository;

/// The name under which trust data of a repository is kept: its canonical name, `docker.io/library/nginx`.
///
/// Docker calls it the globally unique name. It comes of a parsed repository only, so that it is safe in a URL path: no
/// dot segments, no blanks, nothing to escape.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gun(Box<str>);

impl Gun {
    /// The name of the repository's trust data.
    pub fn of(repository: &Repository) -> Self {
        Self(repository.as_str().into())
    }

    /// The name, such as `docker.io/library/nginx`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Gun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
