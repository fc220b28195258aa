//! What container runtimes make of bytes, said by the libraries that they read with.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::Error;
use crate::components::READERS;

/// What is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Documents {
    /// Archives of layers. The answer has the listing of Go's own reader as `go`, and as `fork` that of the reader with which
    /// some runtimes keep an archive's form. A listing has `entries`, and an `error`, which is empty at the archive's end. An
    /// entry has `path`, `link` and `content` in base64, and its `kind`.
    Archives,
    /// Manifests and indexes. The answer has the digests of the `config`, the `layers` and the `manifests`, the last with
    /// their platforms, and an `error`.
    Manifests,
    /// Configurations of images. The answer has the `platform`, the `diffIDs` and an `error`.
    Configurations,
}

/// The running program. It ends when this is dropped, and when the test process ends in any way at all.
#[derive(Debug)]
pub struct Readers {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Documents {
    fn name(self) -> &'static str {
        match self {
            Self::Archives => "archives",
            Self::Manifests => "manifests",
            Self::Configurations => "configurations",
        }
    }
}

impl Readers {
    /// Starts the program, which has to be there.
    pub fn start(documents: Documents) -> Result<Self, Error> {
        let program = READERS.program()?;
        let spawned = |source| Error::Spawn {
            program: program.display().to_string(),
            source,
        };
        let mut child = Command::new(&program)
            .arg(documents.name())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(spawned)?;
        let input = child.stdin.take();
        let output = child.stdout.take();
        let output = output.ok_or_else(|| spawned(io::ErrorKind::BrokenPipe.into()))?;
        Ok(Self {
            child,
            input,
            output: BufReader::new(output),
        })
    }

    /// What the libraries make of a document.
    pub fn read(&mut self, document: &[u8]) -> Result<Value, Error> {
        let name = Path::new(READERS.name);
        if let Some(input) = &mut self.input {
            let line = STANDARD.encode(document) + "\n";
            input
                .write_all(line.as_bytes())
                .map_err(Error::writing(name))?;
        }
        let mut answer = String::new();
        self.output
            .read_line(&mut answer)
            .map_err(Error::reading(name))?;
        serde_json::from_str(&answer).map_err(|source| Error::Parse {
            path: name.to_owned(),
            source,
        })
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        // Without input it ends by itself.
        self.input = None;
        let _ = self.child.wait();
    }
}
