//! Policies and secrets from manifests: read at first, then followed.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use cise_manifests::ManifestSource;
use cise_server::{Condition, Metrics};

use crate::listening::POLL_INTERVAL;

/// The namespace of what names none.
const DEFAULT_NAMESPACE: &str = "default";

/// Reads the manifests for the first time. While they cannot be read, the server is not ready, and they are tried again.
pub(super) async fn first(paths: &[PathBuf], ready: &Condition) -> Arc<ManifestSource> {
    let mut told = None;
    loop {
        let paths = paths.to_vec();
        let opened =
            tokio::task::spawn_blocking(move || ManifestSource::open(paths, DEFAULT_NAMESPACE))
                .await;
        let why = match opened {
            Ok(Ok(source)) => return Arc::new(source),
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        ready.missing(why.as_str());
        if told.as_ref() != Some(&why) {
            tracing::error!("not ready, the policies cannot be read: {why}");
            told = Some(why);
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// Follows the manifests for ever, and shows in the metrics which of them are in force.
pub(super) async fn follow(source: Arc<ManifestSource>, metrics: Arc<Metrics>) {
    metrics.policies_loaded(source.status().generation, SystemTime::now());
    let observer = move |status: &cise_manifests::Status| match &status.fault {
        None => {
            metrics.policies_loaded(status.generation, SystemTime::now());
            metrics.policies_unreadable(0);
        }
        Some(_) => metrics.policies_unreadable(1),
    };
    source.follow(POLL_INTERVAL, observer).await;
}
