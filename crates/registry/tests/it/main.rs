//! The client against real registries, a real token server, and peers that lie, stall and break.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod attached;
mod blobs;
mod credentials;
mod failures;
mod flights;
mod mirrors;
mod peers;
mod pulling;
mod pushing;
mod rebinding;
mod redirects;
mod referrers;
mod setup;
