//! The binary as its users see it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod admitted_again;
mod advised;
mod advised_site;
mod advisor;
mod advisories;
mod already_admitted;
mod artifact;
mod bad_input;
mod bypasses;
mod cert_manager;
mod check;
mod citizen;
mod clock_skew;
mod cluster;
mod crds;
mod exemptions;
mod first_install;
mod guarded;
mod healing;
mod helm_test;
mod help;
mod hostile_images;
mod indexing;
mod installation;
mod load;
mod one_answer;
mod outages;
mod outside;
mod policies;
mod program;
mod replicas;
mod reports;
mod rotation;
mod running;
mod serve;
mod server;
mod supply;
mod trust;
mod va;
mod vex;
#[path = "../../examples/demo_cluster/vulnerable.rs"]
#[allow(
    dead_code,
    reason = "the demo has an image of it without anything besides"
)]
mod vulnerable;
