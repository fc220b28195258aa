use std::collections::BTreeMap;

use cise_policy::TrustServer;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::notary::RoleName;
use crate::{Gun, PinKey};

/// How many roles a record may remember versions of.
const MAX_ROLES: usize = 4096;

/// What is remembered under one pin: the trusted root of its repository, and the highest versions of its roles that were verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustState {
    pin: PinKey,
    trust_server: String,
    pinned_at: Timestamp,
    root: String,
    root_version: u64,
    versions: BTreeMap<RoleName, u64>,
}

/// A record that is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", printable(.0))]
pub struct StateError(String);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Record {
    format: u32,
    repository: String,
    trust_server: String,
    #[serde(default, skip_serializing_if = "ChosenBy::is_configuration")]
    trust_server_chosen_by: ChosenBy,
    pinned_at: Timestamp,
    root_version: u64,
    versions: BTreeMap<String, u64>,
    root: String,
}

/// Who chose the trust server, which is part of what a root is pinned for. Records of old do not say it: theirs are shared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum ChosenBy {
    #[default]
    Configuration,
    Policy,
}

impl ChosenBy {
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde passes a reference"
    )]
    fn is_configuration(&self) -> bool {
        *self == Self::Configuration
    }
}

const FORMAT: u32 = 1;

impl TrustState {
    pub(crate) fn new(
        pin: PinKey,
        trust_server: &str,
        pinned_at: Timestamp,
        root: String,
        root_version: u64,
    ) -> Self {
        Self {
            pin,
            trust_server: trust_server.to_owned(),
            pinned_at,
            root,
            root_version,
            versions: BTreeMap::new(),
        }
    }

    /// What the root is pinned for.
    pub fn pin(&self) -> &PinKey {
        &self.pin
    }

    /// The repository.
    pub fn gun(&self) -> &Gun {
        self.pin.gun()
    }

    /// Refuses a record that was put into the place of another.
    pub fn belongs_to(&self, pin: &PinKey) -> Result<(), StateError> {
        if self.pin == *pin {
            return Ok(());
        }
        Err(StateError(format!(
            "it is the record of {}, expected {pin}",
            self.pin
        )))
    }

    /// The trust server that the root came from.
    pub fn trust_server(&self) -> &str {
        &self.trust_server
    }

    /// When the repository was trusted first.
    pub fn pinned_at(&self) -> Timestamp {
        self.pinned_at
    }

    /// The trusted root, as it was served.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The version of the trusted root.
    pub fn root_version(&self) -> u64 {
        self.root_version
    }

    /// The highest version of a role that was verified.
    pub fn version(&self, role: &RoleName) -> Option<u64> {
        self.versions.get(role).copied()
    }

    /// The highest verified version of each role but the root.
    pub fn versions(&self) -> impl Iterator<Item = (&RoleName, u64)> {
        self.versions.iter().map(|(role, version)| (role, *version))
    }

    pub(crate) fn trust_root(&mut self, root: String, version: u64) {
        self.root = root;
        self.root_version = version;
    }

    /// Remembers a version; it never goes down.
    pub(crate) fn saw(&mut self, role: RoleName, version: u64) {
        let known = self.versions.entry(role).or_insert(version);
        *known = version.max(*known);
    }

    /// Forgets a role's version, which is done only when a new root takes the role's keys away.
    pub(crate) fn forget(&mut self, role: &RoleName) {
        self.versions.remove(role);
    }

    /// The record as JSON.
    pub fn to_json(&self) -> String {
        let record = Record {
            format: FORMAT,
            repository: self.gun().as_str().to_owned(),
            trust_server: self.trust_server.clone(),
            trust_server_chosen_by: match self.pin.named() {
                None => ChosenBy::Configuration,
                Some(_) => ChosenBy::Policy,
            },
            pinned_at: self.pinned_at,
            root_version: self.root_version,
            versions: self
                .versions
                .iter()
                .map(|(role, version)| (role.as_str().to_owned(), *version))
                .collect(),
            root: self.root.clone(),
        };
        // Text, numbers and a map by text can always be written.
        serde_json::to_string_pretty(&record).unwrap_or_default()
    }

    /// Reads the record of any repository.
    pub fn from_json(json: &[u8]) -> Result<Self, StateError> {
        let record: Record =
            serde_json::from_slice(json).map_err(|error| StateError(error.to_string()))?;
        if record.format != FORMAT {
            return Err(StateError(format!(
                "its format is {}, expected {FORMAT}",
                record.format
            )));
        }
        if record.versions.len() > MAX_ROLES {
            return Err(StateError(format!("it lists more than {MAX_ROLES} roles")));
        }
        let repository = cise_reference::Repository::parse(&record.repository)
            .map_err(|error| StateError(format!("`repository`: {error}")))?;
        let pin = pin(Gun::of(&repository), &record)?;
        let versions = record
            .versions
            .into_iter()
            .map(|(role, version)| Ok((role_named(&role)?, version)));
        Ok(Self {
            pin,
            trust_server: record.trust_server,
            pinned_at: record.pinned_at,
            root: record.root,
            root_version: record.root_version,
            versions: versions.collect::<Result<_, _>>()?,
        })
    }
}

fn pin(gun: Gun, record: &Record) -> Result<PinKey, StateError> {
    match record.trust_server_chosen_by {
        ChosenBy::Configuration => Ok(PinKey::shared(gun)),
        ChosenBy::Policy => TrustServer::parse(&record.trust_server)
            .map(|server| PinKey::of_policies_that_name(server, gun))
            .map_err(|error| StateError(format!("`trustServer`: {error}"))),
    }
}

/// A reason may repeat what the record says, which may be anything.
fn printable(reason: &str) -> String {
    reason
        .chars()
        .take(400)
        .map(|character| {
            if character.is_control() {
                '\u{fffd}'
            } else {
                character
            }
        })
        .collect()
}

fn role_named(name: &str) -> Result<RoleName, StateError> {
    [
        RoleName::timestamp(),
        RoleName::snapshot(),
        RoleName::targets(),
    ]
    .into_iter()
    .find(|role| role.as_str() == name)
    .map_or_else(
        || RoleName::delegation(name).map_err(|error| StateError(error.to_string())),
        Ok,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> TrustState {
        let repository =
            cise_reference::Repository::parse("registry.example.com/team/app").unwrap();
        let now = "2026-11-25T00:00:00Z".parse().unwrap();
        let mut state = TrustState::new(
            PinKey::shared(Gun::of(&repository)),
            "https://notary.example.com/",
            now,
            "{\"a\": 1}".into(),
            3,
        );
        state.saw(RoleName::timestamp(), 5);
        state.saw(RoleName::releases(), 2);
        state
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        assert_eq!(
            TrustState::from_json(state().to_json().as_bytes()),
            Ok(state())
        );
    }

    #[test]
    fn versions_never_go_down() {
        let mut state = state();
        state.saw(RoleName::timestamp(), 4);
        assert_eq!(state.version(&RoleName::timestamp()), Some(5));
        state.saw(RoleName::timestamp(), 6);
        assert_eq!(state.version(&RoleName::timestamp()), Some(6));
    }

    #[test]
    fn a_record_that_was_cut_or_changed_is_refused() {
        let whole = state().to_json();
        for end in 0..whole.len() {
            assert!(
                TrustState::from_json(&whole.as_bytes()[..end]).is_err(),
                "cut at {end}"
            );
        }
        for (from, to) in [
            ("\"format\": 1", "\"format\": 2"),
            ("targets/releases", "../x"),
            ("team/app", "team/../app"),
            ("root\":", "r\":"),
        ] {
            assert!(
                TrustState::from_json(whole.replace(from, to).as_bytes()).is_err(),
                "{from}"
            );
        }
    }

    #[test]
    fn what_a_record_says_cannot_drive_a_terminal_or_flood_a_log() {
        let name = "\\u001b[2J".to_owned() + &"x".repeat(10_000);
        let error = TrustState::from_json(format!("{{\"{name}\": 1}}").as_bytes()).unwrap_err();
        let shown = error.to_string();
        assert!(
            shown.chars().count() <= 400 && !shown.contains(char::is_control),
            "{shown}"
        );
    }
}
