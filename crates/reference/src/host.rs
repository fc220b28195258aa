use std::borrow::Cow;
use std::fmt;
use std::net::Ipv6Addr;

use crate::error::{Excerpt, ReferenceError};
use crate::length;

/// A registry's host and port in canonical form: two hosts are equal if a container runtime connects to the same place for both.
///
/// - Letters are in lower case.
/// - `index.docker.io` and `registry-1.docker.io` are `docker.io`.
/// - An IPv6 address is in the form of RFC 5952, in brackets; an IPv4-mapped one is the IPv4 address.
/// - A port has no leading zeros, and 443, the port of HTTPS, is left out. Only where a reference would no longer show that
///   its first element is a host (a single name such as `registry`) is it spelled out: `FOO/bar` is `foo:443/bar`, since
///   `foo/bar` is a repository on Docker Hub.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Host {
    text: Cow<'static, str>,
    port: Option<u16>,
}

impl Host {
    /// Docker Hub, the registry of every reference that names no host.
    pub const DOCKER_HUB: Self = Self {
        text: Cow::Borrowed("docker.io"),
        port: None,
    };

    /// Parses `host` or `host:port` (distribution grammar, `domain`; the port within 1 to 65535 and the IPv6 address valid).
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        let (written_name, written_port) = split_port(text);
        let name = canonical_name(written_name)?;
        let port = match written_port {
            Some(port) => Some(parse_port(written_name, port)?).filter(|port| *port != HTTPS_PORT),
            None => None,
        };
        Ok(Self::from_canonical(name, port))
    }

    /// The host, and its port after a colon unless that is left out.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The domain name or address alone, without port and brackets.
    pub fn name(&self) -> &str {
        let (name, _) = split_port(&self.text);
        name.trim_matches(['[', ']'])
    }

    /// The port, where it is part of the canonical form; `None` is HTTPS's 443.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// Is this Docker Hub, under whichever of its names?
    pub fn is_docker_hub(&self) -> bool {
        *self == Self::DOCKER_HUB
    }

    fn from_canonical(name: String, port: Option<u16>) -> Self {
        match port.or_else(|| (!shows_a_host(&name)).then_some(HTTPS_PORT)) {
            Some(port) => Self {
                text: format!("{name}:{port}").into(),
                port: Some(port),
            },
            None if DOCKER_HUB_NAMES.contains(&name.as_str()) => Self::DOCKER_HUB,
            None => Self {
                text: name.into(),
                port: None,
            },
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Does the first element of a reference with a slash name a host, rather than the start of a repository on Docker Hub?
///
/// The rule is the one of the distribution project: `localhost`, or anything with a dot, a colon or an upper-case letter.
pub(crate) fn shows_a_host(first_element: &str) -> bool {
    first_element == "localhost"
        || first_element
            .bytes()
            .any(|byte| matches!(byte, b'.' | b':') || byte.is_ascii_uppercase())
}

const HTTPS_PORT: u16 = 443;

/// Docker Hub's canonical name, its legacy name, and the name that runtimes connect to.
const DOCKER_HUB_NAMES: [&str; 3] = ["docker.io", "index.docker.io", "registry-1.docker.io"];

/// Splits at the colon of the port; the colons of an IPv6 address stand in brackets.
fn split_port(text: &str) -> (&str, Option<&str>) {
    let address_end = if text.starts_with('[') {
        text.find(']').unwrap_or(text.len())
    } else {
        0
    };
    let colon = text
        .get(address_end..)
        .and_then(|rest| rest.find(':'))
        .map(|position| address_end + position);
    match colon.and_then(|colon| text.split_at_checked(colon)) {
        Some((name, port)) => (name, port.strip_prefix(':')),
        None => (text, None),
    }
}

/// Leading zeros are allowed: the connection goes to the number, and so does every runtime's.
fn parse_port(host: &str, port: &str) -> Result<u16, ReferenceError> {
    let number = if port.bytes().all(|byte| byte.is_ascii_digit()) {
        port.parse().unwrap_or(0)
    } else {
        0
    };
    if number == 0 {
        return Err(ReferenceError::Port {
            host: Excerpt::of(host),
            port: Excerpt::of(port),
        });
    }
    Ok(number)
}

fn canonical_name(name: &str) -> Result<String, ReferenceError> {
    if name.starts_with('[') {
        return canonical_ipv6(name).ok_or_else(|| ReferenceError::Ipv6 {
            host: Excerpt::of(name),
        });
    }
    if name.len() > length::HOST_NAME || !name.split('.').all(is_domain_component) {
        return Err(ReferenceError::Host {
            host: Excerpt::of(name),
        });
    }
    Ok(name.to_ascii_lowercase())
}

fn canonical_ipv6(name: &str) -> Option<String> {
    let address = name.strip_prefix('[')?.strip_suffix(']')?;
    // The grammar excludes the dotted form of the last 32 bits.
    let address: Ipv6Addr = if address.contains('.') {
        None
    } else {
        address.parse().ok()
    }?;
    Some(match address.to_ipv4_mapped() {
        Some(mapped) => mapped.to_string(),
        None => format!("[{address}]"),
    })
}

fn is_domain_component(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.ends_with(|last: char| last.is_ascii_alphanumeric())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_place_have_one_canonical_form() {
        for (text, canonical) in [
            ("example.com", "example.com"),
            ("EXAMPLE.com", "example.com"),
            ("example.com:443", "example.com"),
            ("example.com:00443", "example.com"),
            ("example.com:05000", "example.com:5000"),
            ("example.com:80", "example.com:80"),
            ("docker.io", "docker.io"),
            ("Docker.IO:443", "docker.io"),
            ("index.docker.io", "docker.io"),
            ("registry-1.docker.io:443", "docker.io"),
            ("docker.io:80", "docker.io:80"),
            ("index.docker.io:5000", "index.docker.io:5000"),
            ("localhost", "localhost"),
            ("LOCALHOST:5000", "localhost:5000"),
            ("127.0.0.1:443", "127.0.0.1"),
            ("[::1]", "[::1]"),
            ("[::1]:443", "[::1]"),
            ("[0:0:0:0:0:0:0:1]:5000", "[::1]:5000"),
            ("[2001:DB8::0:1]", "[2001:db8::1]"),
            ("[::FFFF:7F00:1]:5000", "127.0.0.1:5000"),
            ("[::7f00:1]", "[::7f00:1]"),
        ] {
            assert_eq!(
                Host::parse(text).map(|host| host.to_string()),
                Ok(canonical.to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn a_single_name_keeps_the_port_that_shows_it_is_a_host() {
        for text in ["FOO", "foo", "foo:443", "Foo:0443"] {
            let host = Host::parse(text).unwrap();
            assert_eq!(
                (host.as_str(), host.name(), host.port()),
                ("foo:443", "foo", Some(443)),
                "{text}"
            );
        }
    }

    #[test]
    fn name_and_port_come_apart() {
        for (text, name, port) in [
            ("example.com", "example.com", None),
            ("example.com:5000", "example.com", Some(5000)),
            ("[::1]", "::1", None),
            ("[::1]:5000", "::1", Some(5000)),
            ("docker.io", "docker.io", None),
        ] {
            let host = Host::parse(text).unwrap();
            assert_eq!((host.name(), host.port()), (name, port), "{text}");
        }
    }

    #[test]
    fn only_docker_hub_is_docker_hub() {
        for (text, expected) in [
            ("docker.io", true),
            ("INDEX.docker.io:443", true),
            ("registry-1.docker.io", true),
            ("docker.io:5000", false),
            ("notdocker.io", false),
            ("docker.io.example.com", false),
            ("registry.docker.io", false),
        ] {
            assert_eq!(
                Host::parse(text).unwrap().is_docker_hub(),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn a_malformed_name_is_refused() {
        let long = format!("{}.com", "a".repeat(250));
        for text in [
            "", ".", "a.", ".a", "a..b", "-a.b", "a-.b", "a_b.c", "a b", "é.com", "*.io", "a%2eb",
            "a/b", &long,
        ] {
            assert_eq!(
                Host::parse(text),
                Err(ReferenceError::Host {
                    host: Excerpt::of(text)
                }),
                "{text}"
            );
        }
        assert!(Host::parse(&format!("{}.com", "a".repeat(249))).is_ok());
    }

    #[test]
    fn a_malformed_ipv6_address_is_refused() {
        for text in [
            "[]",
            "[",
            "[::1",
            "[:]",
            "[::::]",
            "[::1]x",
            "[fe80::1%eth0]",
            "[::ffff:127.0.0.1]",
            "[1:2:3:4:5:6:7:8:9]",
        ] {
            assert_eq!(
                Host::parse(text),
                Err(ReferenceError::Ipv6 {
                    host: Excerpt::of(text)
                }),
                "{text}"
            );
        }
    }

    #[test]
    fn a_port_that_nothing_can_listen_on_is_refused() {
        for port in [
            "",
            "0",
            "000",
            "65536",
            "99999999999999999999",
            "+1",
            "-1",
            "1a",
            "80:80",
        ] {
            let expected = ReferenceError::Port {
                host: Excerpt::of("a.b"),
                port: Excerpt::of(port),
            };
            assert_eq!(Host::parse(&format!("a.b:{port}")), Err(expected), "{port}");
        }
    }
}
