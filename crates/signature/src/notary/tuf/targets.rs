//! Targets: which tags have which digest, and who else may say so.

use super::document::Content;
use super::hashes::Hashes;
use super::key::TufKey;
use super::role::{RoleKeys, RoleName};
use super::shape::{At, BadShape};

/// How many tags one role may have.
const MAX_TARGETS: usize = 40_000;
/// How many roles one role may delegate to.
const MAX_DELEGATIONS: usize = 1024;
/// How many path prefixes one delegation may have.
const MAX_PATHS: usize = 1024;
/// How many keys all delegations of one role may list.
const MAX_KEYS: usize = 2048;

/// The content of the `targets` role or of a delegation.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Targets {
    targets: Vec<(Box<str>, Hashes)>,
    delegations: Vec<Delegation>,
}

/// A role that may speak of some targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delegation {
    name: RoleName,
    /// Nothing where threshold or keys make no sense, so that it can never be met.
    keys: Result<RoleKeys, BadShape>,
    paths: Paths,
}

impl Content for Targets {
    const TYPE: &'static str = "Targets";

    fn read(signed: &At<'_>, role: &RoleName) -> Result<Self, BadShape> {
        let delegations = match signed.optional("delegations")? {
            Some(delegations) => Delegation::read_all(&delegations, role)?,
            None => Vec::new(),
        };
        // A target without usable checksums stays known: it must not fall back to what another role says.
        let target =
            |(name, at): (&str, At<'_>)| (name.into(), Hashes::read(&at).unwrap_or_default());
        Ok(Self {
            targets: signed
                .required("targets")?
                .members(MAX_TARGETS)?
                .map(target)
                .collect(),
            delegations,
        })
    }
}

impl Targets {
    /// The delegation to `role`.
    pub(crate) fn delegation(&self, role: &RoleName) -> Option<&Delegation> {
        self.delegations
            .iter()
            .find(|delegation| delegation.name == *role)
    }

    /// The targets, sorted by the bytes of their names.
    pub(crate) fn into_targets(self) -> Vec<(Box<str>, Hashes)> {
        self.targets
    }
}

impl Delegation {
    fn read_all(delegations: &At<'_>, parent: &RoleName) -> Result<Vec<Self>, BadShape> {
        let keys = match delegations.optional("keys")? {
            Some(keys) => TufKey::read_all(&keys, MAX_KEYS)?,
            None => Vec::new(),
        };
        let Some(roles) = delegations.optional("roles")? else {
            return Ok(Vec::new());
        };
        let mut names: Vec<RoleName> = Vec::new();
        let read = |role: At<'_>| {
            let name = role.required("name")?;
            let child = RoleName::delegation(name.text()?).map_err(|error| name.error(error))?;
            // A role delegates to its direct children only, so that no two roles can name each other.
            if child.parent().as_ref() != Some(parent) {
                return Err(name.error(format!("is no direct child of {parent}")));
            }
            if names.contains(&child) {
                return Err(name.error("is delegated to twice"));
            }
            names.push(child.clone());
            Ok(Self {
                name: child,
                keys: RoleKeys::read(&role, &keys),
                paths: Paths::read(&role)?,
            })
        };
        roles.items(MAX_DELEGATIONS)?.map(read).collect()
    }

    /// The keys that may speak for it, or why nobody can.
    pub(crate) fn keys(&self) -> Result<&RoleKeys, &BadShape> {
        self.keys.as_ref()
    }

    /// The targets of which it may speak.
    pub(crate) fn paths(&self) -> &Paths {
        &self.paths
    }
}

/// The beginnings of the names of which a role may speak. They are plain text, not patterns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Paths(Vec<Box<str>>);

impl Paths {
    /// Every name.
    pub(crate) fn all() -> Self {
        Self(vec!["".into()])
    }

    /// Reads `paths`; without it the role may speak of nothing.
    fn read(role: &At<'_>) -> Result<Self, BadShape> {
        let Some(paths) = role.optional("paths")? else {
            return Ok(Self(Vec::new()));
        };
        Ok(Self(
            paths
                .items(MAX_PATHS)?
                .map(|path| Ok(path.text()?.into()))
                .collect::<Result<_, _>>()?,
        ))
    }

    /// Whether the role may speak of that target.
    pub(crate) fn cover(&self, target: &str) -> bool {
        self.0.iter().any(|prefix| target.starts_with(&**prefix))
    }

    /// What is left of a delegate's paths: those within these.
    pub(crate) fn restrict(&self, delegate: &Self) -> Self {
        Self(
            delegate
                .0
                .iter()
                .filter(|path| self.cover(path))
                .cloned()
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(prefixes: &[&str]) -> Paths {
        Paths(prefixes.iter().map(|prefix| (*prefix).into()).collect())
    }

    #[test]
    fn paths_are_plain_prefixes() {
        for (prefixes, target, covered) in [
            (&[""][..], "1.0", true),
            (&["prod-"], "prod-1", true),
            (&["prod-"], "dev-1", false),
            (&["prod-*"], "prod-1", false),
            (&[], "1.0", false),
            (&["a", "b"], "b1", true),
        ] {
            assert_eq!(
                paths(prefixes).cover(target),
                covered,
                "{prefixes:?} {target}"
            );
        }
    }

    #[test]
    fn a_delegate_cannot_have_more_than_its_delegator() {
        let parent = paths(&["prod-"]);
        assert_eq!(
            parent.restrict(&paths(&["", "prod-1", "dev"])),
            paths(&["prod-1"])
        );
        assert_eq!(Paths::all().restrict(&paths(&["x"])), paths(&["x"]));
    }
}
