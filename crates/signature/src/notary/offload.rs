//! Verification that takes long, beside the threads that serve requests.

use std::future::pending;
use std::panic;
use std::sync::Arc;
use std::thread;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// From how many bytes of metadata on it is verified on a thread of its own: what is smaller takes less time than the way
/// there.
const LARGE: usize = 256 << 10;

/// Threads on which large metadata is verified, as many at one time as there are processors: it holds up nobody who waits for
/// a short answer, and what it takes in memory does not add up. Cloning shares them.
#[derive(Debug, Clone)]
pub(crate) struct Offload(Arc<Semaphore>);

impl Offload {
    pub(crate) fn new() -> Self {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        Self(Arc::new(Semaphore::new(processors)))
    }

    /// Does work on so many bytes: at once if they are few, else on a thread of its own when its turn comes. A panic in the
    /// work is a panic here.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        bytes: usize,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        if bytes < LARGE {
            return work();
        }
        // Nobody closes it, so that the turn always comes.
        let turn = Arc::clone(&self.0).acquire_owned().await;
        let done = spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        match done.await {
            Ok(done) => done,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => panic::resume_unwind(panic),
                // The runtime ends, and everybody who waits with it.
                Err(_) => pending().await,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use futures::FutureExt as _;

    use super::*;

    /// The large work waits for what only another task of the same thread can tell it.
    #[tokio::test]
    async fn while_large_metadata_is_verified_others_are_served() {
        let (tell, told) = mpsc::channel();
        let offload = Offload::new();
        let large = offload.run(LARGE, move || told.recv_timeout(Duration::from_secs(60)));
        let (served, ()) = futures::join!(large, async { tell.send(()).unwrap() });
        assert_eq!(served, Ok(()));
    }

    #[tokio::test]
    async fn small_metadata_is_verified_where_it_is() {
        let here = thread::current().id();
        let there = Offload::new()
            .run(LARGE - 1, || thread::current().id())
            .await;
        assert_eq!(there, here);
    }

    #[tokio::test]
    async fn no_more_than_there_are_processors_are_at_work_and_the_others_have_their_turn() {
        let offload = Offload(Arc::new(Semaphore::new(1)));
        let (tell, told) = mpsc::channel::<()>();
        let first = offload.run(LARGE, move || told.recv().is_ok());
        let (mut first, mut second) = (Box::pin(first), Box::pin(offload.run(LARGE, || true)));
        assert!(futures::poll!(&mut first).is_pending());
        assert!(futures::poll!(&mut second).is_pending());
        assert_eq!(offload.0.available_permits(), 0);
        tell.send(()).unwrap();
        assert!(first.await && second.await);
    }

    #[tokio::test]
    async fn a_panic_in_the_work_is_a_panic_of_who_waits_for_it() {
        let offload = Offload::new();
        let broken = offload.run(LARGE, || panic!("on purpose"));
        let told = panic::AssertUnwindSafe(broken).catch_unwind().await;
        let told: Result<(), _> = told;
        assert_eq!(
            told.unwrap_err().downcast_ref(),
            Some(&"on purpose"),
            "its own words"
        );
    }
}
