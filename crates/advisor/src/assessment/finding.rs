use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::NotCounted;
use crate::inventory::Platform;
use crate::{Advisory, Affected, Package, Severity};

/// An advisory that concerns an installed package, of one of the vulnerabilities that it speaks of, with its published fix.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    pub(super) vulnerability: Arc<str>,
    pub(super) notice: Arc<Noticed>,
    pub(super) package: Arc<Package>,
    pub(super) platform: Platform,
    pub(super) fix: Arc<str>,
    /// Since when the fix is there.
    pub(super) fix_date: Option<Timestamp>,
}

/// What is kept of an advisory.
#[derive(Clone, Debug)]
pub(super) struct Noticed {
    pub(super) id: Arc<str>,
    pub(super) summary: Arc<str>,
    pub(super) published: Option<Timestamp>,
    pub(super) severity: Severity,
}

impl Noticed {
    /// A severity of the package's own stands before the advisory's.
    pub(super) fn new(advisory: &Advisory, affected: &Affected) -> Self {
        let severity = affected
            .severity
            .as_deref()
            .or(advisory.severity.as_deref());
        Self {
            id: (*advisory.id).into(),
            summary: (*advisory.summary).into(),
            published: advisory.published,
            severity: severity.map(Severity::parse).unwrap_or_default(),
        }
    }
}

/// A finding that does not decide, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Uncounted {
    /// The vulnerability.
    pub vulnerability: Box<str>,
    /// The advisory.
    pub notice: Box<str>,
    /// The name of the package.
    pub package: Box<str>,
    /// The installed version.
    pub version: Box<str>,
    /// The published fix, if there is one.
    pub fix: Option<Box<str>>,
    /// Why it does not decide.
    pub why: NotCounted,
}

/// A package that nobody's advisories speak of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Unjudged {
    /// The name of the package.
    pub package: Box<str>,
    /// The installed version.
    pub version: Box<str>,
    /// Why.
    #[serde(flatten)]
    pub why: WhyUnjudged,
}

/// Why a package is not judged.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, thiserror::Error,
)]
#[serde(rename_all = "kebab-case", tag = "reason")]
#[non_exhaustive]
pub enum WhyUnjudged {
    /// It is in the distribution's database, and somebody else made it.
    #[error("it is not the distribution's, but of {vendor}")]
    OtherVendor {
        /// Who made it.
        vendor: Box<str>,
    },
    /// Its version has no place in the order of versions, and no advisory that would count names it.
    #[error("its version cannot be ordered")]
    UnorderableVersion,
}
