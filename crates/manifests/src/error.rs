use std::sync::Arc;

use cise_advisor::exemption::{ExemptionError, Origin};
use cise_policy::PolicyError;

use crate::Place;
use crate::manifest::{MAX_FILE_BYTES, MAX_FILES, MAX_TOTAL_BYTES};

/// Why manifests cannot be used. No message quotes a value of a Secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// The file or folder cannot be read.
    #[error("{file}: cannot be read: {why}")]
    Unreadable {
        /// The file or folder.
        file: Arc<str>,
        /// What the operating system says.
        why: String,
    },
    /// The file is larger than [`MAX_FILE_BYTES`].
    #[error("{file}: the file is too large: expected at most {} MiB", MAX_FILE_BYTES >> 20)]
    TooLarge {
        /// The file.
        file: Arc<str>,
    },
    /// All files together are more than is read at once.
    #[error("{folder}: too much to read: expected at most {MAX_FILES} manifests of {} MiB together", MAX_TOTAL_BYTES >> 20)]
    TooMuch {
        /// The folder.
        folder: Arc<str>,
    },
    /// Folders in folders, without end.
    #[error("{folder}: folders are nested too deeply: expected at most {depth} levels")]
    TooDeep {
        /// The innermost folder.
        folder: Arc<str>,
        /// How deep they may be nested.
        depth: usize,
    },
    /// The text is not encoded as it has to be.
    #[error("{file}: line {line}: expected text in UTF-8")]
    NotText {
        /// The file.
        file: Arc<str>,
        /// The line with the first byte that is not UTF-8, from 1.
        line: usize,
    },
    /// The text is neither YAML nor JSON.
    #[error("{place}: expected YAML or JSON: {why}")]
    Syntax {
        /// Where the text stops making sense.
        place: Place,
        /// What is wrong with it.
        why: String,
    },
    /// The document is not what it should be.
    #[error("{place}: {why}")]
    Content {
        /// Where the fault is.
        place: Place,
        /// The field, what was found, and what was expected.
        why: String,
    },
    /// A field is missing, or is not what it should be.
    #[error("{place}: {what}: expected {expected}")]
    Field {
        /// Where the field is, or what should have it.
        place: Place,
        /// The field, and what it belongs to where that is known: `Secret team/alice: data.publicKey`.
        what: String,
        /// What should be there.
        expected: &'static str,
    },
    /// A workload of a version that Kubernetes no longer serves.
    #[error(
        "{place}: {kind} of `{api_version}`: expected a version that Kubernetes serves, `{served}`"
    )]
    Unserved {
        /// Where the object is.
        place: Place,
        /// Its kind.
        kind: String,
        /// Its group and version.
        api_version: String,
        /// Group and version that are served.
        served: String,
    },
    /// A document is meant as a policy and cannot be read as one.
    #[error("{place}: {error}")]
    Policy {
        /// Where it is wrong.
        place: Place,
        /// What is wrong.
        error: Box<PolicyError>,
    },
    /// A document is meant as an exemption and cannot be read as one.
    #[error("{place}: {error}")]
    Exemption {
        /// Where it is wrong.
        place: Place,
        /// What is wrong.
        error: Box<ExemptionError>,
    },
    /// An exemption for the pods of one namespace speaks of every image of the account, as only one for all pods may.
    #[error(
        "{place}: {exemption} names every image of the account: expected the images that it is for, or the kind ClusterImageExemption"
    )]
    AccountScope {
        /// Where its images are.
        place: Place,
        /// Which exemption.
        exemption: Origin,
    },
    /// Two documents are about the same object, and nobody can tell which one counts.
    #[error("{second}: {object} is already defined at {first}: expected each object once")]
    Duplicate {
        /// The object, as `ImagePolicy team/web`.
        object: String,
        /// Where it is defined first.
        first: Place,
        /// Where it is defined again.
        second: Place,
    },
}

impl ManifestError {
    pub(crate) fn unreadable(file: &Arc<str>, error: &std::io::Error) -> Self {
        Self::Unreadable {
            file: Arc::clone(file),
            why: plain(error),
        }
    }
}

/// An error of the operating system without its number.
fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error")
        .next()
        .unwrap_or_default()
        .to_lowercase()
}
