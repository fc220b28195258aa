//! The Helm chart: what it says of itself, what it makes of values, and what a cluster makes of that.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod chart;
mod cluster;
mod configuration;
mod documentation;
mod image;
mod metrics;
mod templates;
mod values;
