use std::fmt;

use crate::length;

/// Why a text is no image reference, or no part of one.
///
/// Every message shows the offending text, shortened and escaped, and says what was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReferenceError {
    /// A name without host is 64 hexadecimal digits, which container tools read as an image ID.
    #[error(
        "`{text}` is 64 hexadecimal digits, which reads as an image ID: expected a repository name, as in `repository@sha256:…`"
    )]
    BareIdentifier {
        /// The whole reference.
        text: Excerpt,
    },
    /// A blank, a control character or a character beyond ASCII.
    #[error("the character `{}` at byte {position} of the image reference `{text}` is not allowed: expected printable ASCII without blanks", .character.escape_default())]
    Character {
        /// The whole reference.
        text: Excerpt,
        /// The first character that is not allowed.
        character: char,
        /// Where it stands, in bytes from the start.
        position: usize,
    },
    /// The digest names an algorithm that the OCI image specification does not register.
    #[error(
        "the digest `{digest}` has no known algorithm: expected `sha256:` or `sha512:` and hexadecimal digits"
    )]
    DigestAlgorithm {
        /// The whole digest.
        digest: Excerpt,
    },
    /// What follows the algorithm has the wrong length or is not in lower-case hexadecimal digits.
    #[error(
        "the digest `{digest}` is malformed: expected exactly {expected} lower-case hexadecimal digits after its algorithm"
    )]
    DigestEncoding {
        /// The whole digest.
        digest: Excerpt,
        /// How many digits its algorithm has.
        expected: usize,
    },
    /// There is nothing to parse.
    #[error("the image reference is empty: expected `[host[:port]/]repository[:tag][@digest]`")]
    Empty,
    /// The host is no domain name and no IPv4 address.
    #[error(
        "the host `{host}` is malformed: expected at most 253 bytes of names joined by `.`, each of letters, digits and inner `-`, or an IPv6 address in brackets"
    )]
    Host {
        /// The host without its port.
        host: Excerpt,
    },
    /// What stands in brackets is no IPv6 address.
    #[error(
        "the host `{host}` is malformed: expected an IPv6 address of hexadecimal groups in brackets, without zone"
    )]
    Ipv6 {
        /// The host with its brackets.
        host: Excerpt,
    },
    /// A part of the repository between slashes is empty or malformed.
    #[error(
        "`{component}` in the repository `{repository}` is malformed: expected lower-case letters and digits, with one `.`, one or two `_`, or any number of `-` between them"
    )]
    PathComponent {
        /// The repository as written, without host.
        repository: Excerpt,
        /// The part that is malformed.
        component: Excerpt,
    },
    /// The port is no number that can be connected to.
    #[error(
        "the port `{port}` of the host `{host}` is malformed: expected a number from 1 to 65535"
    )]
    Port {
        /// The host without its port.
        host: Excerpt,
        /// What follows the host's colon.
        port: Excerpt,
    },
    /// The repository's path, with the `library/` that Docker Hub implies, is too long.
    #[error(
        "the repository `{repository}` has {length} bytes: expected at most {}, without the host",
        length::PATH
    )]
    RepositoryTooLong {
        /// The repository as written, without host.
        repository: Excerpt,
        /// Its length in bytes, with an implied `library/`.
        length: usize,
    },
    /// The tag is empty, too long or malformed.
    #[error(
        "the tag `{tag}` is malformed: expected 1 to 128 letters, digits, `_`, `.` and `-`, starting with none of the last two"
    )]
    Tag {
        /// The tag without its colon.
        tag: Excerpt,
    },
    /// The text is longer than the longest reference can be.
    #[error(
        "the image reference `{text}` has {length} bytes: expected at most {}",
        length::REFERENCE
    )]
    TooLong {
        /// The start of the reference.
        text: Excerpt,
        /// Its length in bytes.
        length: usize,
    },
    /// The repository has upper-case letters, which only a host and a tag may have.
    #[error("the repository `{repository}` has upper-case letters: expected lower case")]
    UpperCase {
        /// The repository as written, without host.
        repository: Excerpt,
    },
}

/// The start of an offending text, for people: at most 64 of its characters, everything but printable ASCII escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt(Box<str>);

impl Excerpt {
    const MAX_CHARS: usize = 64;

    pub(crate) fn of(text: &str) -> Self {
        let mut characters = text.chars();
        let mut excerpt: String = characters
            .by_ref()
            .take(Self::MAX_CHARS)
            .flat_map(char::escape_default)
            .collect();
        if characters.next().is_some() {
            excerpt.push('…');
        }
        Self(excerpt.into())
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_short_and_shows_control_characters_escaped() {
        assert_eq!(Excerpt::of("a\u{202e}\nb").to_string(), r"a\u{202e}\nb");
        assert_eq!(Excerpt::of(&"x".repeat(64)).to_string(), "x".repeat(64));
        assert_eq!(
            Excerpt::of(&"x".repeat(65)).to_string(),
            format!("{}…", "x".repeat(64))
        );
    }
}
