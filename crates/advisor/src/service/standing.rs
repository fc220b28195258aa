use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::database::{Coverage, Database};
use crate::inventory::Load;

/// How an advisor stands, for those who operate it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    /// The advisory database, once there is one.
    pub database: Option<Stock>,
    /// What is being indexed, or waits for it.
    pub indexing: Load,
}

/// What an advisory database has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stock {
    /// The hash that names it.
    pub digest: Box<str>,
    /// Advisories, of all releases.
    pub advisories: u64,
    /// Releases of which it has all advisories.
    pub releases: usize,
    /// The state of the world that the oldest of the feeds shows; nothing, if there is one of which that is not known.
    pub as_of: Option<Timestamp>,
}

impl Stock {
    pub(super) fn of(database: &Database) -> Self {
        let feeds = || database.feeds();
        let complete = feeds().filter(|feed| feed.coverage == Coverage::Complete);
        let dates: Option<Vec<Timestamp>> = feeds().map(|feed| feed.as_of).collect();
        Self {
            digest: database.status().digest.to_string().into(),
            advisories: feeds().map(|feed| feed.advisories).sum(),
            releases: complete.count(),
            as_of: dates.and_then(|dates| dates.into_iter().min()),
        }
    }
}
