use std::fmt;

use crate::error::{Excerpt, ReferenceError};
use crate::host::{Host, shows_a_host};
use crate::length;

/// A repository in canonical form: a host and a path, as in `docker.io/library/nginx`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Repository {
    text: Box<str>,
    host: Host,
}

/// Where Docker Hub keeps the repositories that are named by one element.
const OFFICIAL_PREFIX: &str = "library/";

impl Repository {
    /// Parses a repository's name, which has neither tag nor digest; Docker Hub's `library/` and its host may be left out.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        refuse_bare_identifier(text)?;
        Self::from_name(text)
    }

    /// The registry that holds it.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The path on its registry, as in `library/nginx`.
    pub fn path(&self) -> &str {
        self.text.split_once('/').map_or("", |(_, path)| path)
    }

    /// Host and path, as in `docker.io/library/nginx`.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Parses the name of a reference whose other parts are known not to be missing.
    pub(crate) fn from_name(name: &str) -> Result<Self, ReferenceError> {
        let (host, path) = split_host(name)?;
        check_path(path)?;
        let prefix = if host.is_docker_hub() && !path.contains('/') {
            OFFICIAL_PREFIX
        } else {
            ""
        };
        let length = prefix.len() + path.len();
        if length > length::PATH {
            return Err(ReferenceError::RepositoryTooLong {
                repository: Excerpt::of(path),
                length,
            });
        }
        Ok(Self {
            text: [host.as_str(), "/", prefix, path].concat().into(),
            host,
        })
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Refuses 64 hexadecimal digits: container tools take them for an image ID, not for a name.
pub(crate) fn refuse_bare_identifier(text: &str) -> Result<(), ReferenceError> {
    if text.len() == 64
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    {
        return Err(ReferenceError::BareIdentifier {
            text: Excerpt::of(text),
        });
    }
    Ok(())
}

fn split_host(name: &str) -> Result<(Host, &str), ReferenceError> {
    match name.split_once('/') {
        Some((first, path)) if shows_a_host(first) => Ok((Host::parse(first)?, path)),
        _ => Ok((Host::DOCKER_HUB, name)),
    }
}

fn check_path(path: &str) -> Result<(), ReferenceError> {
    if path.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(ReferenceError::UpperCase {
            repository: Excerpt::of(path),
        });
    }
    match path
        .split('/')
        .find(|component| !is_path_component(component))
    {
        Some(component) => Err(ReferenceError::PathComponent {
            repository: Excerpt::of(path),
            component: Excerpt::of(component),
        }),
        None => Ok(()),
    }
}

/// Distribution grammar, `path-component`: lower-case letters and digits, with single separators between them.
fn is_path_component(text: &str) -> bool {
    text.starts_with(is_alphanumeric)
        && text.ends_with(is_alphanumeric)
        && text.split(is_alphanumeric).all(is_separator)
}

fn is_alphanumeric(character: char) -> bool {
    character.is_ascii_lowercase() || character.is_ascii_digit()
}

/// What may stand between two letters or digits; nothing may, too.
fn is_separator(text: &str) -> bool {
    matches!(text, "." | "_" | "__") || text.bytes().all(|byte| byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_host_is_on_docker_hub() {
        for (text, canonical) in [
            ("nginx", "docker.io/library/nginx"),
            ("library/nginx", "docker.io/library/nginx"),
            ("docker.io/nginx", "docker.io/library/nginx"),
            ("Docker.io:443/nginx", "docker.io/library/nginx"),
            ("index.docker.io/nginx", "docker.io/library/nginx"),
            (
                "registry-1.docker.io/library/nginx",
                "docker.io/library/nginx",
            ),
            ("team/app", "docker.io/team/app"),
            ("localhost", "docker.io/library/localhost"),
            ("example.com", "docker.io/library/example.com"),
        ] {
            assert_eq!(
                Repository::parse(text).map(|repository| repository.to_string()),
                Ok(canonical.to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn a_first_element_with_a_dot_a_colon_or_an_upper_case_letter_is_a_host() {
        for (text, host, path) in [
            ("example.com/app", "example.com", "app"),
            ("registry:5000/app", "registry:5000", "app"),
            ("localhost/app", "localhost", "app"),
            ("[::1]:5000/team/app", "[::1]:5000", "team/app"),
            ("FOO/bar", "foo:443", "bar"),
            ("foo/bar", "docker.io", "foo/bar"),
            ("docker.io:5000/nginx", "docker.io:5000", "nginx"),
            (
                "evil.com/docker.io/library/nginx",
                "evil.com",
                "docker.io/library/nginx",
            ),
        ] {
            let repository = Repository::parse(text).unwrap();
            assert_eq!(
                (repository.host().as_str(), repository.path()),
                (host, path),
                "{text}"
            );
        }
    }

    #[test]
    fn separators_stand_alone_between_letters_and_digits() {
        for path in ["a.b", "a_b", "a__b", "a-b", "a----b", "0", "a.b_c__d-e/f"] {
            assert!(Repository::parse(&format!("h.io/{path}")).is_ok(), "{path}");
        }
        for component in [
            "", ".a", "a.", "a..b", "a___b", "a._b", "-a", "a-", "_a", "a%2fb", "a b", "a:b",
            "a@b", "a\\b", "é", "*",
        ] {
            let path = format!("x/{component}");
            let expected = ReferenceError::PathComponent {
                repository: Excerpt::of(&path),
                component: Excerpt::of(component),
            };
            assert_eq!(
                Repository::parse(&format!("h.io/{path}")),
                Err(expected),
                "{component}"
            );
        }
    }

    #[test]
    fn an_upper_case_repository_is_told_so() {
        for (text, repository) in [
            ("Nginx", "Nginx"),
            ("library/Nginx", "library/Nginx"),
            ("FOO/Bar", "Bar"),
        ] {
            assert_eq!(
                Repository::parse(text),
                Err(ReferenceError::UpperCase {
                    repository: Excerpt::of(repository)
                })
            );
        }
    }

    #[test]
    fn the_path_is_at_most_255_bytes_with_what_is_implied() {
        for (prefix, longest) in [
            ("h.io/", 255),
            ("", 247),
            ("docker.io/", 247),
            ("library/", 247),
        ] {
            assert!(
                Repository::parse(&format!("{prefix}{}", "a".repeat(longest))).is_ok(),
                "{prefix}"
            );
            let refused = Repository::parse(&format!("{prefix}{}", "a".repeat(longest + 1)));
            assert!(
                matches!(
                    refused,
                    Err(ReferenceError::RepositoryTooLong { length: 256, .. })
                ),
                "{prefix}"
            );
        }
    }

    #[test]
    fn an_image_id_is_no_name() {
        let id = "0123456789abcdef".repeat(4);
        assert_eq!(
            Repository::parse(&id),
            Err(ReferenceError::BareIdentifier {
                text: Excerpt::of(&id)
            })
        );
        assert!(Repository::parse(&format!("library/{id}")).is_ok());
    }
}
