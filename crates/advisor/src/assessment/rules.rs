use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::Manager;
use crate::database::AgeRules;
use crate::matching::Channel;

/// What counts, and what becomes of an image of which the advisor cannot say much.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rules {
    /// The packages whose published fixes count. Those of vulnerabilities that are known to be exploited count in any package.
    pub packages: BTreeSet<PackageKind>,
    /// The paid channels whose fixes can be had.
    pub subscriptions: BTreeSet<Channel>,
    /// How old a feed may be.
    pub age: AgeRules,
    /// What becomes of an image that is UNSUPPORTED.
    pub unsupported: Tolerance,
    /// What becomes of an image with packages that nobody's advisories speak of.
    pub unjudged: Tolerance,
    /// What becomes of an image whose release gets no fixes any more.
    #[serde(default)]
    pub end_of_life: Tolerance,
}

/// Why an entry's own rules cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`vulnerability`: {0}")]
pub struct RulesError(String);

/// What an entry of a policy may say for itself, in its `vulnerability`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Amendment {
    packages: Option<BTreeSet<PackageKind>>,
    unsupported: Option<Tolerance>,
    unjudged: Option<Tolerance>,
    end_of_life: Option<Tolerance>,
}

impl Rules {
    /// These rules, but for what an entry's `vulnerability` says.
    pub fn amended(&self, vulnerability: &serde_json::Value) -> Result<Self, RulesError> {
        let amendment: Amendment =
            Amendment::deserialize(vulnerability).map_err(|error| RulesError(error.to_string()))?;
        Ok(Self {
            packages: amendment.packages.unwrap_or_else(|| self.packages.clone()),
            unsupported: amendment.unsupported.unwrap_or(self.unsupported),
            unjudged: amendment.unjudged.unwrap_or(self.unjudged),
            end_of_life: amendment.end_of_life.unwrap_or(self.end_of_life),
            ..self.clone()
        })
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            packages: [PackageKind::Os].into(),
            subscriptions: BTreeSet::new(),
            age: AgeRules::default(),
            unsupported: Tolerance::Warn,
            unjudged: Tolerance::Warn,
            end_of_life: Tolerance::Warn,
        }
    }
}

/// Whose packages they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PackageKind {
    /// The distribution's.
    Os,
    /// Those of a programming language.
    Language,
}

impl PackageKind {
    /// Whose packages a manager installs.
    pub fn of(manager: Manager) -> Self {
        match manager {
            Manager::Dpkg | Manager::Apk | Manager::Rpm => Self::Os,
        }
    }
}

/// What becomes of something that is no issue and no proof of there being none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Tolerance {
    /// The image is admitted with a warning.
    #[default]
    Warn,
    /// The image is refused.
    Deny,
}
