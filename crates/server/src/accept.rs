//! Taking connections, and ending well.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

use crate::Limits;

/// How long to wait after an accept that failed: out of file descriptors, the next one would fail at once.
const AFTER_A_FAILED_ACCEPT: Duration = Duration::from_millis(50);

/// The time to drain ran out with requests unanswered.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("shutting down: {connections} connection(s) did not finish within {} seconds and were cut", drain.as_secs())]
pub struct Unfinished {
    /// The connections that were cut.
    pub connections: usize,
    /// The time that they had.
    pub drain: Duration,
}

/// Gives each connection to `connect` until `shutdown`, then waits for all of them to finish. What the kernel has already
/// accepted by then is still served.
///
/// Dropping the future cuts every connection.
pub(crate) async fn run<F>(
    listener: TcpListener,
    limits: &Limits,
    shutdown: impl Future<Output = ()>,
    connect: impl Fn(TcpStream, Draining) -> F,
) -> Result<(), Unfinished>
where
    F: Future<Output = ()> + Send + 'static,
{
    let slots = Arc::new(Semaphore::new(limits.connections));
    let (drain, draining) = watch::channel(false);
    let mut open = JoinSet::new();
    let spawn = |open: &mut JoinSet<()>, (stream, slot)| {
        let connection = connect(stream, Draining(draining.clone()));
        open.spawn(async move {
            let _slot: OwnedSemaphorePermit = slot;
            connection.await;
        });
    };
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(_) = open.join_next() => {}
            accepted = accept(&listener, &slots) => spawn(&mut open, accepted),
        }
    }
    for queued in queued(listener, &slots) {
        spawn(&mut open, queued);
    }
    drain.send_replace(true);
    finish(open, limits.drain).await
}

async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> (TcpStream, OwnedSemaphorePermit) {
    loop {
        let Ok(slot) = Arc::clone(slots).acquire_owned().await else {
            // The semaphore is never closed; if it were, there would be no room for a connection.
            return std::future::pending().await;
        };
        match listener.accept().await {
            Ok((stream, _)) => return (stream, slot),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(AFTER_A_FAILED_ACCEPT).await;
            }
        }
    }
}

/// The connections that the kernel has accepted and nobody has taken up yet, as far as there is room for them. Closes the
/// listener. Goes past the runtime, which may not have noticed the last of them.
fn queued(
    listener: TcpListener,
    slots: &Arc<Semaphore>,
) -> impl Iterator<Item = (TcpStream, OwnedSemaphorePermit)> {
    let listener = listener.into_std();
    std::iter::from_fn(move || {
        let slot = Arc::clone(slots).try_acquire_owned().ok()?;
        let (stream, _) = listener.as_ref().ok()?.accept().ok()?;
        stream.set_nonblocking(true).ok()?;
        Some((TcpStream::from_std(stream).ok()?, slot))
    })
}

async fn finish(mut open: JoinSet<()>, drain: Duration) -> Result<(), Unfinished> {
    let end = Instant::now() + drain;
    while let Ok(joined) = timeout_at(end, open.join_next()).await {
        if joined.is_none() {
            return Ok(());
        }
    }
    Err(Unfinished {
        connections: open.len(),
        drain,
    })
}

/// Tells a connection that the server is shutting down.
#[derive(Clone, Debug)]
pub(crate) struct Draining(watch::Receiver<bool>);

impl Draining {
    /// Whether the shutdown has begun.
    pub(crate) fn has_begun(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits for the shutdown to begin.
    pub(crate) async fn begin(&mut self) {
        // An error means that the accept loop is gone, and the shutdown with it.
        let _ = self.0.wait_for(|begun| *begun).await;
    }
}
