use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use crate::digest::Digest;
use crate::error::{Excerpt, ReferenceError};
use crate::length;
use crate::repository::{Repository, refuse_bare_identifier};
use crate::tag::Tag;

/// A reference to an image, as in `nginx`, `registry.example.com:5000/team/app:1.2` or `app@sha256:…`.
///
/// It keeps the text as it was written, which is what people are shown; comparing, ordering and hashing go by the canonical
/// form, so that two spellings of one image are equal.
#[derive(Clone, Debug)]
pub struct Reference {
    text: Box<str>,
    repository: Repository,
    tag: Option<Tag>,
    digest: Option<Digest>,
}

/// The canonical form of a [`Reference`], for display: `docker.io/library/nginx:latest`.
#[derive(Clone, Copy, Debug)]
pub struct Canonical<'a>(&'a Reference);

impl Reference {
    /// Parses `[host[:port]/]repository[:tag][@digest]` as the distribution project's `ParseNormalizedNamed` does, which is
    /// what kubelets and container runtimes use.
    ///
    /// It is stricter where the text could not be pulled, or not by everyone from the same place: a port is from 1 to 65535,
    /// an IPv6 address valid, a host's name at most 253 bytes and without `_`, and a digest of SHA-256 or SHA-512. It folds
    /// more: see [`Host`](crate::Host).
    /// Neither tag nor digest means the tag `latest`, as in Kubernetes.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        check_text(text)?;
        let (tagged_name, digest) = split_digest(text);
        let (name, tag) = split_tag(tagged_name);
        let repository = Repository::from_name(name)?;
        let tag = tag.map(Tag::parse).transpose()?;
        let digest = digest.map(Digest::parse).transpose()?;
        let implied = digest.is_none().then_some(Tag::LATEST);
        Ok(Self {
            text: text.into(),
            repository,
            tag: tag.or(implied),
            digest,
        })
    }

    /// The text that was parsed, unchanged.
    pub fn as_written(&self) -> &str {
        &self.text
    }

    /// The repository, in canonical form.
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// The tag as written or implied; `None` only where there is a digest and no tag.
    pub fn tag(&self) -> Option<&Tag> {
        self.tag.as_ref()
    }

    /// The digest, where one is written.
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// The canonical form: host and path complete, the tag spelled out, the digest behind it.
    pub fn canonical(&self) -> Canonical<'_> {
        Canonical(self)
    }

    /// The reference as written, pinned to `digest` in place of any digest it has.
    ///
    /// An implied tag is spelled out, so that people still see what was meant: `nginx` becomes `nginx:latest@sha256:…`.
    /// A reference with a digest alone gets no tag.
    pub fn pinned_to(&self, digest: &Digest) -> String {
        let (tagged_name, _) = split_digest(&self.text);
        match (split_tag(tagged_name), &self.tag) {
            ((name, None), Some(implied)) => format!("{name}:{implied}@{digest}"),
            _ => format!("{tagged_name}@{digest}"),
        }
    }

    fn canonical_parts(&self) -> (&Repository, Option<&Tag>, Option<&Digest>) {
        (&self.repository, self.tag(), self.digest())
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl TryFrom<&str> for Reference {
    type Error = ReferenceError;

    fn try_from(text: &str) -> Result<Self, Self::Error> {
        Self::parse(text)
    }
}

impl PartialEq for Reference {
    fn eq(&self, other: &Self) -> bool {
        self.canonical_parts() == other.canonical_parts()
    }
}

impl Eq for Reference {}

impl PartialOrd for Reference {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Reference {
    fn cmp(&self, other: &Self) -> Ordering {
        self.canonical_parts().cmp(&other.canonical_parts())
    }
}

impl Hash for Reference {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.canonical_parts().hash(state);
    }
}

impl fmt::Display for Canonical<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (repository, tag, digest) = self.0.canonical_parts();
        write!(f, "{repository}")?;
        if let Some(tag) = tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

fn check_text(text: &str) -> Result<(), ReferenceError> {
    if text.is_empty() {
        return Err(ReferenceError::Empty);
    }
    if text.len() > length::REFERENCE {
        return Err(ReferenceError::TooLong {
            text: Excerpt::of(text),
            length: text.len(),
        });
    }
    if let Some((position, character)) = text
        .char_indices()
        .find(|(_, character)| !character.is_ascii_graphic())
    {
        return Err(ReferenceError::Character {
            text: Excerpt::of(text),
            character,
            position,
        });
    }
    refuse_bare_identifier(text)
}

/// Neither name nor tag has an `@`.
fn split_digest(text: &str) -> (&str, Option<&str>) {
    match text.split_once('@') {
        Some((tagged_name, digest)) => (tagged_name, Some(digest)),
        None => (text, None),
    }
}

/// The colon of a tag stands behind the last slash; one before it belongs to a port.
fn split_tag(tagged_name: &str) -> (&str, Option<&str>) {
    let last_element = tagged_name.rfind('/').map_or(0, |slash| slash + 1);
    let colon = tagged_name
        .get(last_element..)
        .and_then(|element| element.find(':'));
    match colon.and_then(|colon| tagged_name.split_at_checked(last_element + colon)) {
        Some((name, tag)) => (name, tag.strip_prefix(':')),
        None => (tagged_name, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "6c3c624b58dbbcd3c0dd82b4c53f04194d1247c6eebdaab7c610cf7d66709b3b";

    fn canonical(text: &str) -> String {
        Reference::parse(text).unwrap().canonical().to_string()
    }

    #[test]
    fn all_spellings_of_one_image_are_one_image() {
        let spellings = [
            "nginx",
            "nginx:latest",
            "library/nginx",
            "docker.io/nginx",
            "docker.io/library/nginx:latest",
            "index.docker.io/library/nginx",
            "registry-1.docker.io/nginx",
            "DOCKER.io:443/library/nginx",
        ];
        for text in spellings {
            assert_eq!(canonical(text), "docker.io/library/nginx:latest", "{text}");
            assert_eq!(Reference::parse(text), Reference::parse("nginx"), "{text}");
        }
    }

    #[test]
    fn look_alikes_are_other_images() {
        for text in [
            "evil.com/docker.io/library/nginx",
            "notdocker.io/library/nginx",
            "docker.io:80/library/nginx",
            "nginx:Latest",
            "Library/nginx",
            &format!("nginx@sha256:{HEX}"),
            &format!("nginx:latest@sha256:{HEX}"),
        ] {
            assert_ne!(
                Reference::parse(text).unwrap(),
                Reference::parse("nginx").unwrap(),
                "{text}"
            );
        }
    }

    #[test]
    fn the_canonical_form_has_every_part() {
        let sha512 = "ab".repeat(64);
        for (text, expected) in [
            ("host:5000/a", "host:5000/a:latest".to_owned()),
            ("HOST.io:443/a/b:T", "host.io/a/b:T".to_owned()),
            ("[0::1]:5000/a", "[::1]:5000/a:latest".to_owned()),
            ("FOO/bar", "foo:443/bar:latest".to_owned()),
            (
                &format!("a@sha256:{HEX}"),
                format!("docker.io/library/a@sha256:{HEX}"),
            ),
            (
                &format!("a:t@sha512:{sha512}"),
                format!("docker.io/library/a:t@sha512:{sha512}"),
            ),
        ] {
            assert_eq!(canonical(text), expected, "{text}");
        }
    }

    #[test]
    fn latest_is_implied_only_where_there_is_neither_tag_nor_digest() {
        for (text, tag) in [
            ("a", Some(Tag::LATEST)),
            ("h.io:5000/a", Some(Tag::LATEST)),
            ("a:b", Tag::parse("b").ok()),
            (&format!("a@sha256:{HEX}"), None),
        ] {
            assert_eq!(
                Reference::parse(text).unwrap().tag(),
                tag.as_ref(),
                "{text}"
            );
        }
    }

    #[test]
    fn pinning_keeps_the_reference_as_written_and_spells_out_its_tag() {
        let digest = Digest::sha256([7; 32]);
        for (text, pinned) in [
            ("nginx", "nginx:latest"),
            ("nginx:1", "nginx:1"),
            ("LOCALHOST:0443/a", "LOCALHOST:0443/a:latest"),
            ("latest", "latest:latest"),
            (&format!("nginx@sha256:{HEX}"), "nginx"),
            (&format!("nginx:1@sha256:{HEX}"), "nginx:1"),
            (&format!("nginx:1@{digest}"), "nginx:1"),
        ] {
            let result = Reference::parse(text).unwrap().pinned_to(&digest);
            assert_eq!(result, format!("{pinned}@{digest}"), "{text}");
            assert_eq!(
                Reference::parse(&result).unwrap().digest(),
                Some(&digest),
                "{text}"
            );
        }
    }

    #[test]
    fn the_reason_of_a_refusal_names_what_was_expected() {
        for (text, message) in [
            (
                "",
                "the image reference is empty: expected `[host[:port]/]repository[:tag][@digest]`",
            ),
            (
                " nginx",
                "the character ` ` at byte 0 of the image reference ` nginx` is not allowed: expected printable ASCII \
                 without blanks",
            ),
            (
                "nginx\n",
                r"the character `\n` at byte 5 of the image reference `nginx\n` is not allowed: expected printable ASCII without blanks",
            ),
            (
                "ngінx",
                r"the character `\u{456}` at byte 2 of the image reference `ng\u{456}\u{43d}x` is not allowed: expected printable ASCII without blanks",
            ),
            (
                "Nginx",
                "the repository `Nginx` has upper-case letters: expected lower case",
            ),
            (
                "nginx:",
                "the tag `` is malformed: expected 1 to 128 letters, digits, `_`, `.` and `-`, starting with none of the last two",
            ),
            (
                "h.io//a",
                "`` in the repository `/a` is malformed: expected lower-case letters and digits, with one `.`, one or two `_`, or \
                 any number of `-` between them",
            ),
            (
                "h:99999/a",
                "the port `99999` of the host `h` is malformed: expected a number from 1 to 65535",
            ),
            (
                "a@sha256:12",
                "the digest `sha256:12` is malformed: expected exactly 64 lower-case hexadecimal digits after its algorithm",
            ),
            (
                "a@md5:d41d8cd98f00b204e9800998ecf8427e",
                "the digest `md5:d41d8cd98f00b204e9800998ecf8427e` has no known algorithm: expected `sha256:` or `sha512:` and \
                 hexadecimal digits",
            ),
            (
                HEX,
                "`6c3c624b58dbbcd3c0dd82b4c53f04194d1247c6eebdaab7c610cf7d66709b3b` is 64 hexadecimal digits, which reads as an \
                 image ID: expected a repository name, as in `repository@sha256:…`",
            ),
        ] {
            assert_eq!(
                Reference::parse(text).unwrap_err().to_string(),
                message,
                "{text:?}"
            );
        }
    }

    #[test]
    fn the_longest_reference_is_accepted_and_a_longer_one_is_refused() {
        let longest = format!(
            "{}.io:65535/{}:{}@sha512:{}",
            "h".repeat(250),
            "p".repeat(255),
            "t".repeat(128),
            "0".repeat(128)
        );
        assert_eq!(longest.len(), length::REFERENCE);
        assert!(Reference::parse(&longest).is_ok());

        let refused = Reference::parse(&"a".repeat(length::REFERENCE + 1)).unwrap_err();
        assert!(matches!(refused, ReferenceError::TooLong { .. }));
        assert!(refused.to_string().len() < 200);
    }

    #[test]
    fn an_image_id_may_be_a_name_where_a_tag_or_a_host_shows_that_it_is_one() {
        for text in [
            format!("{HEX}:1"),
            format!("library/{HEX}"),
            format!("{HEX}@sha256:{HEX}"),
        ] {
            assert!(Reference::parse(&text).is_ok(), "{text}");
        }
    }
}
