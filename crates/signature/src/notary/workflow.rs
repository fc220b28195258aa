//! The client workflow of TUF 1.0 section 5.3, over files that were fetched beforehand.
//!
//! Files may be fetched in any order and side by side; they are believed in the workflow's order only, each by what was
//! verified before it. Where a file is needed that is not at hand, the workflow stops and names it. So the order of
//! fetching changes neither verdict nor bounds.

mod assignment;
mod delegations;
mod root;

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use cise_registry::FetchError;
use jiff::Timestamp as Moment;

use super::file::{Answer, FileName, Files};
use super::preset::Anchor;
use super::repository::{Expiry, Statement, Timed, TrustedRepository, TrustedRole};
use super::tuf::{
    self, FileMeta, Problem, RoleKeys, RoleName, Root, Snapshot, Targets, Timestamp, Unverified,
    Verified,
};
use crate::PinKey;
use crate::store::TrustState;

pub(crate) use assignment::Assignment;

/// What is to be verified, and what is known and trusted before.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Task<'t> {
    /// The repository, and what its root is pinned for.
    pub(crate) pin: &'t PinKey,
    /// Where it is asked for.
    pub(crate) server: &'t str,
    /// The delegations whose statements are wanted; their parents come along.
    pub(crate) delegations: &'t [RoleName],
    /// What is remembered of it.
    pub(crate) trusted: Option<&'t TrustState>,
    /// What one of must vouch for the root, or for an earlier root from which it chains. Empty: any root.
    pub(crate) presets: &'t [Anchor],
    /// The time.
    pub(crate) now: Moment,
}

/// A repository that was verified in full.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// What it says.
    pub(crate) repository: TrustedRepository,
    /// What is to be remembered of it.
    pub(crate) state: TrustState,
}

/// Why the workflow did not come to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stop {
    /// These files are needed and have not been asked for yet.
    Needs(Vec<FileName>),
    /// The server has no trust data for the repository.
    NoTrustData,
    /// The metadata is not to be believed.
    Problem(Problem),
    /// A file that is needed could not be fetched.
    Failed(Arc<FetchError>),
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// The files to begin with: all whose names are known beforehand.
pub(crate) fn first_files(delegations: &[RoleName]) -> Vec<FileName> {
    let top = [
        RoleName::timestamp(),
        RoleName::snapshot(),
        RoleName::root(),
    ];
    top.into_iter()
        .chain(speakers(delegations))
        .map(FileName::Current)
        .collect()
}

/// The roles that speak of targets: `targets`, and each wanted delegation with those on the way to it.
fn speakers(delegations: &[RoleName]) -> BTreeSet<RoleName> {
    let way = |role: &RoleName| {
        std::iter::successors(Some(role.clone()), RoleName::parent).collect::<Vec<_>>()
    };
    delegations
        .iter()
        .flat_map(way)
        .chain([RoleName::targets()])
        .collect()
}

/// The files that will be needed by what the unverified timestamp and snapshot claim, so that they can be fetched
/// together with others. A guess: it decides nothing.
pub(crate) fn foreseen(task: &Task<'_>, files: &Files) -> Vec<FileName> {
    let Some(timestamp) = claims::<Timestamp>(files, &RoleName::timestamp()) else {
        return Vec::new();
    };
    let mut wanted = Vec::new();
    let meta = timestamp.claims().snapshot();
    if !at_hand(files, &RoleName::snapshot(), meta) {
        wanted.push(FileName::Checksummed(RoleName::snapshot(), meta.checksum()));
    } else if let Some(snapshot) = claims::<Snapshot>(files, &RoleName::snapshot()) {
        let roles = speakers(task.delegations).into_iter();
        let listed = roles.filter_map(|role| Some((snapshot.claims().file(&role)?.clone(), role)));
        let others = listed.filter(|(meta, role)| !at_hand(files, role, meta));
        wanted.extend(others.map(|(meta, role)| FileName::Checksummed(role, meta.checksum())));
    }
    wanted.retain(|name| files.get(name).is_none());
    wanted
}

fn claims<T: tuf::Content>(files: &Files, role: &RoleName) -> Option<Unverified<T>> {
    Unverified::parse(role, files.bytes(&FileName::Current(role.clone()))?).ok()
}

fn at_hand(files: &Files, role: &RoleName, meta: &FileMeta) -> bool {
    files
        .bytes(&FileName::Current(role.clone()))
        .is_some_and(|bytes| meta.fits(bytes))
}

/// Verifies the repository with the files at hand.
pub(crate) fn verify(task: &Task<'_>, files: &Files) -> Result<Outcome, Stop> {
    let root = root::verify(task, files)?;
    let keys = root.document.content();
    let remembered = Remembered::new(task.trusted, keys)?;

    let (timestamp, timestamp_bytes) = timestamp(task, files, keys.timestamp(), &remembered)?;
    let snapshot = snapshot(
        task,
        files,
        keys.snapshot(),
        timestamp.content(),
        &remembered,
    )?;
    root_is_listed(&root.bytes, snapshot.content())?;
    let targets = targets(task, files, keys.targets(), snapshot.content(), &remembered)?;

    let timed = Timed {
        version: timestamp.version(),
        checksum: tuf::sha256(&timestamp_bytes),
    };
    let expiry = Expiry {
        certificates: root.term,
        root: root.document.expires(),
        timestamp: timestamp.expires(),
        snapshot: snapshot.expires(),
        targets: targets.expires(),
    };
    let mut state = remembered.state(task, &root)?;
    state.saw(RoleName::timestamp(), timestamp.version());
    state.saw(RoleName::snapshot(), snapshot.version());
    state.saw(RoleName::targets(), targets.version());

    let found = delegations::verify(
        task,
        files,
        targets.content(),
        snapshot.content(),
        &remembered,
    )?;
    for (role, version) in found.versions {
        state.saw(role, version);
    }
    let mut roles = found.roles;
    roles.push(TrustedRole {
        name: RoleName::targets(),
        statement: Ok(Statement::whole(targets)),
    });
    let repository = TrustedRepository::new(root.document.version(), timed, expiry, roles);
    Ok(Outcome { repository, state })
}

/// The versions below which nothing is believed.
struct Remembered<'t> {
    trusted: Option<&'t TrustState>,
    forgotten: Vec<RoleName>,
}

impl<'t> Remembered<'t> {
    /// What was seen counts as long as the keys that said it: when the root takes away the keys of the timestamp or of
    /// the snapshot, the versions of both begin anew (TUF 1.0 section 5.3.11), else a key that was stolen once could block
    /// the repository for good.
    fn new(trusted: Option<&'t TrustState>, root: &Root) -> Result<Self, Stop> {
        let Some(state) = trusted else {
            return Ok(Self {
                trusted,
                forgotten: Vec::new(),
            });
        };
        let before = root::remembered(state)?;
        let kept = before.claims().timestamp().same_ids(root.timestamp())
            && before.claims().snapshot().same_ids(root.snapshot());
        let forgotten = if kept {
            Vec::new()
        } else {
            vec![RoleName::timestamp(), RoleName::snapshot()]
        };
        Ok(Self { trusted, forgotten })
    }

    fn version(&self, role: &RoleName) -> Option<u64> {
        let known = self.trusted?.version(role);
        known.filter(|_| !self.forgotten.contains(role))
    }

    fn check(&self, role: &RoleName, offered: u64) -> Result<(), Problem> {
        match self.version(role) {
            Some(seen) if offered < seen => Err(Problem::RolledBack {
                role: role.clone(),
                seen,
                offered,
            }),
            _ => Ok(()),
        }
    }

    fn state(&self, task: &Task<'_>, root: &root::TrustedRoot) -> Result<TrustState, Stop> {
        let text = String::from_utf8(root.bytes.to_vec());
        let text = text.map_err(|error| malformed(&RoleName::root(), &error))?;
        let version = root.document.version();
        let Some(known) = self.trusted else {
            return Ok(TrustState::new(
                task.pin.clone(),
                task.server,
                task.now,
                text,
                version,
            ));
        };
        let mut state = known.clone();
        if version > known.root_version() {
            state.trust_root(text, version);
        }
        self.forgotten.iter().for_each(|role| state.forget(role));
        Ok(state)
    }
}

fn timestamp(
    task: &Task<'_>,
    files: &Files,
    keys: &RoleKeys,
    remembered: &Remembered<'_>,
) -> Result<(Verified<Timestamp>, Bytes), Stop> {
    let role = RoleName::timestamp();
    let bytes = needed(files, FileName::Current(role.clone()))?;
    Ok((believed(task, &role, &bytes, keys, remembered)?, bytes))
}

fn snapshot(
    task: &Task<'_>,
    files: &Files,
    keys: &RoleKeys,
    timestamp: &Timestamp,
    remembered: &Remembered<'_>,
) -> Result<Verified<Snapshot>, Stop> {
    let role = RoleName::snapshot();
    let bytes = named(files, &role, timestamp.snapshot(), &RoleName::timestamp())?;
    Ok(believed(task, &role, &bytes, keys, remembered)?)
}

fn targets(
    task: &Task<'_>,
    files: &Files,
    keys: &RoleKeys,
    snapshot: &Snapshot,
    remembered: &Remembered<'_>,
) -> Result<Verified<Targets>, Stop> {
    let role = RoleName::targets();
    let meta = listed(snapshot, &role)?;
    let bytes = named(files, &role, meta, &RoleName::snapshot())?;
    Ok(believed(task, &role, &bytes, keys, remembered)?)
}

/// Notary's snapshot names the root too; a root of another time does not belong to it.
fn root_is_listed(root: &[u8], snapshot: &Snapshot) -> Result<(), Problem> {
    if listed(snapshot, &RoleName::root())?.fits(root) {
        return Ok(());
    }
    Err(Problem::Checksum {
        role: RoleName::root(),
        by: RoleName::snapshot(),
    })
}

fn listed<'s>(snapshot: &'s Snapshot, role: &RoleName) -> Result<&'s FileMeta, Problem> {
    let unlisted = || Problem::Unlisted {
        role: role.clone(),
        by: RoleName::snapshot(),
    };
    snapshot.file(role).ok_or_else(unlisted)
}

/// Reads a document, checks its signatures, its version against the highest seen, and its expiry, in this order.
fn believed<T: tuf::Content>(
    task: &Task<'_>,
    role: &RoleName,
    bytes: &[u8],
    keys: &RoleKeys,
    remembered: &Remembered<'_>,
) -> Result<Verified<T>, Problem> {
    let document = Unverified::<T>::parse(role, bytes)?.verify(keys)?;
    remembered.check(role, document.version())?;
    unexpired(role, document.expires(), task.now)?;
    Ok(document)
}

fn unexpired(role: &RoleName, expires: Moment, now: Moment) -> Result<(), Problem> {
    if expires <= now {
        return Err(Problem::Expired {
            role: role.clone(),
            at: expires,
        });
    }
    Ok(())
}

/// The bytes of a file that must be there.
fn needed(files: &Files, name: FileName) -> Result<Bytes, Stop> {
    match files.get(&name) {
        None => Err(Stop::Needs(vec![name])),
        Some(Answer::Bytes(bytes)) => Ok(bytes.clone()),
        Some(Answer::NotFound) => Err(Problem::Missing {
            file: name.to_string(),
        }
        .into()),
        Some(Answer::TooLarge) => Err(Problem::TooLarge {
            role: name.role(),
            limit: name.limit(),
        }
        .into()),
        Some(Answer::Failed(error)) => Err(Stop::Failed(Arc::clone(error))),
    }
}

/// The bytes of the role's file that another role names: the current file if it is that one, else the file by its checksum.
fn named(files: &Files, role: &RoleName, meta: &FileMeta, by: &RoleName) -> Result<Bytes, Stop> {
    if let Some(bytes) = files
        .bytes(&FileName::Current(role.clone()))
        .filter(|bytes| meta.fits(bytes))
    {
        return Ok(bytes.clone());
    }
    let bytes = needed(files, FileName::Checksummed(role.clone(), meta.checksum()))?;
    if meta.fits(&bytes) {
        return Ok(bytes);
    }
    Err(Problem::Checksum {
        role: role.clone(),
        by: by.clone(),
    }
    .into())
}

fn malformed(role: &RoleName, why: &dyn std::fmt::Display) -> Problem {
    Problem::Malformed {
        role: role.clone(),
        why: why.to_string(),
    }
}
