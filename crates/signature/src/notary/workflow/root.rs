//! The root: from one that is trusted already, or that is trusted now, to the newest.

use std::sync::Arc;

use bytes::Bytes;

use super::{Answer, FileName, Files, Stop, Task, needed, unexpired};
use crate::notary::tuf::{Problem, RoleName, Root, Term, Unverified, Verified};
use crate::store::TrustState;

/// How many versions of the root are followed in one verification.
const MAX_STEPS: u64 = 64;

/// The newest root, believed.
pub(super) struct TrustedRoot {
    pub(super) document: Verified<Root>,
    /// When the certificates of its keys hold.
    pub(super) term: Term,
    pub(super) bytes: Bytes,
}

/// Verifies the newest root: it chains from what is remembered, one of the preset keys vouches for it, it belongs to the
/// repository, and it has not expired.
pub(super) fn verify(task: &Task<'_>, files: &Files) -> Result<TrustedRoot, Stop> {
    let bytes = newest(files)?;
    let root = Unverified::<Root>::parse(&RoleName::root(), &bytes)?;
    let chain = Chain {
        files,
        newest: &root,
    };
    if let Some(state) = task.trusted {
        chain.continues(state)?;
    }
    if !task.presets.is_empty() {
        chain.comes_from_preset(task)?;
    }
    let keys = root.claims().own_of(task.pin.gun().as_str(), task.now)?;
    let document = root.verify(&keys)?;
    unexpired(&RoleName::root(), document.expires(), task.now)?;
    Ok(TrustedRoot {
        document,
        term: keys.term(),
        bytes,
    })
}

/// The root that is remembered. It was verified when it was recorded; that it still signs itself shows that the record
/// was not changed.
pub(super) fn remembered(state: &TrustState) -> Result<Unverified<Root>, Problem> {
    let root = Unverified::<Root>::parse(&RoleName::root(), state.root().as_bytes())?;
    root.signs_itself()?;
    Ok(root)
}

fn newest(files: &Files) -> Result<Bytes, Stop> {
    let name = FileName::Current(RoleName::root());
    match files.get(&name) {
        Some(Answer::NotFound) => Err(Stop::NoTrustData),
        _ => needed(files, name),
    }
}

struct Chain<'c> {
    files: &'c Files,
    newest: &'c Unverified<Root>,
}

impl Chain<'_> {
    /// Checks that the newest root is the remembered one, or follows from it link by link.
    fn continues(&self, state: &TrustState) -> Result<(), Stop> {
        let trusted = remembered(state)?;
        let (seen, offered) = (trusted.version(), self.newest.version());
        if offered < seen {
            return Err(Problem::RolledBack {
                role: RoleName::root(),
                seen,
                offered,
            }
            .into());
        }
        if offered == seen {
            let same = self.newest.says_what(&trusted);
            return if same {
                Ok(())
            } else {
                Err(Problem::RootReplaced { version: seen }.into())
            };
        }
        self.follow(trusted)
    }

    /// Checks that a preset key signed the newest root, or an older one from which the newest follows.
    fn comes_from_preset(&self, task: &Task<'_>) -> Result<(), Stop> {
        let vouched = |root: &Unverified<Root>| {
            task.presets
                .iter()
                .any(|preset| preset.vouches_for(root, task.now))
        };
        if vouched(self.newest) {
            return Ok(());
        }
        let oldest = self.newest.version().saturating_sub(MAX_STEPS).max(1);
        let names = (oldest..self.newest.version()).map(FileName::Root);
        let unasked: Vec<_> = names
            .clone()
            .filter(|name| self.files.get(name).is_none())
            .collect();
        if !unasked.is_empty() {
            return Err(Stop::Needs(unasked));
        }
        let root =
            |name| Unverified::<Root>::parse(&RoleName::root(), self.files.bytes(&name)?).ok();
        let Some(anchor) = names.clone().rev().filter_map(root).find(vouched) else {
            return Err({ names }
                .find_map(|name| self.failure(&name))
                .unwrap_or_else(|| Problem::RootNotPreset.into()));
        };
        self.follow(anchor)
    }

    fn failure(&self, name: &FileName) -> Option<Stop> {
        match self.files.get(name) {
            Some(Answer::Failed(error)) => Some(Stop::Failed(Arc::clone(error))),
            _ => None,
        }
    }

    /// Follows the chain from a trusted root to the newest.
    fn follow(&self, trusted: Unverified<Root>) -> Result<(), Stop> {
        let (from, to) = (trusted.version(), self.newest.version());
        if to - from > MAX_STEPS {
            return Err(Problem::RootTooFar {
                trusted: from,
                offered: to,
                most: MAX_STEPS,
            }
            .into());
        }
        let names = (from + 1..to).map(FileName::Root);
        let unasked: Vec<_> = names
            .clone()
            .filter(|name| self.files.get(name).is_none())
            .collect();
        if !unasked.is_empty() {
            return Err(Stop::Needs(unasked));
        }
        let mut last = trusted;
        for name in names {
            let next = Unverified::<Root>::parse(&RoleName::root(), &needed(self.files, name)?)?;
            next.follows(&last)?;
            last = next;
        }
        Ok(self.newest.follows(&last)?)
    }
}
