//! The default policies, before anybody is judged.
//!
//! A first installation that answered before they are there would deny everything for want of a policy.

use std::time::Duration;

use cise_kubernetes::{
    Cluster, Configured, Error, default_policies_were_made, make_default_policies,
};
use cise_server::Condition;
use tokio::sync::watch;

/// How often what is not there yet is looked for.
const LOOKS_EVERY: Duration = Duration::from_millis(500);

/// How often making them is tried again when reviews are answered already.
const TRIES_EVERY: Duration = Duration::from_secs(5);

/// How it is with the default policies when reviews begin to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begun {
    /// They were made, now or at some time before.
    WithThem,
    /// They are not made, and webhooks are called: to wait would deny everything as well, and for longer.
    WithoutThem,
}

/// Waits until the default policies were made by whichever replica leads, and makes them if that is this one.
pub(super) async fn made(
    cluster: &Cluster,
    mut leads: watch::Receiver<bool>,
    ready: &Condition,
) -> Begun {
    ready.missing("the default policies are not made yet");
    loop {
        let is_leading = *leads.borrow_and_update();
        match look(cluster, is_leading).await {
            Ok(Some(begun)) => return begun,
            Ok(None) => {}
            Err(error) => {
                ready.missing(format!("the default policies are not made yet: {error}"));
            }
        }
        tokio::select! {
            () = tokio::time::sleep(LOOKS_EVERY) => {}
            Ok(()) = leads.changed() => {}
        }
    }
}

/// Makes them as soon as that can be done, while reviews are answered without them.
pub(super) async fn make(cluster: Cluster, mut leads: watch::Receiver<bool>) {
    // It fails only when nobody seeks to lead any more.
    while leads.wait_for(|leads| *leads).await.is_ok() {
        match make_default_policies(&cluster).await {
            Ok(defaults) => return tracing::info!(?defaults, "default policies"),
            Err(error) => tracing::warn!("the default policies are not made yet: {error}"),
        }
        tokio::time::sleep(TRIES_EVERY).await;
    }
}

/// What can be said now, if anything.
async fn look(cluster: &Cluster, is_leading: bool) -> Result<Option<Begun>, Error> {
    if default_policies_were_made(cluster).await? {
        return Ok(Some(Begun::WithThem));
    }
    if Configured::anywhere(cluster).await? {
        return Ok(Some(Begun::WithoutThem));
    }
    if !is_leading {
        return Ok(None);
    }
    let defaults = make_default_policies(cluster).await?;
    tracing::info!(?defaults, "default policies");
    Ok(Some(Begun::WithThem))
}
