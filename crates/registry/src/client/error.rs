//! Why a question about an image has no answer.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use cise_reference::{Digest, Repository, Tag};

use crate::error::{Fault, FetchError, Reason};
use crate::flight::FlightError;
use crate::manifest::ManifestError;
use crate::server::ServerError;

/// A question about an image that has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryError {
    /// The repository.
    pub repository: Repository,
    /// What was asked about.
    pub subject: Subject,
    /// Why there is no answer.
    pub failure: RegistryFailure,
}

/// What in a repository is asked about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Subject {
    /// The manifest that a tag names.
    Tag(Tag),
    /// The manifest with a digest.
    Manifest(Digest),
    /// The blob with a digest.
    Blob(Digest),
    /// What refers to a digest.
    Referrers(Digest),
    /// What is attached to a digest.
    Attached(Digest),
    /// A blob that is written.
    NewBlob(Digest),
    /// A manifest that is written under a tag.
    NewManifest(Tag),
}

/// Why a question about an image has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryFailure {
    /// The registry has no such thing, or shows it to none of the credentials.
    #[error("the registry has no such image, or does not show it to these credentials")]
    NotFound,
    /// The registry could not be asked, or would not answer.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The manifest is not in order.
    #[error("the manifest cannot be used: {0}")]
    Manifest(#[from] ManifestError),
    /// The content is not what its digest says.
    #[error("{host} sent content with the digest {found} instead")]
    DigestMismatch {
        /// Who sent it.
        host: Arc<str>,
        /// The digest of what was sent.
        found: Digest,
    },
    /// More referrers than are read.
    #[error(
        "more than {limit} documents refer to this image, or their list has too many pages; remove those that are not needed"
    )]
    TooManyReferrers {
        /// The bound.
        limit: usize,
    },
    /// More attached documents than are read.
    #[error(
        "more than {limit} documents of the kind that is looked for are attached to this image; remove those that are not needed"
    )]
    TooManyAttached {
        /// The bound.
        limit: usize,
    },
    /// Attached documents of more bytes than are read.
    #[error(
        "documents of more than {limit} bytes in all are attached to this image; remove those that are not needed"
    )]
    TooLargeAttached {
        /// The bound.
        limit: u64,
    },
    /// The registry begins an upload and does not say where.
    #[error("{host} takes an upload and does not say where it wants it")]
    NoPlace {
        /// The registry.
        host: Arc<str>,
    },
    /// The content is not what its digest says, whoever sent it.
    #[error("what was sent is not what its digest says")]
    Damaged,
    /// There is no time or no room for the question.
    #[error(transparent)]
    Flight(#[from] FlightError),
    /// The registry's address cannot be used.
    #[error(transparent)]
    Server(#[from] ServerError),
}

impl RegistryError {
    pub(super) fn new(
        repository: &Repository,
        subject: Subject,
        failure: impl Into<RegistryFailure>,
    ) -> Self {
        Self {
            repository: repository.clone(),
            subject,
            failure: failure.into(),
        }
    }

    /// Who can put it right.
    pub fn fault(&self) -> Fault {
        match &self.failure {
            RegistryFailure::Fetch(error) => error.fault(),
            RegistryFailure::NotFound => Fault::Credentials,
            RegistryFailure::Server(_) => Fault::Configuration,
            _ => Fault::Server,
        }
    }

    /// What an administrator can do about it, where that is clear.
    pub fn hint(&self) -> Option<&'static str> {
        match &self.failure {
            RegistryFailure::Fetch(error) => error.hint().or_else(|| hint_of_host(&error.reason)),
            _ => None,
        }
    }
}

/// What may be the matter with the name of a registry at which nobody answers, or with how it is spoken to.
fn hint_of_host(reason: &Reason) -> Option<&'static str> {
    match reason {
        Reason::ConnectionRefused => Some(
            "check the registry's host and port; if it has no HTTPS, name it under `registries` in the configuration with `plainHTTP: true`",
        ),
        Reason::PlainConnectionRefused => {
            Some("check the registry's host and port, and that it is running")
        }
        Reason::Dns(_) => Some("check the registry's name, and that it can be resolved from here"),
        _ => None,
    }
}

impl fmt::Display for RegistryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            repository,
            subject,
            failure,
        } = self;
        match subject {
            Subject::Tag(tag) => {
                write!(f, "cannot resolve {repository}:{}: {failure}", tag.as_str())
            }
            Subject::Manifest(digest) => write!(
                f,
                "cannot fetch the manifest {repository}@{digest}: {failure}"
            ),
            Subject::Blob(digest) => write!(
                f,
                "cannot fetch the blob {digest} of {repository}: {failure}"
            ),
            Subject::Referrers(digest) => write!(
                f,
                "cannot list what refers to {repository}@{digest}: {failure}"
            ),
            Subject::Attached(digest) => write!(
                f,
                "cannot read what is attached to {repository}@{digest}: {failure}"
            ),
            Subject::NewBlob(digest) => {
                write!(
                    f,
                    "cannot push the blob {digest} to {repository}: {failure}"
                )
            }
            Subject::NewManifest(tag) => {
                write!(f, "cannot push {repository}:{}: {failure}", tag.as_str())
            }
        }
    }
}

impl Error for RegistryError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_told_to_set_what_is_set() {
        let hint = |reason| hint_of_host(&reason).unwrap_or_default();
        assert!(hint(Reason::ConnectionRefused).contains("plainHTTP"));
        let plain = hint(Reason::PlainConnectionRefused);
        assert!(
            plain.contains("port") && !plain.contains("plainHTTP"),
            "{plain}"
        );
        let said = Reason::PlainConnectionRefused.to_string();
        assert_eq!(said, Reason::ConnectionRefused.to_string());
    }
}
