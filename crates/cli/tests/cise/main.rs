//! The binary as its users see it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod bad_input;
mod check;
mod citizen;
mod cluster;
mod crds;
mod guarded;
mod help;
mod policies;
mod program;
mod reports;
mod serve;
mod server;
mod trust;
