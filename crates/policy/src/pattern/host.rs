use std::fmt;

use cise_reference::Host;

use super::error::PatternError;
use super::glob::Glob;
use super::specificity::Specificity;

/// A pattern for the host of a registry, port included: `icr.io`, `*.icr.io`, `localhost:5000`, `registry*.bluemix.net`.
///
/// It is compared with canonical hosts only, so it is brought to the same form: lower case, Docker Hub's other names as
/// `docker.io`, and `:443` dropped. Under a `*` that could stand for a port, `:443` is kept, as dropping it would match more:
/// `registry*:443` is any host that begins with `registry` at port 443, implied or written.
#[derive(Clone, Debug)]
pub struct HostPattern {
    written: Box<str>,
    glob: Glob,
    port: Port,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Port {
    /// The glob covers the port as well.
    InGlob,
    /// The glob covers the name alone, and the port is 443.
    Https,
}

const HTTPS_SUFFIX: &str = ":443";

impl HostPattern {
    /// The longest pattern, in bytes: a host's name has at most 253, its port and colon 6, which leaves some room for `*`.
    const MAX_BYTES: usize = 300;

    /// Parses a host of the distribution grammar in which `*` may stand anywhere.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        if text.len() > Self::MAX_BYTES {
            return Err(PatternError::TooLong {
                bytes: text.len(),
                limit: Self::MAX_BYTES,
            });
        }
        let (glob, port) = if text.contains('*') {
            canonical_wild(text)?
        } else {
            let host =
                Host::parse(text).map_err(|source| PatternError::unmatchable(text, source))?;
            (Glob::new(host.as_str()), Port::InGlob)
        };
        Ok(Self {
            written: text.into(),
            glob,
            port,
        })
    }

    /// Does the whole host fit?
    pub fn matches(&self, host: &Host) -> bool {
        match self.port {
            Port::InGlob => self.glob.matches(host.as_str()),
            Port::Https => match host.port() {
                None => self.glob.matches(host.as_str()),
                Some(443) => self.glob.matches(without_https_port(host.as_str())),
                Some(_) => false,
            },
        }
    }

    /// Does it match every host that `other` matches? Where ports are told apart in another way, only a `*` is said to.
    pub(super) fn covers(&self, other: &Self) -> bool {
        *self == Self::any() || self.port == other.port && self.glob.covers(&other.glob)
    }

    /// Do the registries of anybody fit, be it only those of one port? What makes a host somebody's is how its name ends: in a
    /// name without `*`, or behind the last one in two labels at least.
    pub(super) fn is_anybodys(&self) -> bool {
        let text = self.glob.to_string();
        if text.starts_with('[') {
            return self.glob.has_no_word();
        }
        let name = text.split(':').next().unwrap_or_default();
        let Some((_, end)) = name.rsplit_once('*') else {
            return false;
        };
        end.split('.').filter(|label| !label.is_empty()).count() < 2
    }

    /// The text that was parsed, unchanged.
    pub fn as_written(&self) -> &str {
        &self.written
    }

    /// The one host that fits, where there is no `*`.
    pub(crate) fn literal(&self) -> Option<&str> {
        match &self.glob {
            Glob::Literal(host) => Some(host),
            Glob::Wild { .. } => None,
        }
    }

    /// The text that every host that fits begins with, and the one that it ends with.
    pub(crate) fn literal_ends(&self) -> (&str, &str) {
        let end = match self.port {
            Port::InGlob => self.glob.literal_suffix(),
            Port::Https => "",
        };
        (self.glob.literal_prefix(), end)
    }

    pub(super) fn any() -> Self {
        Self {
            written: "*".into(),
            glob: Glob::new("*"),
            port: Port::InGlob,
        }
    }

    pub(super) fn specificity(&self) -> Specificity {
        let port = match self.port {
            Port::InGlob => "",
            Port::Https => HTTPS_SUFFIX,
        };
        Specificity::of(&self.glob) + Specificity::of(&Glob::new(port))
    }
}

/// Patterns are equal if they match the same hosts, however they are written.
impl PartialEq for HostPattern {
    fn eq(&self, other: &Self) -> bool {
        (&self.glob, self.port) == (&other.glob, other.port)
    }
}

impl Eq for HostPattern {}

/// The canonical form.
impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Port::InGlob => write!(f, "{}", self.glob),
            Port::Https => write!(f, "{}{HTTPS_SUFFIX}", self.glob),
        }
    }
}

fn canonical_wild(text: &str) -> Result<(Glob, Port), PatternError> {
    // A digit may stand wherever a `*` may in a name or a port; in an IPv6 address it may need a colon.
    Host::parse(&text.replace('*', "1"))
        .or_else(|error| Host::parse(&text.replace('*', ":1")).map_err(|_| error))
        .map_err(|source| PatternError::unmatchable(text, source))?;
    let lower = text.to_ascii_lowercase();
    let Some(name) = lower.strip_suffix(HTTPS_SUFFIX) else {
        return Ok((Glob::new(&lower), Port::InGlob));
    };
    let name = Glob::new(name);
    // A host that ends in more than one label, or in an address, never shows the port 443 in its canonical form.
    let port = if name.literal_suffix().contains(['.', ']']) {
        Port::InGlob
    } else {
        Port::Https
    };
    Ok((name, port))
}

fn without_https_port(host: &str) -> &str {
    host.strip_suffix(HTTPS_SUFFIX).unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, host: &str) -> bool {
        HostPattern::parse(pattern)
            .unwrap()
            .matches(&Host::parse(host).unwrap())
    }

    #[test]
    fn a_host_matches_apart_and_whole() {
        for (pattern, fits, differs) in [
            (
                "icr.io",
                &["icr.io", "ICR.io", "icr.io:443"][..],
                &["icr.io:5000", "a.icr.io", "icr.io.evil.com", "noticr.io"][..],
            ),
            (
                "*.icr.io",
                &["us.icr.io", "a.b.icr.io", "us.icr.io:443"],
                &["icr.io", "us.icr.io:5000", "us.icr.io.evil.com"],
            ),
            ("*.ICR.io:443", &["us.icr.io"], &["us.icr.io:5000"]),
            (
                "registry*.bluemix.net",
                &["registry.bluemix.net", "registry.eu-gb.bluemix.net"],
                &["registry.bluemix.net:5000", "xregistry.bluemix.net"],
            ),
            (
                "localhost:5000",
                &["localhost:5000", "LOCALHOST:05000"],
                &["localhost", "localhost:50001"],
            ),
            (
                "localhost:*",
                &["localhost:5000"],
                &["localhost", "localhost.evil.com:80"],
            ),
            (
                "registry*",
                &["registry.a:5000", "registry.a", "registry:443"],
                &["aregistry.b"],
            ),
            (
                "registry*:443",
                &["registry.a", "registry:443", "registry.a:443"],
                &["registry.a:5000", "a.registry"],
            ),
            ("*:443", &["a.b", "registry:443", "[::1]"], &["a.b:5000"]),
            (
                "[::1]:5000",
                &["[::1]:5000", "[0:0::1]:5000"],
                &["[::1]", "[::2]:5000"],
            ),
            (
                "[fd00:*]:5000",
                &["[fd00::1]:5000"],
                &["[fd00::1]", "[fd01::1]:5000"],
            ),
            (
                "index.docker.io",
                &["docker.io", "registry-1.docker.io"],
                &["index.docker.io:5000"],
            ),
            ("*", &["a.b", "a.b:5000", "[::1]", "docker.io"], &[]),
        ] {
            for host in fits {
                assert!(matches(pattern, host), "{pattern} fits {host}");
            }
            for host in differs {
                assert!(!matches(pattern, host), "{pattern} does not fit {host}");
            }
        }
    }

    #[test]
    fn a_host_is_somebodys_by_the_end_of_its_name() {
        for (pattern, expected) in [
            ("*", true),
            ("*.*", true),
            ("*:*", true),
            ("*:5000", true),
            ("*:443", true),
            ("*.io", true),
            ("registry*", true),
            ("registry.*:5000", true),
            ("10.0.*", true),
            ("localhost", false),
            ("localhost:*", false),
            ("icr.io", false),
            ("*.icr.io", false),
            ("*.icr.io:443", false),
            ("registry*.bluemix.net:*", false),
            ("[fd00:*]:5000", false),
        ] {
            let host = HostPattern::parse(pattern).unwrap();
            assert_eq!(host.is_anybodys(), expected, "{pattern}");
        }
    }

    #[test]
    fn a_pattern_that_no_host_can_match_is_refused() {
        for text in [
            "",
            "a_b.c",
            "-*.io",
            "*..io",
            "host:0*0x",
            "a b.c",
            "a.b/c",
            "é*.io",
            "[*",
            "*:",
        ] {
            assert!(HostPattern::parse(text).is_err(), "{text}");
        }
        assert!(HostPattern::parse(&"*".repeat(301)).is_err());
    }
}
