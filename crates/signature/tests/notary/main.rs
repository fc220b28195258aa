//! Docker Content Trust as the real trust server and the real client do it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod bed;
mod hostile;
mod keys;
mod pins;
mod rotations;
mod round_trips;
mod signing;
