//! Starts the real components on loopback for tests, the demo and the benchmarks.
//!
//! Everything here is synchronous; what has to run beside the test runs on threads of its own, so that tests may be
//! asynchronous or not. Whatever is started is gone when the value that stands for it is dropped.

pub mod authority;
mod background;
pub mod caller;
pub mod cert_manager;
pub mod cise;
mod client;
pub mod clock;
mod command;
pub mod components;
pub mod controlplane;
pub mod cosign;
mod error;
pub mod figures;
pub mod fixtures;
pub mod helm;
pub mod images;
pub mod mutator;
pub mod notary;
pub mod process;
pub mod proxy;
pub mod readers;
pub mod recorder;
pub mod recordings;
pub mod registry;
pub mod relay;
pub mod scripted;
mod serve;
pub mod tokens;

use std::time::{Duration, Instant};
use std::{env, thread};

use tempfile::TempDir;

pub use error::Error;

/// Far longer than anything here takes: a busy machine is not a failed test.
const PATIENCE: Duration = Duration::from_secs(120);

/// Whether it holds at last. It is looked at again and again for two minutes.
pub fn comes_true(mut holds: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        if Instant::now() > deadline {
            return false;
        }
        thread::sleep(Duration::from_millis(50));
    }
    true
}

fn temporary_folder() -> Result<TempDir, Error> {
    tempfile::tempdir().map_err(Error::writing(&env::temp_dir()))
}

fn hex(bytes: &[u8]) -> String {
    let nibbles = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    nibbles
        .filter_map(|nibble| char::from_digit(nibble.into(), 16))
        .collect()
}
