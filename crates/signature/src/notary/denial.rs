use std::sync::Arc;

use cise_reference::Digest;
use cise_registry::{FetchError, FlightError, Reason as FetchReason};

use super::tuf::Problem;
use crate::store::StoreError;
use crate::{Gun, RefusalKind};

/// Content trust does not vouch for an image: which trust server and repository were asked, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("content trust of {gun} at {server}: {reason}")]
pub struct Denial {
    server: Arc<str>,
    gun: Gun,
    reason: Reason,
}

/// Why content trust does not vouch for an image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// Nobody ever signed anything in this repository.
    #[error("the repository has no trust data: nothing in it was ever signed")]
    NoTrustData,
    /// The tag is not signed.
    #[error("`{}` is not signed", shown(target))]
    Unsigned {
        /// The tag.
        target: Box<str>,
    },
    /// No target has the digest.
    #[error("no signed tag has the digest {digest}")]
    DigestNotReleased {
        /// The digest.
        digest: Digest,
    },
    /// The tag is signed with another digest than the reference asks for.
    #[error(
        "`{}` is signed with the digest {released}, but the image is {asked}",
        shown(target)
    )]
    OtherDigest {
        /// The tag.
        target: Box<str>,
        /// The released digest.
        released: Digest,
        /// The digest of the reference.
        asked: Digest,
    },
    /// The tag is signed without a digest that an image can have, or that can be compared with the reference's.
    #[error("`{}` is signed without a usable digest", shown(target))]
    UnusableTarget {
        /// The tag.
        target: Box<str>,
    },
    /// A required signer's role is missing or not believed.
    #[error(
        "the required signer `{signer}` cannot be verified: {problem}{}",
        advice(problem)
    )]
    SignerRole {
        /// The signer.
        signer: Box<str>,
        /// What is wrong with the role.
        problem: Problem,
    },
    /// A required signer's role is not signed by the key in the secret.
    #[error(
        "the signatures of `{signer}` are not by the key in Secret `{secret}`: check its `publicKey`"
    )]
    SignerKey {
        /// The signer.
        signer: Box<str>,
        /// The Secret.
        secret: Box<str>,
    },
    /// A required signer did not sign the tag.
    #[error("`{}` is not signed by the required signer `{signer}`", shown(target))]
    SignerSilent {
        /// The signer.
        signer: Box<str>,
        /// The tag.
        target: Box<str>,
    },
    /// A required signer signed another digest.
    #[error(
        "the released digest of `{}` is {released}, but the required signer `{signer}` signed {}",
        shown(target),
        signed.as_ref().map_or("none that can be compared", Digest::as_str)
    )]
    SignerOtherDigest {
        /// The signer.
        signer: Box<str>,
        /// The tag.
        target: Box<str>,
        /// The released digest.
        released: Digest,
        /// The digest that the signer signed.
        signed: Option<Digest>,
    },
    /// The repository's metadata is not believed.
    #[error("{problem}{}", advice(problem))]
    Metadata {
        /// What is wrong.
        #[from]
        problem: Problem,
    },
    /// The trust server did not give the metadata.
    #[error("{error}{}", error.hint().map(|hint| format!("; {hint}")).unwrap_or_default())]
    Fetch {
        /// What went wrong.
        error: Arc<FetchError>,
    },
    /// The verification did not end in time, or could not begin.
    #[error(transparent)]
    Flight(#[from] FlightError),
    /// What is remembered of the repository cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Others kept changing what is remembered.
    #[error("its trust record kept changing while it was written; try again")]
    Contended,
    /// The metadata names ever more files.
    #[error("its metadata needs ever more files; this does not end")]
    Endless,
    /// The trust server's address cannot be used.
    #[error("its trust server cannot be asked: {0}")]
    Server(String),
}

impl Denial {
    pub(crate) fn new(server: &Arc<str>, gun: &Gun, reason: Reason) -> Self {
        Self {
            server: Arc::clone(server),
            gun: gun.clone(),
            reason,
        }
    }

    /// The trust server that was asked.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The repository's name there.
    pub fn gun(&self) -> &Gun {
        &self.gun
    }

    /// Why.
    pub fn reason(&self) -> &Reason {
        &self.reason
    }
}

impl Reason {
    /// Which kind of refusal it is.
    pub fn kind(&self) -> RefusalKind {
        match self {
            Self::Fetch { .. }
            | Self::Flight(_)
            | Self::Store(_)
            | Self::Contended
            | Self::Server(_) => RefusalKind::Undecided,
            _ => RefusalKind::Untrusted,
        }
    }

    /// Whether other credentials might change it.
    pub fn is_of_credentials(&self) -> bool {
        matches!(self, Self::Fetch { error } if error.is_refusal())
    }

    /// A stable name in kebab-case, for machines.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoTrustData => "trust-no-data",
            Self::Unsigned { .. } => "trust-unsigned",
            Self::DigestNotReleased { .. } => "trust-digest-unsigned",
            Self::OtherDigest { .. } => "trust-digest-mismatch",
            Self::UnusableTarget { .. } => "trust-digest-unusable",
            Self::SignerKey { .. } => "trust-signer-key-mismatch",
            Self::SignerSilent { .. } => "trust-signer-missing",
            Self::SignerOtherDigest { .. } => "trust-signer-digest-mismatch",
            Self::SignerRole { problem, .. } | Self::Metadata { problem } => problem.code(),
            Self::Endless => "trust-metadata-malformed",
            Self::Fetch { error } if error.is_refusal() => "trust-server-denies-access",
            Self::Fetch { error } if error.reason == FetchReason::NoRoom => "trust-busy",
            Self::Fetch { .. } => "trust-server-unavailable",
            Self::Flight(FlightError::HostBusy { .. } | FlightError::NamespaceBusy { .. }) => {
                "trust-busy"
            }
            Self::Flight(_) => "trust-late",
            Self::Store(_) | Self::Contended => "trust-record-unavailable",
            Self::Server(_) => "trust-server-invalid",
        }
    }
}

/// What an administrator can do, where the problem does not say it already.
fn advice(problem: &Problem) -> &'static str {
    match problem {
        Problem::RootForeign { .. } | Problem::RootReplaced { .. } | Problem::RootTooFar { .. } => {
            "; if the repository was deliberately initialized anew, an administrator can forget its pinned root"
        }
        Problem::RolledBack { .. } | Problem::Vanished { .. } => {
            "; if the trust server was deliberately reset, an administrator can forget the repository's pin"
        }
        Problem::Expired { .. } => "; the owner of the role's key has to publish it anew",
        Problem::Checksum { .. } => {
            "; files of different times are served: try again, or ask who runs the trust server"
        }
        _ => "",
    }
}

/// Names of targets are any text: no control characters, and not without end.
fn shown(name: &str) -> String {
    name.chars()
        .take(128)
        .flat_map(char::escape_debug)
        .collect()
}
