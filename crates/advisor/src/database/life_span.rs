//! Until when the releases of distributions get fixes.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::Release;

/// A release of a distribution, and until when fixes of it are published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LifeSpan {
    /// `ID` of its `os-release`.
    pub distribution: Box<str>,
    /// `VERSION_ID` of its `os-release`, or the first parts of it: 3.20 is the release of 3.20.1 as well.
    pub release: Box<str>,
    /// The last day for everybody. Nothing if that is not settled yet.
    pub ends: Option<Date>,
    /// The last day for those who subscribe to the distribution's paid channel, where it is known.
    pub extended: Option<Date>,
}

impl LifeSpan {
    /// That of an image's release, by the most parts of its version.
    pub fn of<'a>(spans: &'a [Self], release: &Release) -> Option<&'a Self> {
        spans
            .iter()
            .filter(|span| span.is_of(release))
            .max_by_key(|span| span.release.len())
    }

    fn is_of(&self, release: &Release) -> bool {
        let rest = release.version.strip_prefix(&*self.release);
        self.distribution == release.id
            && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_found_by_the_most_parts_of_its_version() {
        let span = |distribution: &str, release: &str| LifeSpan {
            distribution: distribution.into(),
            release: release.into(),
            ends: None,
            extended: None,
        };
        let spans = [
            span("alpine", "3.2"),
            span("alpine", "3.20"),
            span("rhel", "9"),
            span("rhel", "9.4"),
        ];
        for (id, version, found) in [
            ("alpine", "3.20.1", Some("3.20")),
            ("alpine", "3.2.3", Some("3.2")),
            ("alpine", "3.21.0", None),
            ("rhel", "9.4", Some("9.4")),
            ("rhel", "9.3", Some("9")),
            ("rhel", "", None),
            ("rocky", "9.4", None),
        ] {
            let release = Release {
                id: id.into(),
                version: version.into(),
                ..Release::default()
            };
            let span = LifeSpan::of(&spans, &release);
            assert_eq!(span.map(|span| &*span.release), found, "{id} {version}");
        }
    }
}
