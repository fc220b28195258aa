//! The root: which keys speak for the four roles at the top.

use jiff::Timestamp;

use super::Problem;
use super::document::{Content, Unverified};
use super::key::TufKey;
use super::role::{RoleKeys, RoleName};
use super::shape::{At, BadShape};

/// How many keys a root may list.
const MAX_KEYS: usize = 256;

/// The content of a root document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Root {
    own: RoleKeys,
    timestamp: RoleKeys,
    snapshot: RoleKeys,
    targets: RoleKeys,
}

impl Content for Root {
    const TYPE: &'static str = "Root";

    fn read(signed: &At<'_>, _: &RoleName) -> Result<Self, BadShape> {
        let keys = TufKey::read_all(&signed.required("keys")?, MAX_KEYS)?;
        let roles = signed.required("roles")?;
        let role = |name: &str| RoleKeys::read(&roles.required(name)?, &keys);
        Ok(Self {
            own: role("root")?,
            timestamp: role("timestamp")?,
            snapshot: role("snapshot")?,
            targets: role("targets")?,
        })
    }
}

impl Root {
    /// The keys of the root itself.
    pub(crate) fn root(&self) -> &RoleKeys {
        &self.own
    }

    /// The keys of the timestamp.
    pub(crate) fn timestamp(&self) -> &RoleKeys {
        &self.timestamp
    }

    /// The keys of the snapshot.
    pub(crate) fn snapshot(&self) -> &RoleKeys {
        &self.snapshot
    }

    /// The keys of the targets.
    pub(crate) fn targets(&self) -> &RoleKeys {
        &self.targets
    }

    /// The root's own keys that count for the repository `gun`: those whose certificate's common name is the
    /// repository's, and is valid at `now`. That is Notary's own rule.
    ///
    /// Without it, one repository's metadata would pass for another's, since nothing else in it names the repository.
    pub(crate) fn own_of(&self, gun: &str, now: Timestamp) -> Result<RoleKeys, Problem> {
        let facts = |key: &TufKey| key.certificate().map(|chain| chain.facts().clone());
        let named = self
            .own
            .only(|key| facts(key).is_some_and(|facts| facts.names(gun)));
        if named.keys().is_empty() {
            return Err(Problem::RootOfAnother);
        }
        let valid = named.only(|key| facts(key).is_some_and(|facts| facts.term.contains(now)));
        if valid.keys().is_empty() {
            Err(Problem::RootCertificateExpired)
        } else {
            Ok(valid)
        }
    }
}

impl Unverified<Root> {
    /// Checks that this is the next link of the chain after a trusted root: the next version, signed by the trusted
    /// root's keys and by its own (TUF 1.0 section 5.3.4 and 5.3.5).
    pub(crate) fn follows(&self, trusted: &Self) -> Result<(), Problem> {
        let expected = trusted.version() + 1;
        if self.version() != expected {
            return Err(Problem::RootVersion {
                expected,
                found: self.version(),
            });
        }
        self.signed_by(trusted.claims().root())
            .map_err(|_| Problem::RootForeign {
                trusted: trusted.version(),
                offered: expected,
            })?;
        self.signs_itself()
    }

    /// Checks that enough of the root's own keys signed it.
    pub(crate) fn signs_itself(&self) -> Result<(), Problem> {
        self.signed_by(self.claims().root()).map(drop)
    }
}
