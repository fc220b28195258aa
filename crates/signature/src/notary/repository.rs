//! What a verified repository says, and whether that is enough: pure.

use cise_reference::{Digest, Reference};
use jiff::Timestamp;

use super::denial::Reason;
use super::requirement::Signer;
use super::tuf::{
    Fingerprint, Hashes, Paths, Problem, RoleName, SignedBy, Targets, Term, Verified,
};
use crate::SignerEvidence;
use crate::store::Stored;

/// A repository whose metadata was verified in full, as small as answers need it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TrustedRepository {
    root_version: u64,
    timestamp: Timed,
    expiry: Expiry,
    roles: Box<[TrustedRole]>,
}

/// The timestamp by which the repository was found to be the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timed {
    pub(crate) version: u64,
    /// The SHA-256 of its bytes as they were served.
    pub(crate) checksum: [u8; 32],
}

/// When the certificates of the root's keys hold, and until when the four roles at the top do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Expiry {
    pub(crate) certificates: Term,
    pub(crate) root: Timestamp,
    pub(crate) timestamp: Timestamp,
    pub(crate) snapshot: Timestamp,
    pub(crate) targets: Timestamp,
}

/// A role that speaks of targets, and what it says, or why it is not believed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TrustedRole {
    pub(crate) name: RoleName,
    pub(crate) statement: Result<Statement, Problem>,
}

/// What a role says: which targets have which checksums.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Statement {
    expires: Timestamp,
    signed_by: Box<[SignedBy]>,
    /// Sorted by the bytes of the names; only targets that the role may speak of.
    targets: Box<[(Box<str>, Hashes)]>,
}

impl Statement {
    /// All that the targets role says.
    pub(crate) fn whole(document: Verified<Targets>) -> Self {
        Self::within(document, &Paths::all())
    }

    /// What a delegation says of the targets that it may speak of.
    pub(crate) fn within(document: Verified<Targets>, paths: &Paths) -> Self {
        let (expires, signed_by) = (document.expires(), document.signed_by().into());
        let mut targets = document.into_content().into_targets();
        targets.retain(|(name, _)| paths.cover(name));
        Self {
            expires,
            signed_by,
            targets: targets.into(),
        }
    }

    fn target(&self, name: &str) -> Option<&Hashes> {
        let found = self
            .targets
            .binary_search_by(|(known, _)| known.as_bytes().cmp(name.as_bytes()));
        found
            .ok()
            .and_then(|index| self.targets.get(index))
            .map(|(_, hashes)| hashes)
    }

    fn signature_of(&self, key: Fingerprint) -> Option<&SignedBy> {
        self.signed_by.iter().find(|signer| signer.key == key)
    }
}

/// An image that is signed as required.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) digest: Digest,
    pub(crate) target: Box<str>,
    pub(crate) released_by: RoleName,
    pub(crate) signers: Vec<SignerEvidence>,
}

/// A target that is released.
struct Released<'r> {
    role: &'r RoleName,
    name: &'r str,
    hashes: &'r Hashes,
}

impl TrustedRepository {
    pub(crate) fn new(
        root_version: u64,
        timestamp: Timed,
        expiry: Expiry,
        roles: Vec<TrustedRole>,
    ) -> Self {
        Self {
            root_version,
            timestamp,
            expiry,
            roles: roles.into(),
        }
    }

    /// The version of the root that vouches for it.
    pub(crate) fn root_version(&self) -> u64 {
        self.root_version
    }

    /// The SHA-256 of the timestamp as it was served: while the server serves the same, nothing has changed.
    pub(crate) fn timestamp(&self) -> &[u8; 32] {
        &self.timestamp.checksum
    }

    /// Whether it is what was recorded last: nobody has seen a newer one, nor was its trust forgotten.
    pub(crate) fn is_recorded_in(&self, stored: Option<&Stored>) -> bool {
        stored.is_some_and(|stored| {
            stored.state.root_version() == self.root_version
                && stored.state.version(&RoleName::timestamp()) == Some(self.timestamp.version)
        })
    }

    /// Whether it still holds at `now`.
    pub(crate) fn holds_at(&self, now: Timestamp) -> bool {
        self.expiry.check(now).is_ok()
    }

    /// Whether every wanted role is believed, or does not exist. What is wrong with a role may be the server's doing, and
    /// gone with the next answer.
    pub(crate) fn is_whole(&self) -> bool {
        self.roles.iter().all(|role| {
            let gone = |problem: &Problem| {
                matches!(
                    problem,
                    Problem::NotDelegated { .. } | Problem::Unpublished { .. }
                )
            };
            role.statement.as_ref().map_or_else(gone, |_| true)
        })
    }

    /// About how many bytes it takes in memory.
    pub(crate) fn weight(&self) -> u32 {
        let role = |role: &TrustedRole| match &role.statement {
            Ok(statement) => {
                statement
                    .targets
                    .iter()
                    .map(|(name, _)| name.len() + 64)
                    .sum::<usize>()
                    + 160
            }
            Err(_) => 200,
        };
        u32::try_from(self.roles.iter().map(role).sum::<usize>() + 256).unwrap_or(u32::MAX)
    }

    /// Whether the image is released and signed by all of `signers`, at the time `now`.
    ///
    /// With a tag, the tag's released digest counts, and a digest beside the tag must equal it. With a digest alone, the
    /// released digest of some target must equal it. Each signer must have signed that very target with that digest, by
    /// the very key that is required.
    pub(crate) fn evaluate(
        &self,
        image: &Reference,
        signers: &[Signer],
        now: Timestamp,
    ) -> Result<Finding, Reason> {
        self.expiry.check(now)?;
        match (image.tag(), image.digest()) {
            (Some(tag), asked) => {
                self.judge(&self.released(tag.as_str(), now)?, asked, signers, now)
            }
            (None, Some(digest)) => self.find(digest, signers, now),
            // A reference has a tag wherever it has no digest.
            (None, None) => Err(Reason::Unsigned {
                target: image.as_written().into(),
            }),
        }
    }

    /// What is released as `target`: what `targets/releases` says, else what `targets` says.
    ///
    /// That is what Docker does. But where the releases are published and are not believed, nothing else stands in for
    /// them: an older statement must not come back to life because a newer one is broken.
    fn released<'r>(&'r self, target: &'r str, now: Timestamp) -> Result<Released<'r>, Reason> {
        let found = self
            .releasing(now)?
            .into_iter()
            .find_map(|(role, statement)| {
                let hashes = statement.target(target)?;
                Some(Released {
                    role,
                    name: target,
                    hashes,
                })
            });
        found.ok_or_else(|| Reason::Unsigned {
            target: target.into(),
        })
    }

    /// The roles that release, the one that decides first.
    fn releasing(&self, now: Timestamp) -> Result<Vec<(&RoleName, &Statement)>, Reason> {
        let mut roles = Vec::with_capacity(2);
        match self.statement(&RoleName::releases(), now) {
            Ok(releases) => roles.push(releases),
            Err(Problem::NotDelegated { .. } | Problem::Unpublished { .. }) => {}
            Err(problem) => return Err(problem.into()),
        }
        roles.push(self.statement(&RoleName::targets(), now)?);
        Ok(roles)
    }

    fn statement(
        &self,
        name: &RoleName,
        now: Timestamp,
    ) -> Result<(&RoleName, &Statement), Problem> {
        let Some(role) = self.roles.iter().find(|role| role.name == *name) else {
            return Err(Problem::NotDelegated { role: name.clone() });
        };
        let statement = role.statement.as_ref().map_err(Clone::clone)?;
        if statement.expires <= now {
            return Err(Problem::Expired {
                role: name.clone(),
                at: statement.expires,
            });
        }
        Ok((&role.name, statement))
    }

    /// The digest alone: the first released target that has it and is signed as required.
    fn find(&self, digest: &Digest, signers: &[Signer], now: Timestamp) -> Result<Finding, Reason> {
        let mut reason = Reason::DigestNotReleased {
            digest: digest.clone(),
        };
        let releasing = self.releasing(now)?;
        for (index, (role, statement)) in releasing.iter().enumerate() {
            let shadowed = |name: &str| {
                releasing
                    .iter()
                    .take(index)
                    .any(|(_, prior)| prior.target(name).is_some())
            };
            for (name, hashes) in &statement.targets {
                if hashes.of(digest.algorithm()).as_ref() != Some(digest) || shadowed(name) {
                    continue;
                }
                match self.judge(&Released { role, name, hashes }, Some(digest), signers, now) {
                    Err(other) => reason = other,
                    found => return found,
                }
            }
        }
        Err(reason)
    }

    fn judge(
        &self,
        released: &Released<'_>,
        asked: Option<&Digest>,
        signers: &[Signer],
        now: Timestamp,
    ) -> Result<Finding, Reason> {
        let digest = match asked {
            Some(asked) => released.hashes.of(asked.algorithm()),
            None => released.hashes.digest(),
        };
        let digest = digest.ok_or_else(|| Reason::UnusableTarget {
            target: released.name.into(),
        })?;
        if let Some(asked) = asked.filter(|asked| **asked != digest) {
            let target = released.name.into();
            return Err(Reason::OtherDigest {
                target,
                released: digest,
                asked: asked.clone(),
            });
        }
        let signers = signers
            .iter()
            .map(|signer| self.signed_by(signer, released, &digest, now));
        Ok(Finding {
            signers: signers.collect::<Result<_, _>>()?,
            digest,
            target: released.name.into(),
            released_by: released.role.clone(),
        })
    }

    fn signed_by(
        &self,
        signer: &Signer,
        released: &Released<'_>,
        digest: &Digest,
        now: Timestamp,
    ) -> Result<SignerEvidence, Reason> {
        let name: Box<str> = signer.name().into();
        let target = released.name.into();
        let statement = match self.statement(signer.role(), now) {
            Ok((_, statement)) => statement,
            Err(problem) => {
                return Err(Reason::SignerRole {
                    signer: name,
                    problem,
                });
            }
        };
        let Some(signature) = statement.signature_of(signer.fingerprint()) else {
            return Err(Reason::SignerKey {
                signer: name,
                secret: signer.secret().into(),
            });
        };
        let Some(hashes) = statement.target(released.name) else {
            return Err(Reason::SignerSilent {
                signer: name,
                target,
            });
        };
        if !hashes.agree_with(released.hashes) {
            return Err(Reason::SignerOtherDigest {
                signer: name,
                target,
                released: digest.clone(),
                signed: hashes.digest(),
            });
        }
        Ok(SignerEvidence {
            name,
            key_id: signature.id,
        })
    }
}

impl Expiry {
    fn check(&self, now: Timestamp) -> Result<(), Problem> {
        if !self.certificates.contains(now) {
            return Err(Problem::RootCertificateExpired);
        }
        let all = [
            (RoleName::root as fn() -> RoleName, self.root),
            (RoleName::timestamp, self.timestamp),
            (RoleName::snapshot, self.snapshot),
            (RoleName::targets, self.targets),
        ];
        match all.into_iter().find(|(_, at)| *at <= now) {
            Some((role, at)) => Err(Problem::Expired { role: role(), at }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
impl TrustedRepository {
    /// What the releasing roles say of a target.
    pub(super) fn released_digest(&self, target: &str, now: Timestamp) -> Option<String> {
        self.expiry.check(now).ok()?;
        Some(
            self.released(target, now)
                .ok()?
                .hashes
                .digest()?
                .to_string(),
        )
    }

    /// What one signer says of a target.
    pub(super) fn signed_digest(
        &self,
        signer: &Signer,
        target: &str,
        now: Timestamp,
    ) -> Option<String> {
        self.expiry.check(now).ok()?;
        let (_, statement) = self.statement(signer.role(), now).ok()?;
        statement.signature_of(signer.fingerprint())?;
        Some(statement.target(target)?.digest()?.to_string())
    }
}
