//! The server as its callers see it: real sockets on loopback, real TLS, both HTTP versions, and peers that misbehave.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests say so by failing"
)]

mod admin;
mod api;
mod calls;
mod certificates;
mod client;
mod hostile;
mod server;
mod shutdown;
