//! What the gate judges.

use std::fmt;

use cise_advisor::exemption;
use cise_policy::{ApiGroup, Origin, Policy};

/// A policy or an exemption, by its name. It is displayed as `kubectl` names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredObject {
    /// A policy.
    Policy(Origin),
    /// An exemption.
    Exemption(exemption::Origin),
}

/// What is to be stored, read in full.
#[derive(Debug)]
pub(crate) enum Wanted {
    Policy(Policy),
    Exemption(exemption::Exemption),
}

impl StoredObject {
    pub(crate) fn group(&self) -> &'static str {
        match self {
            Self::Policy(origin) => origin.group().name(),
            Self::Exemption(_) => ApiGroup::V1Beta1.name(),
        }
    }

    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Policy(origin) => origin.scope().kind(),
            Self::Exemption(origin) => origin.scope().kind(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Policy(origin) => origin.name(),
            Self::Exemption(origin) => origin.name(),
        }
    }
}

impl fmt::Display for StoredObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Policy(origin) => origin.fmt(f),
            Self::Exemption(origin) => origin.fmt(f),
        }
    }
}

impl Wanted {
    pub(crate) fn object(&self) -> StoredObject {
        match self {
            Self::Policy(policy) => StoredObject::Policy(policy.origin().clone()),
            Self::Exemption(exemption) => StoredObject::Exemption(exemption.origin().clone()),
        }
    }
}
