//! Programs that run to their end.

use std::io::{self, Write as _};
use std::process::{Command, Output, Stdio};

use crate::Error;

/// What a program wrote that ended well.
pub(crate) struct Told {
    pub(crate) output: String,
    pub(crate) errors: String,
}

/// Runs a program to its end and gives what it wrote to standard output. `input` is what it reads from standard input.
pub(crate) fn run(command: &mut Command, input: &str) -> Result<String, Error> {
    tell(command, input).map(|told| told.output)
}

/// Runs a program to its end and gives all that it wrote.
pub(crate) fn tell(command: &mut Command, input: &str) -> Result<Told, Error> {
    let output = output(command, input);
    let output = output.map_err(|source| Error::Spawn {
        program: name(command),
        source,
    })?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    let told = Told {
        output: text(&output.stdout),
        errors: text(&output.stderr),
    };
    if output.status.success() {
        return Ok(told);
    }
    let said = [told.errors, told.output]
        .into_iter()
        .find(|said| !said.is_empty());
    Err(Error::Failed {
        command: line(command),
        status: output.status,
        output: said.unwrap_or_default(),
    })
}

fn output(command: &mut Command, input: &str) -> io::Result<Output> {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that ends without reading its input has not failed for that.
        let _ = stdin.write_all(input.as_bytes());
    }
    child.wait_with_output()
}

fn name(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

fn line(command: &Command) -> String {
    let words = command
        .get_args()
        .map(|word| word.to_string_lossy().into_owned());
    std::iter::once(name(command))
        .chain(words)
        .collect::<Vec<_>>()
        .join(" ")
}
