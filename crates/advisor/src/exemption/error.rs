use cise_policy::{Fault, NameError};

use super::Origin;

/// Why a document is no exemption. Nothing is exempted by one that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExemptionError {
    /// It cannot be read at all.
    #[error("the exemption cannot be read: {0}")]
    Document(Fault),
    /// Its name or namespace is none that Kubernetes accepts.
    #[error("metadata: {0}")]
    Name(#[from] NameError),
    /// It claims to be for everybody's pods and for those of one namespace.
    #[error(
        "metadata.namespace: the ClusterImageExemption `{name}` names the namespace `{namespace}`: expected none, or the kind ImageExemption"
    )]
    ClusterInNamespace {
        /// Its name.
        name: Box<str>,
        /// The namespace it names.
        namespace: Box<str>,
    },
    /// It is known which exemption it is, and what it says cannot hold.
    #[error("{origin} cannot be used: {fault}")]
    Content {
        /// Which exemption.
        origin: Origin,
        /// What is wrong, and where.
        fault: Fault,
    },
}
