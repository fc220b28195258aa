//! The advisory database, pulled from a registry on a schedule.

mod schedule;

use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use cise_advisor::Advisor;
use cise_advisor::database::artifact::{self, ArtifactError, Precedent, Pull, Pulled};
use cise_advisor::database::build::Outcome;
use cise_registry::{Caller, Deadline, Keyring, Registry};
use cise_server::Metrics;
use cise_server::metrics::PullOutcome;

use crate::config::{Configuration, DatabasePull};
use crate::db::PATIENCE;
use crate::failure::Failure;
use schedule::{Attempt, Schedule};

/// Pulls the database into that file from now on, if the configuration names where it comes from.
pub(crate) fn start(
    configuration: &Configuration,
    output: &Path,
    registry: &Registry,
    advisor: &Advisor,
    metrics: &Arc<Metrics>,
) -> Result<(), Failure> {
    let Some(source) = configuration.advisor.pull.clone() else {
        return Ok(());
    };
    let supply = Supply {
        source,
        output: output.to_owned(),
        registry: registry.clone(),
        keyring: configuration.admission.pull_credentials.clone(),
        metrics: Arc::clone(metrics),
        advisor: advisor.clone(),
    };
    supply.prepare()?;
    tokio::spawn(supply.follow());
    Ok(())
}

/// Where the database comes from, and where it is put.
struct Supply {
    source: DatabasePull,
    output: PathBuf,
    registry: Registry,
    keyring: Keyring,
    metrics: Arc<Metrics>,
    /// Whose database is in use.
    advisor: Advisor,
}

impl Supply {
    /// Makes the folder of the database, where it is not there.
    fn prepare(&self) -> Result<(), Failure> {
        let Some(folder) = self.output.parent() else {
            return Ok(());
        };
        let made = fs::create_dir_all(folder);
        made.map_err(|error| Failure::from(error).about(&folder.display().to_string()))
    }

    /// Pulls at once, and then again and again, forever. What is in place stays there until another one has come in full.
    async fn follow(self) {
        let mut schedule = Schedule::new(self.source.every);
        loop {
            let attempt = self.attempt().await;
            tokio::time::sleep(schedule.pause(attempt, draw())).await;
        }
    }

    async fn attempt(&self) -> Attempt {
        let (outcome, attempt) = match self.pull().await {
            Ok(pulled) => (told(&pulled), Attempt::Succeeded),
            Err(error) => {
                tracing::error!(
                    "the advisory database is not pulled, the one in place stays in use: {error}"
                );
                (PullOutcome::Failed, Attempt::Failed)
            }
        };
        self.metrics.advisories_pulled(outcome, SystemTime::now());
        attempt
    }

    async fn pull(&self) -> Result<Pulled, ArtifactError> {
        let in_use = self.advisor.database();
        let pull = Pull {
            registry: &self.registry,
            repository: &self.source.repository,
            trust: &self.source.trust,
            output: &self.output,
            precedent: Precedent::Respected,
            in_use: in_use.as_deref().map(|database| database.status().manifest),
            caller: &Caller {
                keyring: &self.keyring,
                namespace: "",
                deadline: Deadline::after(PATIENCE),
            },
        };
        artifact::pull(&pull, &mut |_| {}).await
    }
}

fn told(pulled: &Pulled) -> PullOutcome {
    match pulled.outcome {
        Outcome::Written => {
            tracing::info!(artifact = %pulled.digest, "an advisory database was pulled");
            PullOutcome::Written
        }
        Outcome::Unchanged => {
            tracing::debug!(artifact = %pulled.digest, "the advisory database is the latest");
            PullOutcome::Unchanged
        }
    }
}

/// A number from 0 to 1 that nobody else draws.
fn draw() -> f64 {
    let drawn = RandomState::new().hash_one(());
    let half = u32::try_from(drawn >> 32).unwrap_or(u32::MAX);
    f64::from(half) / f64::from(u32::MAX)
}
