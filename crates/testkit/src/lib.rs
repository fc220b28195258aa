//! Starts the real components on loopback for tests, the demo and the benchmarks.
//!
//! Everything here is synchronous; what has to run beside the test runs on threads of its own, so that tests may be
//! asynchronous or not. Whatever is started is gone when the value that stands for it is dropped.

pub mod authority;
mod background;
pub mod caller;
mod client;
mod command;
pub mod components;
pub mod controlplane;
mod error;
pub mod fixtures;
pub mod helm;
pub mod images;
pub mod mutator;
pub mod notary;
pub mod process;
pub mod proxy;
pub mod recorder;
pub mod recordings;
pub mod registry;
pub mod relay;
pub mod scripted;
mod serve;
pub mod tokens;

use std::env;

use tempfile::TempDir;

pub use error::Error;

fn temporary_folder() -> Result<TempDir, Error> {
    tempfile::tempdir().map_err(Error::writing(&env::temp_dir()))
}

fn hex(bytes: &[u8]) -> String {
    let nibbles = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    nibbles
        .filter_map(|nibble| char::from_digit(nibble.into(), 16))
        .collect()
}
