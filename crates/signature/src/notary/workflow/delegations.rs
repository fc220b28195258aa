//! Delegations, from the targets role down to those that are wanted.

use std::collections::BTreeMap;

use super::{Files, Remembered, Stop, Task, believed, malformed, named};
use crate::notary::repository::{Statement, TrustedRole};
use crate::notary::tuf::{Delegation, Paths, Problem, RoleName, Snapshot, Targets, Verified};

/// How deep delegations may nest below `targets`.
const MAX_DEPTH: usize = 8;

/// What the delegations say.
pub(super) struct Found {
    pub(super) roles: Vec<TrustedRole>,
    pub(super) versions: Vec<(RoleName, u64)>,
}

/// Verifies the wanted delegations and those on the way to them. What is wrong with one is kept beside its name and takes
/// nothing from the others: a role that is not believed says nothing.
pub(super) fn verify(
    task: &Task<'_>,
    files: &Files,
    targets: &Targets,
    snapshot: &Snapshot,
    remembered: &Remembered<'_>,
) -> Result<Found, Stop> {
    let mut walk = Walk {
        task,
        files,
        snapshot,
        remembered,
        targets,
        seen: BTreeMap::new(),
    };
    let mut needs = Vec::new();
    for wanted in task.delegations {
        match walk.visit(wanted, MAX_DEPTH) {
            Err(Stop::Needs(files)) => needs.extend(files),
            other => other?,
        }
    }
    if needs.is_empty() {
        Ok(walk.found(task.delegations))
    } else {
        Err(Stop::Needs(needs))
    }
}

struct Walk<'w> {
    task: &'w Task<'w>,
    files: &'w Files,
    snapshot: &'w Snapshot,
    remembered: &'w Remembered<'w>,
    targets: &'w Targets,
    seen: BTreeMap<RoleName, Result<Visited, Problem>>,
}

struct Visited {
    document: Verified<Targets>,
    paths: Paths,
}

impl Walk<'_> {
    fn visit(&mut self, role: &RoleName, depth: usize) -> Result<(), Stop> {
        if self.seen.contains_key(role) {
            return Ok(());
        }
        let visited = match self.believe(role, depth) {
            Ok(visited) => Ok(visited),
            Err(Stop::Problem(problem)) => Err(problem),
            Err(other) => return Err(other),
        };
        self.seen.insert(role.clone(), visited);
        Ok(())
    }

    fn believe(&mut self, role: &RoleName, depth: usize) -> Result<Visited, Stop> {
        let (delegation, paths) = self.delegated(role, depth)?;
        let keys = delegation.keys().map_err(|why| malformed(role, why))?;
        let Some(meta) = self.snapshot.file(role) else {
            return Err(match self.remembered.version(role) {
                Some(seen) => Problem::Vanished {
                    role: role.clone(),
                    seen,
                },
                None => Problem::Unpublished { role: role.clone() },
            }
            .into());
        };
        let bytes = named(self.files, role, meta, &RoleName::snapshot())?;
        Ok(Visited {
            document: believed(self.task, role, &bytes, keys, self.remembered)?,
            paths,
        })
    }

    /// Who delegates to the role, and of which targets it may speak.
    fn delegated(&mut self, role: &RoleName, depth: usize) -> Result<(Delegation, Paths), Stop> {
        let not_delegated = || Stop::from(Problem::NotDelegated { role: role.clone() });
        let parent = role
            .parent()
            .filter(|_| depth > 0)
            .ok_or_else(not_delegated)?;
        if parent == RoleName::targets() {
            let delegation = self.targets.delegation(role).ok_or_else(not_delegated)?;
            return Ok((delegation.clone(), delegation.paths().clone()));
        }
        self.visit(&parent, depth - 1)?;
        let parent = match self.seen.get(&parent) {
            Some(Ok(parent)) => parent,
            Some(Err(problem)) => return Err(problem.clone().into()),
            None => return Err(not_delegated()),
        };
        let delegation = parent
            .document
            .content()
            .delegation(role)
            .ok_or_else(not_delegated)?;
        Ok((
            delegation.clone(),
            parent.paths.restrict(delegation.paths()),
        ))
    }

    fn found(self, wanted: &[RoleName]) -> Found {
        let believed = self
            .seen
            .iter()
            .filter_map(|(role, visited)| Some((role, visited.as_ref().ok()?)));
        let versions = believed
            .map(|(role, visited)| (role.clone(), visited.document.version()))
            .collect();
        let wanted = self
            .seen
            .into_iter()
            .filter(|(role, _)| wanted.contains(role));
        let roles = wanted.map(|(name, visited)| TrustedRole {
            name,
            statement: visited.map(|visited| Statement::within(visited.document, &visited.paths)),
        });
        Found {
            roles: roles.collect(),
            versions,
        }
    }
}
