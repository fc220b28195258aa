//! The signals that end the server.

use std::process;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::failure::Failure;

/// Exit status after a second signal: that of a process which SIGTERM ends (128 + 15).
const ENDED_AT_ONCE: i32 = 143;

/// Completes when the server is to stop.
#[derive(Clone)]
pub(crate) struct Stop(watch::Receiver<bool>);

/// Waits for SIGTERM and SIGINT from now on. The second one ends the process at once.
pub(crate) fn stop() -> Result<Stop, Failure> {
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        either(&mut terminate, &mut interrupt).await;
        // Nobody waits for it any more if the server has ended by itself.
        let _ = sender.send(true);
        either(&mut terminate, &mut interrupt).await;
        tracing::warn!("a second signal: ending at once");
        process::exit(ENDED_AT_ONCE);
    });
    Ok(Stop(receiver))
}

async fn either(one: &mut Signal, other: &mut Signal) {
    tokio::select! {
        _ = one.recv() => {}
        _ = other.recv() => {}
    }
}

impl Stop {
    /// Waits for the first signal.
    pub(crate) async fn wait(mut self) {
        // The sender lives as long as the process.
        let _ = self.0.wait_for(|stop| *stop).await;
    }
}
