mod error;
mod glob;
mod host;
mod specificity;

use std::fmt;
use std::str::FromStr;

use cise_reference::{Digest, Host, Reference, Repository, Tag};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

pub use error::PatternError;
use glob::Glob;
pub use host::HostPattern;
pub use specificity::Specificity;

/// The name of a repository entry: which images the entry speaks of.
///
/// A pattern is a host, a path, a tag and a digest, `[host/]path[:tag][@digest]`, and each matches the same part of an image's
/// canonical reference, apart and whole. `*` stands for any run of characters; only in the path does that include `/`.
///
/// | written | means |
/// |---|---|
/// | `*` | every image |
/// | `nginx*`, `team/app` | Docker Hub: a pattern without `/`, or whose first part has no `.`, `:`, `*` or upper-case letter and is not `localhost` |
/// | `docker.io/nginx`, `index.docker.io/nginx*` | as in references, one name on Docker Hub is in `library/`; a path that begins with `*` covers that already: `docker.io/*` is all of Docker Hub |
/// | no tag and no digest, or the tag `*` | every tag and every digest |
/// | a tag | that tag; never a reference that has a digest alone |
/// | a digest | that digest, whatever the tag |
#[derive(Clone, Debug)]
pub struct Pattern {
    written: Box<str>,
    host: HostPattern,
    path: Glob,
    tag: Option<Glob>,
    digest: Option<Glob>,
}

/// Does an image match a pattern?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatternMatch {
    /// It does not.
    No,
    /// It does.
    Yes,
    /// It does, if the registry's tag stands for the reference's digest: the pattern names a tag, the reference both, and what
    /// runs is the digest. Whoever wrote the reference may have put any tag beside it.
    YesIfTagBound,
}

impl Pattern {
    /// The longest pattern, in bytes: about the longest reference, and some room for `*`.
    pub const MAX_BYTES: usize = 1024;

    /// Parses a pattern; refuses one that no image can match.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        if text.is_empty() {
            return Err(PatternError::Empty);
        }
        if text.len() > Self::MAX_BYTES {
            return Err(PatternError::TooLong {
                bytes: text.len(),
                limit: Self::MAX_BYTES,
            });
        }
        if text == "*" {
            return Ok(Self::every_image());
        }
        let (tagged_name, digest) = split_digest(text);
        let (name, tag) = split_tag(tagged_name);
        let (host, path) = parse_name(name)?;
        let digest = digest.map(parse_digest).transpose()?;
        let tag = tag.map(parse_tag).transpose()?;
        let digest_decides = digest.as_ref().is_some_and(Glob::is_literal);
        Ok(Self {
            written: text.into(),
            host,
            path,
            tag: tag.filter(|tag| !tag.is_any() && !digest_decides),
            digest,
        })
    }

    /// Does `reference` match?
    pub fn matches(&self, reference: &Reference) -> PatternMatch {
        let repository = reference.repository();
        if self.host.matches(repository.host())
            && self.path.matches(repository.path())
            && self.covers_digest(reference)
        {
            self.match_tag(reference)
        } else {
            PatternMatch::No
        }
    }

    /// The text that was parsed, unchanged.
    pub fn as_written(&self) -> &str {
        &self.written
    }

    /// Is it `*`, or another way to write that?
    pub fn is_every_image(&self) -> bool {
        *self == Self::every_image()
    }

    /// Does it leave open whose registries it speaks of, and say nothing of what is in them? Its path, tag and digest have no letter and no
    /// digit, and its host has `*` where somebody's name would be: `*`, `*.*/*` and `*.io/*`, but not `*.icr.io/*`.
    pub fn is_of_any_registry(&self) -> bool {
        let says_nothing = |part: &Glob| part.has_no_word();
        let digest = self.digest.as_ref().map(Glob::to_string);
        let hash = digest
            .as_deref()
            .map(|text| text.rsplit(':').next().unwrap_or(text));
        self.host.is_anybodys()
            && says_nothing(&self.path)
            && self.tag.as_ref().is_none_or(says_nothing)
            && hash.is_none_or(|hash| says_nothing(&Glob::new(hash)))
    }

    /// Does it match every image of the registries whose images it matches?
    pub fn is_whole_registry(&self) -> bool {
        self.path.is_any() && self.tag.is_none() && self.digest.is_none()
    }

    /// How specific it is: of all entries that match an image, the most specific apply.
    pub fn specificity(&self) -> Specificity {
        let separated = self.tag.iter().chain(&self.digest);
        separated.map(Specificity::of_separated).fold(
            self.host.specificity() + Specificity::of(&self.path),
            |sum, part| sum + part,
        )
    }

    /// Does it match every image that `other` matches? Where that cannot be told from their texts, the answer is no.
    pub fn covers(&self, other: &Self) -> bool {
        self.host.covers(&other.host)
            && self.path.covers(&other.path)
            && part_covers(self.tag.as_ref(), other.tag.as_ref())
            && part_covers(self.digest.as_ref(), other.digest.as_ref())
    }

    /// The registry of its images, where they are all in one.
    pub fn registry(&self) -> Option<Host> {
        Host::parse(self.host.literal()?).ok()
    }

    /// The host's part.
    pub(crate) fn host(&self) -> &HostPattern {
        &self.host
    }

    /// How the path of every image that matches begins.
    pub(crate) fn path_prefix(&self) -> &str {
        self.path.literal_prefix()
    }

    fn every_image() -> Self {
        Self {
            written: "*".into(),
            host: HostPattern::any(),
            path: Glob::new("*"),
            tag: None,
            digest: None,
        }
    }

    fn covers_digest(&self, reference: &Reference) -> bool {
        let Some(pattern) = &self.digest else {
            return true;
        };
        reference
            .digest()
            .is_some_and(|digest| pattern.matches(digest.as_str()))
    }

    fn match_tag(&self, reference: &Reference) -> PatternMatch {
        let Some(pattern) = &self.tag else {
            return PatternMatch::Yes;
        };
        match (reference.tag(), reference.digest()) {
            (Some(tag), None) if pattern.matches(tag.as_str()) => PatternMatch::Yes,
            (Some(tag), Some(_)) if pattern.matches(tag.as_str()) => PatternMatch::YesIfTagBound,
            _ => PatternMatch::No,
        }
    }
}

/// A pattern without the part covers all that have it, and none that has it covers one without.
fn part_covers(one: Option<&Glob>, other: Option<&Glob>) -> bool {
    match (one, other) {
        (None, _) => true,
        (Some(one), Some(other)) => one.covers(other),
        (Some(_), None) => false,
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// Patterns are equal if they match the same images, however they are written.
impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        (&self.host, &self.path, &self.tag, &self.digest)
            == (&other.host, &other.path, &other.tag, &other.digest)
    }
}

impl Eq for Pattern {}

/// The canonical form, which is what references are compared with.
impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.path)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.written)
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

impl JsonSchema for Pattern {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Pattern".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "minLength": 1,
            "maxLength": Self::MAX_BYTES,
            // In the Common Expression Language, as the API server evaluates it.
            "x-kubernetes-validations": [
                {
                    "rule": "!self.contains('://')",
                    "message": "expected an image without a scheme, such as `registry.example.com/team/*`",
                },
                {
                    "rule": "!self.contains(' ')",
                    "message": "expected no blanks in the name of an image",
                },
            ],
        })
    }
}

fn split_digest(text: &str) -> (&str, Option<&str>) {
    match text.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (text, None),
    }
}

/// The colon of a tag stands behind the last slash; one before it is a port's.
fn split_tag(text: &str) -> (&str, Option<&str>) {
    let last_part = text.rfind('/').map_or(0, |slash| slash + 1);
    let colon = text
        .get(last_part..)
        .and_then(|part| part.find(':'))
        .map(|colon| last_part + colon);
    match colon.and_then(|colon| text.split_at_checked(colon)) {
        Some((name, tag)) => (name, tag.strip_prefix(':')),
        None => (text, None),
    }
}

fn parse_name(name: &str) -> Result<(HostPattern, Glob), PatternError> {
    match name.split_once('/') {
        Some((first, path)) if names_a_host(first) => {
            let host = HostPattern::parse(first)?;
            let implied = host.literal() == Some(DOCKER_HUB) && !path.starts_with('*');
            let path = parse_path(path, if implied { OFFICIAL } else { "" })?;
            Ok((host, path))
        }
        _ => Ok((HostPattern::parse(DOCKER_HUB)?, parse_path(name, OFFICIAL)?)),
    }
}

const DOCKER_HUB: &str = "docker.io";

/// Where Docker Hub keeps the repositories that are named by one part.
const OFFICIAL: &str = "library/";

/// The rule of the distribution grammar for references, and a `*`, which has no place in the first part of a Docker Hub name.
fn names_a_host(first: &str) -> bool {
    first == "localhost"
        || first
            .bytes()
            .any(|byte| matches!(byte, b'.' | b':' | b'*') || byte.is_ascii_uppercase())
}

/// `implied` goes before a path of one part.
fn parse_path(path: &str, implied: &str) -> Result<Glob, PatternError> {
    let implied = if path.contains('/') { "" } else { implied };
    // A letter may stand wherever a `*` may, and keeps the separators around it apart.
    let example = format!("host.example/{implied}{}", path.replace('*', "a"));
    Repository::parse(&example).map_err(|source| PatternError::unmatchable(path, source))?;
    Ok(Glob::new(&[implied, path].concat()))
}

fn parse_tag(tag: &str) -> Result<Glob, PatternError> {
    Tag::parse(&tag.replace('*', "a")).map_err(|source| PatternError::unmatchable(tag, source))?;
    Ok(Glob::new(tag))
}

fn parse_digest(digest: &str) -> Result<Glob, PatternError> {
    if !digest.contains('*') {
        Digest::parse(digest).map_err(|source| PatternError::unmatchable(digest, source))?;
    } else if !digest
        .bytes()
        .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b':' | b'*'))
    {
        return Err(PatternError::digest(digest));
    }
    Ok(Glob::new(digest))
}

#[cfg(test)]
mod tests;
