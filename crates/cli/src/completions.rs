//! `cise completions`.

use clap::{Args, Command};
use clap_complete::Shell;

use crate::failure::Failure;
use crate::terminal;

#[derive(Args, Debug)]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

/// Prints a script that makes a shell complete the words of `cise`, which is this command.
pub(crate) fn run(args: &CompletionsArgs, mut cise: Command) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut cise, "cise", &mut script);
    terminal::print(&String::from_utf8_lossy(&script))
}
