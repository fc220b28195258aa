use serde::Deserialize;

use super::bounded::{self, Word};
use crate::{Event, Range};

/// The most events of a range.
const MAX_EVENTS: usize = 10_000;

/// A range as it is written.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Untested")]
pub(super) struct RangeRecord {
    kind: Kind,
    events: Vec<EventRecord>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Kind {
    /// Of commits, which no package manager knows.
    Git,
    Semver,
    Ecosystem,
}

#[derive(Deserialize)]
struct Untested {
    #[serde(rename = "type")]
    kind: Kind,
    #[serde(deserialize_with = "bounded::list::<_, _, MAX_EVENTS>")]
    events: Vec<EventRecord>,
}

impl TryFrom<Untested> for RangeRecord {
    type Error = &'static str;

    /// A range that nothing introduces would never match, whatever its fix says.
    fn try_from(Untested { kind, events }: Untested) -> Result<Self, Self::Error> {
        let is_introduced = events
            .iter()
            .any(|event| matches!(event.0, Event::Introduced(_)));
        if is_introduced {
            Ok(Self { kind, events })
        } else {
            Err("a range without an `introduced` event")
        }
    }
}

impl RangeRecord {
    /// The range, unless it is one of commits.
    pub(super) fn of_versions(&self) -> Option<Range> {
        (self.kind != Kind::Git).then(|| Range {
            events: self.events.iter().map(|event| event.0.clone()).collect(),
        })
    }
}

/// An event: an object with one of four members.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Members")]
struct EventRecord(Event);

#[derive(Deserialize)]
struct Members {
    introduced: Option<Word>,
    fixed: Option<Word>,
    last_affected: Option<Word>,
    limit: Option<Word>,
}

impl TryFrom<Members> for EventRecord {
    type Error = &'static str;

    fn try_from(members: Members) -> Result<Self, Self::Error> {
        let event = match (
            members.introduced,
            members.fixed,
            members.last_affected,
            members.limit,
        ) {
            (Some(version), None, None, None) => Event::Introduced(version.into()),
            (None, Some(version), None, None) => Event::Fixed(version.into()),
            (None, None, Some(version), None) => Event::LastAffected(version.into()),
            (None, None, None, Some(version)) => Event::Limit(version.into()),
            _ => {
                return Err(
                    "an event has exactly one of `introduced`, `fixed`, `last_affected` and `limit`",
                );
            }
        };
        Ok(Self(event))
    }
}
