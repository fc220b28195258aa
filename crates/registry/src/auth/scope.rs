//! What a token is asked for.

use std::fmt;
use std::sync::Arc;

use cise_reference::Repository;

/// The right to read one repository, or to write to it too, as token servers name it: `repository:library/nginx:pull`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scope(Arc<str>);

impl Scope {
    /// Reading a repository of a registry.
    pub fn pull(repository: &Repository) -> Self {
        Self::pull_named(repository.path())
    }

    /// Reading what the server calls `name`: for a Notary server, the repository's whole name with its host.
    pub fn pull_named(name: &str) -> Self {
        Self(format!("repository:{name}:pull").into())
    }

    /// Writing to a repository of a registry, and reading it.
    pub fn push(repository: &Repository) -> Self {
        Self(format!("repository:{}:pull,push", repository.path()).into())
    }

    /// The scope as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What to ask for when the server asks for `challenged`: that, if it is no more than reading, so that a server that knows
    /// the repository by another name is served; else this. Who wants to write asks by our own name for the repository alone:
    /// no server may have us ask for the right to write elsewhere.
    pub(crate) fn narrowed(&self, challenged: Option<&str>) -> Self {
        match challenged {
            Some(text) if only_pulls(&self.0) && text.split(' ').all(only_pulls) => {
                Self(text.into())
            }
            _ => self.clone(),
        }
    }
}

fn only_pulls(scope: &str) -> bool {
    let Some((resource, actions)) = scope.rsplit_once(':') else {
        return false;
    };
    actions == "pull" && resource.starts_with("repository")
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_more_than_reading_is_asked_for() {
        let own = Scope::pull_named("team/app");
        let table = [
            (None, "repository:team/app:pull"),
            (Some(""), "repository:team/app:pull"),
            (
                Some("repository:cache/team/app:pull"),
                "repository:cache/team/app:pull",
            ),
            (
                Some("repository:a:pull repository:b:pull"),
                "repository:a:pull repository:b:pull",
            ),
            (
                Some("repository:team/app:pull,push"),
                "repository:team/app:pull",
            ),
            (Some("repository:team/app:*"), "repository:team/app:pull"),
            (Some("registry:catalog:*"), "repository:team/app:pull"),
            (Some("anything"), "repository:team/app:pull"),
        ];
        for (challenged, expected) in table {
            assert_eq!(
                own.narrowed(challenged).as_str(),
                expected,
                "{challenged:?}"
            );
        }
    }

    #[test]
    fn the_right_to_write_is_asked_for_by_our_own_name_for_the_repository() {
        let repository = Repository::parse("registry.example.com/team/app").expect("a repository");
        let own = Scope::push(&repository);
        assert_eq!(own.as_str(), "repository:team/app:pull,push");
        for challenged in [
            None,
            Some("repository:team/app:pull"),
            Some("repository:team/app:pull,push"),
            Some("repository:team/other:pull,push"),
            Some("repository:team/app:*"),
        ] {
            assert_eq!(own.narrowed(challenged), own, "{challenged:?}");
        }
    }
}
