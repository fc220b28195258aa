//! How severe a vulnerability is.

mod cvss;

use std::fmt;

use serde::{Deserialize, Serialize};

/// A severity, of whichever scale it was told in, from the least to the worst.
///
/// One that is not known is above all, as a threshold must not let pass what nobody rated.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It has practically no effect.
    Negligible,
    /// CVSS 0.1 to 3.9.
    Low,
    /// CVSS 4.0 to 6.9.
    Medium,
    /// CVSS 7.0 to 8.9.
    High,
    /// CVSS 9.0 and above.
    Critical,
    /// Nobody says, or in a scale that is not read.
    #[default]
    Unknown,
}

impl Severity {
    /// Reads a CVSS vector of version 2, 3.0, 3.1 or 4.0, or a distribution's word.
    pub fn parse(text: &str) -> Self {
        cvss::base_score(text).map_or_else(|| Self::of_word(text), Self::of_score)
    }

    /// The severity of a word, as Debian, Ubuntu, Red Hat, SUSE or GitHub uses it.
    fn of_word(word: &str) -> Self {
        match word.trim().to_ascii_lowercase().as_str() {
            "negligible" | "unimportant" | "none" => Self::Negligible,
            "low" | "minor" => Self::Low,
            "medium" | "moderate" => Self::Medium,
            "high" | "important" => Self::High,
            "critical" => Self::Critical,
            _ => Self::Unknown,
        }
    }

    /// The rating of a base score in tenths, as CVSS 3 defines it.
    fn of_score(tenths: u32) -> Self {
        match tenths {
            0 => Self::Negligible,
            1..40 => Self::Low,
            40..70 => Self::Medium,
            70..90 => Self::High,
            _ => Self::Critical,
        }
    }

    /// Is it known?
    pub fn is_known(self) -> bool {
        self != Self::Unknown
    }

    /// The worse of two; what is known says more than what is not.
    #[must_use]
    pub fn or_worse(self, other: Self) -> Self {
        match (self.is_known(), other.is_known()) {
            (true, false) => self,
            (false, true) => other,
            _ => self.max(other),
        }
    }

    /// Its place in a list for people: what nobody rated comes between high and medium.
    pub(crate) fn urgency(self) -> u8 {
        match self {
            Self::Negligible => 0,
            Self::Low => 1,
            Self::Medium => 2,
            Self::Unknown => 3,
            Self::High => 4,
            Self::Critical => 5,
        }
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Negligible => "negligible",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_is_rated_by_its_base_score_and_a_word_by_its_meaning() {
        for (text, severity) in [
            (
                "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
                Severity::Critical,
            ),
            (
                "CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:N/I:N/A:L",
                Severity::Low,
            ),
            (
                "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N",
                Severity::Negligible,
            ),
            (
                "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N",
                Severity::Critical,
            ),
            ("AV:N/AC:L/Au:N/C:P/I:P/A:P", Severity::High),
            ("medium", Severity::Medium),
            ("Moderate", Severity::Medium),
            ("important", Severity::High),
            ("not yet assigned", Severity::Unknown),
            ("", Severity::Unknown),
        ] {
            assert_eq!(Severity::parse(text), severity, "{text}");
        }
    }

    #[test]
    fn an_unknown_severity_meets_every_threshold_and_yields_to_a_known_one() {
        assert!(Severity::Unknown > Severity::Critical);
        assert_eq!(Severity::Unknown.or_worse(Severity::Low), Severity::Low);
        assert_eq!(Severity::High.or_worse(Severity::Low), Severity::High);
        assert_eq!(
            Severity::default().or_worse(Severity::Unknown),
            Severity::Unknown
        );
    }
}
