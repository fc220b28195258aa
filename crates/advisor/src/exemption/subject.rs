use cise_policy::Namespace;
use cise_reference::{Digest, Reference, ReferenceError};

/// One image in one place, of which an exemption may speak.
#[derive(Clone, Debug)]
pub struct Subject {
    reference: Reference,
    tag: TagBinding,
    namespace: Option<Namespace>,
}

/// Is it known that the tag of a reference stands for the digest that runs?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TagBinding {
    /// Yes: the registry gave the digest for the tag, or content trust did.
    Proven,
    /// No: whoever wrote the reference may have put any tag beside the digest, and exempts nothing by it.
    Unproven,
}

impl Subject {
    /// An image that is asked about outside of any namespace, where only what is exempted for everybody is.
    ///
    /// `digest` is what would run; it stands for the reference's own, if that has one.
    pub fn new(
        reference: &Reference,
        digest: &Digest,
        tag: TagBinding,
    ) -> Result<Self, ReferenceError> {
        Ok(Self {
            reference: Reference::parse(&reference.pinned_to(digest))?,
            tag,
            namespace: None,
        })
    }

    /// The same image in a pod of `namespace`.
    #[must_use]
    pub fn in_namespace(self, namespace: Namespace) -> Self {
        Self {
            namespace: Some(namespace),
            ..self
        }
    }

    pub(crate) fn reference(&self) -> &Reference {
        &self.reference
    }

    pub(crate) fn tag(&self) -> TagBinding {
        self.tag
    }

    pub(crate) fn namespace(&self) -> Option<&Namespace> {
        self.namespace.as_ref()
    }
}
