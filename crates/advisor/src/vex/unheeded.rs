use cise_signature::attestation::AttestationError;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Why something that is attached to an image forgives nothing. A sentence each, without a full stop. What matters most to
/// people comes first.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, thiserror::Error,
)]
#[serde(rename_all = "kebab-case", tag = "reason")]
#[non_exhaustive]
pub enum Unheeded {
    /// What is attached was not read, or not all of it, so that something in it might take back what the rest says.
    #[error("no VEX counts: what is attached to the image was not read: {why}")]
    Unread {
        /// Why.
        why: Box<str>,
    },
    /// A configured key has signed a document that cannot be read. It might take back what others say.
    #[error("no VEX counts, since one cannot be read: {why}; attached as {attached_as}")]
    Unreadable {
        /// The digest of the manifest that it came with.
        attached_as: Box<str>,
        /// Why.
        why: Box<str>,
    },
    /// A statement that would forgive is about no product.
    #[error(
        "the VEX of {vulnerability} does not count: its statement has no product; document {document}"
    )]
    NoProduct {
        /// The document, by its `@id`.
        document: Box<str>,
        /// The issue.
        vulnerability: Box<str>,
    },
    /// A statement that would forgive is about another product, or does not say in full which.
    #[error(
        "the VEX of {vulnerability} does not count: {product} is not this image by digest, nor a package of it in the installed \
         version; document {document}"
    )]
    OtherProduct {
        /// The document, by its `@id`.
        document: Box<str>,
        /// The issue.
        vulnerability: Box<str>,
        /// The product.
        product: Box<str>,
    },
    /// A statement that would forgive names several vulnerabilities at once.
    #[error(
        "the VEX of {vulnerability} does not count: `{name}` is not the name of this one vulnerability; document \
         {document}"
    )]
    SharedName {
        /// The document, by its `@id`.
        document: Box<str>,
        /// The issue.
        vulnerability: Box<str>,
        /// The name.
        name: Box<str>,
    },
    /// The latest statement does not forgive.
    #[error("the latest VEX of {vulnerability} says `{status}`; document {document}")]
    Withheld {
        /// The document, by its `@id`.
        document: Box<str>,
        /// The issue.
        vulnerability: Box<str>,
        /// The status.
        status: Box<str>,
    },
    /// Nothing says why the image is not affected.
    #[error(
        "the VEX of {vulnerability} does not count: `not_affected` needs a justification of OpenVEX or an impact statement; \
         document {document}"
    )]
    Unjustified {
        /// The document, by its `@id`.
        document: Box<str>,
        /// The issue.
        vulnerability: Box<str>,
    },
    /// An image is said to be fixed, in which a version without the fix is installed.
    #[error(
        "the VEX of {vulnerability} does not count: `fixed` has to name the package in the installed version; document {document}"
    )]
    FixedWithoutPackage {
        /// The document, by its `@id`.
        document: Box<str>,
        /// The issue.
        vulnerability: Box<str>,
    },
    /// The statement is of a time that has not come, and nothing could take it back until then.
    #[error(
        "the VEX of {vulnerability} does not count: it is of {at}, which is yet to come; document {document}"
    )]
    Future {
        /// The document, by its `@id`.
        document: Box<str>,
        /// The issue.
        vulnerability: Box<str>,
        /// The time.
        at: Timestamp,
    },
    /// It is about something else, and was attached to this image.
    #[error("the VEX {attached_as} does not count: it is signed for another image")]
    OtherImage {
        /// The digest of the manifest that it came with.
        attached_as: Box<str>,
    },
    /// No configured key has signed it.
    #[error("the attestation {attached_as} does not count: {why}")]
    Unsigned {
        /// The digest of the manifest that it came with.
        attached_as: Box<str>,
        /// Why.
        why: Box<str>,
    },
}

impl Unheeded {
    /// Why a document does not count, which is no attestation or no VEX.
    pub(super) fn of(attached_as: &str, error: &Unfit) -> Self {
        let attached_as = attached_as.into();
        let why = crate::excerpt::one_line(&error.to_string());
        match error {
            Unfit::Attestation(AttestationError::Unsigned(_)) => {
                Self::Unsigned { attached_as, why }
            }
            Unfit::Attestation(AttestationError::Unreadable { .. }) | Unfit::Predicate(_) => {
                Self::Unreadable { attached_as, why }
            }
            Unfit::OtherImage => Self::OtherImage { attached_as },
        }
    }

    /// Whether something may be unknown that would take back what is known.
    pub(super) fn leaves_doubt(&self) -> bool {
        matches!(self, Self::Unread { .. } | Self::Unreadable { .. })
    }
}

/// Why an attached document is no VEX about the image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unfit {
    #[error(transparent)]
    Attestation(#[from] AttestationError),
    #[error(transparent)]
    Predicate(#[from] cise_signature::attestation::StatementError),
    #[error("it is signed for another image")]
    OtherImage,
}
