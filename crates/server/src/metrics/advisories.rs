//! What is counted of the advisory database.

use std::time::SystemTime;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::seconds;

/// How an attempt to pull the advisory database ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PullOutcome {
    /// Another one was written.
    Written,
    /// The one in place is the one that is offered.
    Unchanged,
    /// Nothing changed, though it should perhaps have.
    Failed,
}

/// Attempts to pull the advisory database.
#[derive(Clone, Debug, Default)]
pub(super) struct Pulls {
    attempts: Family<Label, Counter>,
    succeeded: Gauge,
    failed: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Label {
    result: &'static str,
}

impl PullOutcome {
    fn name(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Unchanged => "unchanged",
            Self::Failed => "failed",
        }
    }
}

impl Pulls {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "advisory_pulls",
            "Attempts to pull the advisory database, by result",
            self.attempts.clone(),
        );
        for (name, help, gauge) in [
            (
                "advisory_pull_succeeded_timestamp",
                "Last attempt to pull the advisory database that did not fail, since 1970",
                &self.succeeded,
            ),
            (
                "advisory_pull_failed_timestamp",
                "Last attempt to pull the advisory database that failed, since 1970",
                &self.failed,
            ),
        ] {
            registry.register_with_unit(name, help, Unit::Seconds, gauge.clone());
        }
    }

    pub(super) fn attempted(&self, outcome: PullOutcome, at: SystemTime) {
        let result = outcome.name();
        self.attempts.get_or_create(&Label { result }).inc();
        match outcome {
            PullOutcome::Written | PullOutcome::Unchanged => self.succeeded.set(seconds(at)),
            PullOutcome::Failed => self.failed.set(seconds(at)),
        };
    }
}
