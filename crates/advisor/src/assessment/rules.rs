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

/// A kind of packages that no detector reads: a rule that counts them would be kept by every image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "packages of programming languages are not read yet, so that `language` would demand nothing: expected `os`"
)]
pub struct Unread;

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
        let packages = amendment.packages.map(PackageKind::counted).transpose();
        Ok(Self {
            packages: packages
                .map_err(|error| RulesError(error.to_string()))?
                .unwrap_or_else(|| self.packages.clone()),
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
    /// These kinds, if packages of all of them are read.
    pub fn counted(kinds: impl IntoIterator<Item = Self>) -> Result<BTreeSet<Self>, Unread> {
        let is_read = |kind| match kind {
            Self::Os => Ok(kind),
            Self::Language => Err(Unread),
        };
        kinds.into_iter().map(is_read).collect()
    }

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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn packages_that_nothing_reads_cannot_be_made_to_count() {
        let unread = "`vulnerability`: packages of programming languages are not read yet, so that `language` would demand nothing: \
                      expected `os`";
        for (packages, expected) in [
            (json!(["os"]), Ok([PackageKind::Os].into())),
            (json!(["os", "language"]), Err(unread.to_owned())),
            (json!(["language"]), Err(unread.to_owned())),
        ] {
            let amended = Rules::default().amended(&json!({ "packages": packages }));
            let counted = amended
                .map(|rules| rules.packages)
                .map_err(|error| error.to_string());
            assert_eq!(counted, expected, "{packages}");
        }
    }
}
