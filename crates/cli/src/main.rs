//! The `cise` binary: parses flags and the configuration, wires the floors, turns errors into text.

mod access;
mod admissions;
mod advisor;
mod advisories;
mod args;
mod authority;
mod check;
mod command;
mod completions;
mod config;
mod crds;
mod db;
mod exemption;
mod failure;
mod install;
mod listening;
mod logs;
mod progress;
mod report;
mod serve;
mod signals;
mod status;
mod store;
mod supply;
mod terminal;
mod trust;
mod uninstall;
mod va;
mod wiring;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Fails only if there is one already, which will do as well.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    command::run()
}
