//! What can be wrong with the metadata of a repository.

use jiff::Timestamp;

use super::RoleName;

/// Why metadata is not believed. The sentences name the role; who shows them names server and repository.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// It is not JSON of the form that the role's metadata has.
    #[error("the metadata of role {role} is malformed: {why}")]
    Malformed {
        /// The role.
        role: RoleName,
        /// What is wrong, with its place.
        why: String,
    },
    /// It is larger than metadata of this role may be.
    #[error("the metadata of role {role} is larger than {limit} bytes")]
    TooLarge {
        /// The role.
        role: RoleName,
        /// The bound in bytes.
        limit: usize,
    },
    /// The server does not have it, though other metadata says that it exists.
    #[error("the server does not have {file}, which the repository needs")]
    Missing {
        /// The name of the file.
        file: String,
    },
    /// Too few of the role's keys signed it.
    #[error(
        "the metadata of role {role} has {found} valid signatures of its keys, {needed} are needed"
    )]
    Signatures {
        /// The role.
        role: RoleName,
        /// Valid signatures by different keys.
        found: usize,
        /// The threshold.
        needed: usize,
    },
    /// Its time is over.
    #[error("the metadata of role {role} expired at {at}")]
    Expired {
        /// The role.
        role: RoleName,
        /// When.
        at: Timestamp,
    },
    /// An older version than one that was seen before.
    #[error(
        "the server offers version {offered} of role {role}, but version {seen} was seen before: a rollback"
    )]
    RolledBack {
        /// The role.
        role: RoleName,
        /// The highest version seen.
        seen: u64,
        /// The version that is offered.
        offered: u64,
    },
    /// A role that was listed before and is still delegated to is not listed any more.
    #[error(
        "the snapshot does not list role {role} any more, which was seen in version {seen}: a rollback"
    )]
    Vanished {
        /// The role.
        role: RoleName,
        /// The highest version seen.
        seen: u64,
    },
    /// Its bytes are not those that the snapshot or the timestamp names.
    #[error(
        "the metadata of role {role} is not the file that role {by} names: its length or checksum differs"
    )]
    Checksum {
        /// The role whose file it is.
        role: RoleName,
        /// The role that names its checksum.
        by: RoleName,
    },
    /// The snapshot or timestamp does not name a file that every repository has.
    #[error("role {by} does not name the metadata of role {role}")]
    Unlisted {
        /// The role that is not named.
        role: RoleName,
        /// The role that should name it.
        by: RoleName,
    },
    /// A link of the chain of roots has another version than its place.
    #[error("a file that should be version {expected} of the root is version {found}")]
    RootVersion {
        /// The version by the file's name.
        expected: u64,
        /// The version in it.
        found: u64,
    },
    /// Too many rotations since the pinned root.
    #[error(
        "the root is at version {offered}, more than {most} versions after the trusted version {trusted}"
    )]
    RootTooFar {
        /// The trusted version.
        trusted: u64,
        /// The version that is offered.
        offered: u64,
        /// How many are followed.
        most: u64,
    },
    /// A root that the trusted one does not vouch for.
    #[error(
        "version {offered} of the root does not chain from the trusted version {trusted}: its keys did not sign it"
    )]
    RootForeign {
        /// The trusted version.
        trusted: u64,
        /// The version that is offered.
        offered: u64,
    },
    /// Another root of the version that is trusted.
    #[error("the server offers another version {version} of the root than the one that is trusted")]
    RootReplaced {
        /// The version of both.
        version: u64,
    },
    /// None of the keys that signed the root is vouched for by what the configuration presets.
    #[error(
        "no root key of the repository is one that the configuration presets for it, or of an authority that it presets"
    )]
    RootNotPreset,
    /// The root keys are certificates of another repository, or none.
    #[error(
        "no root key has a certificate for this repository: the metadata may belong to another one"
    )]
    RootOfAnother,
    /// The root keys' certificates are out of date.
    #[error("the certificates of the root keys are not valid at this time")]
    RootCertificateExpired,
    /// The role is not delegated to.
    #[error("the repository has no delegation {role}")]
    NotDelegated {
        /// The role.
        role: RoleName,
    },
    /// The role is delegated to and has not published anything.
    #[error("the delegation {role} has published nothing yet")]
    Unpublished {
        /// The role.
        role: RoleName,
    },
}

impl Problem {
    /// A stable name in kebab-case, for machines.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "trust-metadata-malformed",
            Self::TooLarge { .. } => "trust-metadata-too-large",
            Self::Missing { .. } => "trust-metadata-missing",
            Self::Signatures { .. } => "trust-signature-invalid",
            Self::Expired { .. } => "trust-expired",
            Self::RolledBack { .. } | Self::Vanished { .. } => "trust-rollback",
            Self::Checksum { .. } | Self::Unlisted { .. } => "trust-metadata-mismatch",
            Self::RootVersion { .. }
            | Self::RootTooFar { .. }
            | Self::RootForeign { .. }
            | Self::RootReplaced { .. } => "trust-root-changed",
            Self::RootNotPreset => "trust-root-not-preset",
            Self::RootOfAnother => "trust-root-of-another-repository",
            Self::RootCertificateExpired => "trust-root-certificate-expired",
            Self::NotDelegated { .. } | Self::Unpublished { .. } => "trust-signer-unknown",
        }
    }
}
