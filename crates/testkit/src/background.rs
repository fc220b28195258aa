//! The threads on which the test kit's own servers and requests run, so that tests may be synchronous or not.

use std::future::Future;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError, mpsc};

use tokio::runtime::{Builder, Runtime};
use tokio::task::AbortHandle;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(start);

#[expect(
    clippy::expect_used,
    reason = "a machine that cannot start two threads cannot run tests"
)]
fn start() -> Runtime {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("testkit")
        .enable_all()
        .build();
    runtime.expect("the test kit cannot start its threads")
}

/// A task that ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Task(AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

pub(crate) fn spawn(future: impl Future<Output = ()> + Send + 'static) -> Task {
    Task(RUNTIME.spawn(future).abort_handle())
}

/// Waits for a future that runs in the background. `None`: it panicked.
pub(crate) fn wait_for<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
) -> Option<T> {
    let (sender, receiver) = mpsc::sync_channel(1);
    let _task = spawn(async move {
        let _ = sender.send(future.await);
    });
    receiver.recv().ok()
}

/// What servers and tests share. A test that panics while it looks does not spoil it for the others.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
