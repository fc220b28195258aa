//! The engine as the server and the command line use it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod bad_input;
mod credentials;
mod exemptions;
mod foresight;
mod policies;
mod reviews;
mod support;
mod trust;
