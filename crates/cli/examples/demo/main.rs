//! The product at work: real images, a real registry, a real Notary server and its client, and the real webhook.
//!
//! `make demo` runs it. It starts everything on loopback, asks with reviews that a real API server sent, prints the answers,
//! and leaves nothing running.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what a person came to see goes to standard output, and what is done for it to standard error"
)]

mod acts;
mod console;
mod guard;
mod stage;
mod table;
mod vulnerable;

use std::error::Error;
use std::process::ExitCode;

use crate::stage::Stage;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    println!("Container Image Security Enforcement: who may run in this cluster?\n");
    let stage = Stage::set()?;
    acts::default_policies(&stage)?;
    acts::content_trust(&stage)?;
    vulnerable::vulnerable_image(&stage)?;
    println!("\nAll of it was stopped and removed again. Next: README.md, or `cise check --help`.");
    Ok(())
}
