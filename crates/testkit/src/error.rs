//! What goes wrong while components are built, started and used.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

/// Why the test kit could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file or folder could not be made.
    #[error("cannot write {path}: {source}")]
    Write {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A JSON file of the test kit does not have the expected form.
    #[error("cannot understand {path}: {source}")]
    Parse {
        /// Which one.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// A fixture contradicts itself.
    #[error("a fixture is wrong: {0}")]
    Fixture(&'static str),
    /// No environment variable says where things may be kept.
    #[error("no cache folder: set CISE_CACHE, XDG_CACHE_HOME or HOME")]
    NoCacheFolder,
    /// Go's library is not as the overlay of a component expects it.
    #[error(
        "{path} is not as expected, and cannot be changed for the build: this version of Go is too new"
    )]
    Overlay {
        /// The file that the overlay would change.
        path: PathBuf,
    },
    /// A program could not be started.
    #[error("cannot run {program}: {source}")]
    Spawn {
        /// Which one.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// A program ended with an error.
    #[error("`{command}` failed ({status}): {output}")]
    Failed {
        /// The program and its arguments.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// What it wrote to standard error, or else to standard output.
        output: String,
    },
    /// A component ended while it was waited for.
    #[error("{name} ended before it was ready; the end of its log:\n{log}")]
    Ended {
        /// Which one.
        name: String,
        /// The last lines that it wrote.
        log: String,
    },
    /// A component did not become ready in time.
    #[error("{name} does not get ready; the end of its log:\n{log}")]
    NotReady {
        /// Which one.
        name: String,
        /// The last lines that it wrote.
        log: String,
    },
    /// A component is not on this machine.
    #[error("{0} is missing; `cargo run -p cise-testkit --bin components -- get {0}` builds it")]
    Missing(&'static str),
    /// No review was recorded under that name.
    #[error("no review is recorded as {0}; the index of the recordings names all")]
    NoRecording(String),
    /// There is no free port on the loopback interface, or no such interface.
    #[error("cannot listen on the loopback interface: {0}")]
    Port(io::Error),
    /// A key or certificate could not be made.
    #[error("cannot make a key or certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// A key or certificate cannot be used for TLS.
    #[error("cannot set up TLS: {0}")]
    Tls(String),
    /// A request got no answer.
    #[error("no answer to {method} {url}: {source}")]
    Request {
        /// The method of the request.
        method: String,
        /// Its address.
        url: String,
        /// Why.
        source: reqwest::Error,
    },
    /// A request got another answer than the expected one.
    #[error("{method} {url} was answered with {status}: {body}")]
    Answer {
        /// The method of the request.
        method: String,
        /// Its address.
        url: String,
        /// The status of the answer.
        status: u16,
        /// The body of the answer.
        body: String,
    },
    /// A registry did not say where to send a blob.
    #[error("{url} does not say where to send the blob")]
    NoUpload {
        /// Where it was asked.
        url: String,
    },
    /// The notary client read a key and kept none.
    #[error("no key was imported from {path}")]
    NotImported {
        /// The file with the key.
        path: PathBuf,
    },
    /// A layer could not be packed.
    #[error("cannot pack a layer: {0}")]
    Layer(io::Error),
}

impl Error {
    pub(crate) fn reading(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Read { path, source }
    }

    pub(crate) fn writing(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Write { path, source }
    }

    pub(crate) fn parsing(path: &Path) -> impl FnOnce(serde_json::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Parse { path, source }
    }
}
