//! The cluster as a source, and this program as a citizen of it, against a real control plane.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod admissions;
mod crds;
mod defaults;
mod environment;
mod exemptions;
mod nodes;
mod policies;
mod registration;
mod relay;
mod removal;
mod replicas;
mod running;
mod secrets;
mod trust;
