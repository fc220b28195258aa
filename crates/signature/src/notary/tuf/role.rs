//! The names of roles, and the keys that may speak for one.

use std::fmt;

use super::certificate::{Chain, Term};
use super::key::{KeyId, TufKey};
use super::shape::{At, BadShape};

/// How many keys one role may have.
const MAX_KEYS: usize = 64;

/// The name of a role: `root`, `timestamp`, `snapshot`, `targets`, or a delegation below `targets/`.
///
/// Delegations are named as the Notary server permits: lower-case letters, digits, `-`, `_` and `/`, no empty part,
/// fewer than 256 characters. Such a name is safe in a URL path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoleName(Box<str>);

/// A text that names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` names no role: expected `targets/` and lower-case letters, digits, `-` and `_`",
    .0.escape_debug().take(100).collect::<String>()
)]
pub struct BadRoleName(String);

impl RoleName {
    /// The role that vouches for all others.
    pub fn root() -> Self {
        Self("root".into())
    }

    /// The role that says which snapshot is the newest.
    pub fn timestamp() -> Self {
        Self("timestamp".into())
    }

    /// The role that says which files belong together.
    pub fn snapshot() -> Self {
        Self("snapshot".into())
    }

    /// The role of the repository's administrator, who delegates to the others.
    pub fn targets() -> Self {
        Self("targets".into())
    }

    /// The delegation in which Docker Content Trust keeps what is released.
    pub fn releases() -> Self {
        Self("targets/releases".into())
    }

    /// The delegation of the signer of that name, `targets/<name>`.
    pub fn signer(name: &str) -> Result<Self, BadRoleName> {
        Self::delegation(&format!("targets/{name}"))
    }

    /// A delegation by its whole name.
    pub fn delegation(name: &str) -> Result<Self, BadRoleName> {
        let permitted = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'/');
        let whole =
            name.len() < 256 && name.bytes().all(permitted) && !name.split('/').any(str::is_empty);
        if whole && name.starts_with("targets/") {
            Ok(Self(name.into()))
        } else {
            Err(BadRoleName(name.to_owned()))
        }
    }

    /// The role that may delegate to this one; nothing for the four at the top.
    pub fn parent(&self) -> Option<Self> {
        self.0
            .rsplit_once('/')
            .map(|(parent, _)| Self(parent.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The keys of a role, and how many of them have to sign.
///
/// The threshold is at least one and at most the number of ids, so that it can be met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RoleKeys {
    threshold: usize,
    ids: Vec<KeyId>,
    keys: Vec<TufKey>,
}

impl RoleKeys {
    /// Reads `keyids` and `threshold`, and finds the keys among those of the document.
    ///
    /// An id without a key is an error. A key that cannot be used (of an unknown type, or under an id that is not its
    /// own) is left out: it can sign nothing.
    pub(crate) fn read(role: &At<'_>, keys: &[(KeyId, Option<TufKey>)]) -> Result<Self, BadShape> {
        let listed = role.required("keyids")?;
        let mut ids: Vec<KeyId> = Vec::new();
        let mut usable = Vec::new();
        for item in listed.items(MAX_KEYS)? {
            let id = KeyId::read(&item)?;
            let Some((_, key)) = keys.iter().find(|(known, _)| *known == id) else {
                return Err(item.error("is the id of a key that is not there"));
            };
            if !ids.contains(&id) {
                usable.extend(key.clone());
                ids.push(id);
            }
        }
        let threshold = role.required("threshold")?;
        match usize::try_from(threshold.count()?) {
            Ok(0) => Err(threshold.error("is zero: anybody could sign")),
            Ok(number) if number <= ids.len() => Ok(Self {
                threshold: number,
                ids,
                keys: usable,
            }),
            _ => Err(threshold.error(format!(
                "is more than the role's {} keys can reach",
                ids.len()
            ))),
        }
    }

    /// How many different keys have to sign.
    pub(crate) fn threshold(&self) -> usize {
        self.threshold
    }

    /// The usable key of that id.
    pub(crate) fn find(&self, id: &KeyId) -> Option<&TufKey> {
        self.keys.iter().find(|key| key.id() == id)
    }

    /// The same role with only those of its keys; as many of them have to sign as before.
    pub(crate) fn only(&self, keeps: impl Fn(&TufKey) -> bool) -> Self {
        let keys = self.keys.iter().filter(|key| keeps(key)).cloned().collect();
        Self {
            threshold: self.threshold,
            ids: self.ids.clone(),
            keys,
        }
    }

    /// The keys that can be used.
    pub(crate) fn keys(&self) -> &[TufKey] {
        &self.keys
    }

    /// The time during which the certificates of all keys hold.
    pub(crate) fn term(&self) -> Term {
        let chains = self.keys.iter().filter_map(TufKey::certificate);
        chains.map(Chain::term).fold(Term::ALWAYS, Term::and)
    }

    /// Whether both name the same ids, in whatever order.
    pub(crate) fn same_ids(&self, other: &Self) -> bool {
        self.ids.len() == other.ids.len() && self.ids.iter().all(|id| other.ids.contains(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signers_role_is_below_targets() {
        assert_eq!(RoleName::signer("alice").unwrap().as_str(), "targets/alice");
        let nested = RoleName::signer("dave/erin").unwrap();
        assert_eq!(nested.parent(), Some(RoleName::signer("dave").unwrap()));
        assert_eq!(nested.parent().unwrap().parent(), Some(RoleName::targets()));
        assert_eq!(RoleName::targets().parent(), None);
    }

    #[test]
    fn names_that_could_leave_their_folder_name_no_role() {
        let long = format!("targets/{}", "a".repeat(248));
        for name in [
            "",
            "root",
            "targets",
            "targets/",
            "targets//a",
            "targets/a/",
            "targets/../root",
            "targets/A",
            "targets/a b",
            "targets/a%2f",
            "targets/.",
            "targets/é",
            &long,
        ] {
            assert!(RoleName::delegation(name).is_err(), "{name}");
        }
    }
}
