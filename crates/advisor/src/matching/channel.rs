use serde::{Deserialize, Serialize};

use crate::Ecosystem;

/// How the fixes of an advisory come to a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    /// With the distribution.
    Free,
    /// By a subscription to Ubuntu Pro, whose archives are called ESM and FIPS.
    UbuntuPro,
    /// By a subscription to Freexian's extended support (ELTS) of a Debian release that has ended.
    DebianElts,
}

impl Channel {
    /// The channel of an advisory, by its id and the ecosystem of its fix.
    pub fn of(advisory: &str, ecosystem: &Ecosystem) -> Self {
        if ecosystem.as_str().starts_with("Ubuntu:Pro:") {
            Self::UbuntuPro
        } else if advisory.starts_with("ELA-") {
            Self::DebianElts
        } else {
            Self::Free
        }
    }

    /// Whether an installed version came by this channel, so that its next fix can be had too.
    ///
    /// ELTS goes on with the numbers of the release's last free version: nothing tells the two apart, and only the
    /// configuration can say that it is subscribed.
    pub fn provided(self, installed: &str) -> bool {
        match self {
            Self::Free => true,
            Self::UbuntuPro => ["esm", "fips"].iter().any(|mark| has_mark(installed, mark)),
            Self::DebianElts => false,
        }
    }
}

/// Whether a version has a part `+esm1`, `~esm2`, `+Fips1`, `.fips.2`: the mark and a number, after what is no letter.
fn has_mark(version: &str, mark: &str) -> bool {
    let lower = version.to_ascii_lowercase();
    lower.match_indices(mark).any(|(position, _)| {
        let (before, rest) = lower.split_at(position);
        let number = rest.get(mark.len()..).unwrap_or_default();
        !before.ends_with(|character: char| character.is_alphanumeric())
            && number.starts_with(|character: char| character.is_ascii_digit() || character == '.')
    })
}
