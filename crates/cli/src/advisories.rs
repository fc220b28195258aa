//! The file of the advisory database, which comes into use when it is replaced.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use cise_advisor::Advisor;
use cise_advisor::database::{Database, DatabaseError};

use crate::failure::Failure;
use crate::listening::POLL_INTERVAL;

/// What tells one file from the one that replaced it.
type Mark = Option<(u64, SystemTime)>;

/// Opens the database that somebody named.
pub(crate) fn open(path: &Path) -> Result<Database, Failure> {
    Database::open(path).map_err(unopened)
}

/// A database that somebody named cannot be opened.
pub(crate) fn unopened(error: DatabaseError) -> Failure {
    Failure::from(error).with_hint("`cise db build -o FILE SOURCE…` makes one")
}

/// Follows that file, if there is one, for ever. One that cannot be used leaves the last one in use.
pub(crate) fn follow(path: Option<PathBuf>, advisor: &Advisor) {
    if let Some(path) = path {
        tokio::spawn(watch(path, advisor.clone()));
    }
}

/// The page on which an advisor tells how it stands, in JSON.
pub(crate) fn page_of(advisor: Advisor) -> impl Fn() -> Option<String> + Send + Sync + 'static {
    move || serde_json::to_string(&advisor.standing()).ok()
}

async fn watch(path: PathBuf, advisor: Advisor) {
    let mut seen = advisor.database().and_then(|_| mark(&path));
    let mut looks = tokio::time::interval(POLL_INTERVAL);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        let found = mark(&path);
        if found == seen || found.is_none() {
            continue;
        }
        seen = found;
        let (file, opener) = (path.clone(), advisor.clone());
        match tokio::task::spawn_blocking(move || opener.open(&file)).await {
            Ok(Ok(database)) => {
                tracing::info!(digest = %database.status().digest, "another advisory database is in use");
                advisor.load(database);
            }
            Ok(Err(error)) => tracing::error!("the last advisory database stays in use: {error}"),
            Err(error) => tracing::error!("opening the advisory database failed: {error}"),
        }
    }
}

fn mark(path: &Path) -> Mark {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.len(), metadata.modified().ok()?))
}
