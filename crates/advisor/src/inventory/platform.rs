//! Platforms, and which images run on which, by containerd's rules (`github.com/containerd/platforms`: `Normalize`, `Only`).

use std::fmt;
use std::sync::Arc;

use cise_registry as registry;
use serde::{Deserialize, Serialize};

/// A platform in its one normal form, written `linux/arm64` or `linux/arm/v7`. Cloning shares its names, as every finding has
/// its platform.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Platform(Arc<Names>);

#[derive(Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Names {
    os: String,
    architecture: String,
    /// Empty for what its architecture has by default: none for amd64, v8 for arm64.
    variant: String,
}

/// A text is no platform.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a platform, as `linux/amd64` or `linux/arm/v7` is")]
pub struct PlatformError(String);

/// What a child of an index is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// This platform.
    For(Platform),
    /// It does not say.
    Unsaid,
    /// Nothing that runs: `unknown/unknown`, as attestations have it.
    NotRun,
}

impl Platform {
    /// A platform by the names that Go, images and kernels use.
    pub fn new(os: &str, architecture: &str, variant: &str) -> Self {
        let os = os.to_ascii_lowercase();
        let architecture = architecture.to_ascii_lowercase();
        let variant = variant.to_ascii_lowercase();
        let (architecture, variant) = match (architecture.as_str(), variant.as_str()) {
            ("i386", _) => ("386", ""),
            ("x86_64" | "x86-64" | "amd64", "v1") => ("amd64", ""),
            ("x86_64" | "x86-64" | "amd64", variant) => ("amd64", variant),
            ("aarch64" | "arm64", "8" | "v8" | "v8.0") => ("arm64", ""),
            ("aarch64" | "arm64", "9" | "9.0" | "v9.0") => ("arm64", "v9"),
            ("aarch64" | "arm64", variant) => ("arm64", variant),
            ("armhf", _) | ("arm", "" | "7") => ("arm", "v7"),
            ("armel", _) | ("arm", "6") => ("arm", "v6"),
            ("arm", "5") => ("arm", "v5"),
            ("arm", "8") => ("arm", "v8"),
            other => other,
        };
        Self(Arc::new(Names {
            os: if os == "macos" {
                "darwin".to_owned()
            } else {
                os
            },
            architecture: architecture.to_owned(),
            variant: variant.to_owned(),
        }))
    }

    /// That of a node, which says its architecture and no variant.
    ///
    /// containerd finds the variant out from the processor: `v8` on every 64-bit arm, since Linux says no more of one; on a
    /// 32-bit arm any up to `v8`, and therefore that; on amd64 any level, as which one without a level counts.
    pub fn of_node(os: &str, architecture: &str) -> Self {
        let variant = match architecture {
            "arm" => "v8",
            _ => "",
        };
        Self::new(os, architecture, variant)
    }

    /// That of an image that does not say.
    pub fn unknown() -> Self {
        Self::new("unknown", "unknown", "")
    }

    /// The operating system, as Go names it.
    pub fn os(&self) -> &str {
        &self.0.os
    }

    /// The architecture, as Go names it.
    pub fn architecture(&self) -> &str {
        &self.0.architecture
    }

    fn variant(&self) -> &str {
        &self.0.variant
    }

    /// Whether a node of this platform may run an image for `image`: amd64 takes 386, arm64 takes arm, and either takes what
    /// older variants of it take. An amd64 that does not say its level may have any: containerd finds it out from the processor,
    /// and takes the child of an index that is for the highest.
    pub fn runs(&self, image: &Self) -> bool {
        self.0.os == image.0.os
            && match (self.architecture(), image.architecture()) {
                ("amd64", "386") => true,
                ("amd64", "amd64") => self.variant().is_empty() || self.level(1) >= image.level(1),
                ("arm64", "arm64") => self.runs_arm64(image),
                ("arm64", "arm") => (5..=8).contains(&image.level(7)),
                ("arm", "arm") => {
                    (5..=self.level(7)).contains(&image.level(7))
                        || self.variant() == image.variant()
                }
                (own, other) => own == other && self.variant() == image.variant(),
            }
    }

    /// An arm64 of version 8 or 9 takes what is not newer; version 9 has all of 8.5 (9.1 all of 8.6, and so on).
    fn runs_arm64(&self, image: &Self) -> bool {
        match (self.arm64_version(), image.arm64_version()) {
            (Some((9, own)), Some((8, other))) => other <= own + 5,
            (Some((own_major, own)), Some((major, other))) => own_major == major && other <= own,
            _ => self.variant() == image.variant(),
        }
    }

    fn arm64_version(&self) -> Option<(u32, u32)> {
        let version = match self.variant() {
            "" => "8",
            variant => variant.strip_prefix('v')?,
        };
        let (major, minor) = version.split_once('.').unwrap_or((version, "0"));
        Some((major.parse().ok()?, minor.parse().ok()?))
    }

    /// The number of a variant such as `v7`; that number for none, zero for one that has none.
    fn level(&self, default: u32) -> u32 {
        match self.variant() {
            "" => default,
            variant => variant
                .strip_prefix('v')
                .and_then(|number| number.parse().ok())
                .unwrap_or(0),
        }
    }
}

impl Claim {
    /// What a descriptor says.
    pub(super) fn of(platform: Option<&registry::Platform>) -> Self {
        let Some(platform) = platform else {
            return Self::Unsaid;
        };
        match (platform.os.as_str(), platform.architecture.as_str()) {
            ("unknown", "unknown") => Self::NotRun,
            ("", _) | (_, "") => Self::Unsaid,
            (os, architecture) => {
                let variant = platform.variant.as_deref().unwrap_or_default();
                Self::For(Platform::new(os, architecture, variant))
            }
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.0.os, self.0.architecture)?;
        match self.variant() {
            "" => Ok(()),
            variant => write!(f, "/{variant}"),
        }
    }
}

impl std::str::FromStr for Platform {
    type Err = PlatformError;

    fn from_str(text: &str) -> Result<Self, PlatformError> {
        let parts: Vec<_> = text.split('/').collect();
        match parts.as_slice() {
            parts if parts.iter().any(|part| part.is_empty()) => Err(PlatformError(text.into())),
            [os, architecture] => Ok(Self::new(os, architecture, "")),
            [os, architecture, variant] => Ok(Self::new(os, architecture, variant)),
            _ => Err(PlatformError(text.into())),
        }
    }
}

impl TryFrom<String> for Platform {
    type Error = PlatformError;

    fn try_from(text: String) -> Result<Self, PlatformError> {
        text.parse()
    }
}

impl From<Platform> for String {
    fn from(platform: Platform) -> Self {
        platform.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn platform(text: &str) -> Platform {
        text.parse().expect(text)
    }

    #[test]
    fn a_platform_has_one_form() {
        let table = [
            ("linux/x86_64", "linux/amd64"),
            ("linux/amd64/v1", "linux/amd64"),
            ("linux/amd64/v3", "linux/amd64/v3"),
            ("Linux/aarch64", "linux/arm64"),
            ("linux/arm64/v8", "linux/arm64"),
            ("linux/arm", "linux/arm/v7"),
            ("linux/armhf", "linux/arm/v7"),
            ("linux/armel", "linux/arm/v6"),
            ("linux/arm/6", "linux/arm/v6"),
            ("linux/i386", "linux/386"),
            ("linux/s390x", "linux/s390x"),
            ("macos/arm64", "darwin/arm64"),
        ];
        for (text, form) in table {
            assert_eq!(platform(text).to_string(), form, "{text}");
        }
        for text in [
            "",
            "linux",
            "linux/",
            "/amd64",
            "linux/arm/v7/x",
            "linux//v7",
        ] {
            assert!(text.parse::<Platform>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_node_runs_what_containerd_would_run_on_it() {
        let table = [
            ("linux/amd64", "linux/amd64", true),
            ("linux/amd64", "linux/386", true),
            ("linux/amd64", "linux/amd64/v2", true),
            ("linux/amd64", "linux/amd64/v4", true),
            ("linux/amd64/v3", "linux/amd64/v2", true),
            ("linux/amd64/v3", "linux/amd64", true),
            ("linux/amd64/v3", "linux/386", true),
            ("linux/amd64/v3", "linux/amd64/v4", false),
            ("linux/amd64", "linux/arm64", false),
            ("linux/amd64", "windows/amd64", false),
            ("linux/386", "linux/amd64", false),
            ("linux/arm64", "linux/arm64/v8", true),
            ("linux/arm64", "linux/arm/v7", true),
            ("linux/arm64", "linux/arm/v8", true),
            ("linux/arm64", "linux/arm/v5", true),
            ("linux/arm64", "linux/arm", true),
            ("linux/arm64", "linux/arm64/v8.1", false),
            ("linux/arm64", "linux/arm64/v9", false),
            ("linux/arm64/v9", "linux/arm64", true),
            ("linux/arm64/v9", "linux/arm64/v8.5", true),
            ("linux/arm64/v9", "linux/arm64/v8.6", false),
            ("linux/arm64/v9.1", "linux/arm64/v8.6", true),
            ("linux/arm64/v8.2", "linux/arm64/v8.1", true),
            ("linux/arm64/v8.2", "linux/arm/v7", true),
            ("linux/arm/v8", "linux/arm/v7", true),
            ("linux/arm/v8", "linux/arm64", false),
            ("linux/arm/v7", "linux/arm/v8", false),
            ("linux/arm/v7", "linux/arm/v6", true),
            ("linux/arm/v6", "linux/arm/v7", false),
            ("linux/arm", "linux/arm64", false),
            ("linux/s390x", "linux/s390x", true),
            ("linux/ppc64le", "linux/ppc64", false),
        ];
        for (node, image, expected) in table {
            assert_eq!(
                platform(node).runs(&platform(image)),
                expected,
                "{image} on {node}"
            );
        }
    }
    #[test]
    fn a_node_that_says_its_architecture_alone_runs_whatever_its_processor_may() {
        let table: [(&str, &[&str], &[&str]); 5] = [
            (
                "amd64",
                &["amd64", "amd64/v2", "amd64/v3", "amd64/v4", "386"],
                &["arm64", "arm"],
            ),
            (
                "arm64",
                &["arm64", "arm64/v8", "arm/v8", "arm/v7", "arm/v6", "arm/v5"],
                &["arm64/v9", "amd64"],
            ),
            (
                "arm",
                &["arm", "arm/v8", "arm/v7", "arm/v6", "arm/v5"],
                &["arm64", "arm/v9"],
            ),
            ("386", &["386"], &["amd64"]),
            ("ppc64le", &["ppc64le"], &["ppc64"]),
        ];
        for (node, run, not_run) in table {
            let own = Platform::of_node("linux", node);
            for (images, expected) in [(run, true), (not_run, false)] {
                for image in images {
                    let image = platform(&format!("linux/{image}"));
                    assert_eq!(own.runs(&image), expected, "{image} on {node}");
                }
            }
        }
    }
}
