use std::io;
use std::path::PathBuf;

use crate::database::error::DatabaseFault;
use crate::database::manifest::Releases;
use crate::database::wire::Malformed;

/// Why no database was built. The one that was there stays.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A source cannot be read.
    #[error("the source `{}` cannot be read: {source}", path.display())]
    Source {
        /// The source.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A source is none that is known.
    #[error(
        "the source `{}` is of no known kind: expected a zip archive or a folder of OSV records, the JSON of CISA's known exploited vulnerabilities or of endoflife.date, or the CSV of EPSS", path.display()
    )]
    Kind {
        /// The source.
        path: PathBuf,
    },
    /// An archive is damaged as a whole.
    #[error("the archive `{}` is damaged: {source}", path.display())]
    Archive {
        /// The archive.
        path: PathBuf,
        /// What is wrong.
        source: rawzip::Error,
    },
    /// A source has more records than any should have.
    #[error("the source `{}` has more than {most} records", path.display())]
    TooManyRecords {
        /// The source.
        path: PathBuf,
        /// How many it may have.
        most: u64,
    },
    /// A list of known exploited vulnerabilities, of scores or of dates makes no sense.
    #[error("the source `{}` cannot be read: {why}", path.display())]
    List {
        /// The source.
        path: PathBuf,
        /// What is wrong, and where.
        why: Box<str>,
    },
    /// Too many records are malformed.
    #[error("{count} records cannot be read, and at most {most} may be: {examples}")]
    TooManyRejected {
        /// How many are.
        count: u64,
        /// How many may be.
        most: u64,
        /// The first of them.
        examples: Box<str>,
    },
    /// A source that should have records has none.
    #[error("the source `{}` has no records: expected files `*.json` in it, and not in folders below it", path.display())]
    NoRecords {
        /// The source.
        path: PathBuf,
    },
    /// Nothing was kept.
    #[error("{}", nothing_of(.0))]
    Empty(Releases),
    /// There is no folder for the output.
    #[error("there is no folder `{}` for the advisory database", .0.display())]
    NoFolder(PathBuf),
    /// The rows are too many to be sorted.
    #[error("the rows do not fit into {most} sorted runs: raise the memory of the build")]
    TooManyRuns {
        /// How many runs there may be.
        most: usize,
    },
    /// The output cannot be written.
    #[error("the advisory database `{}` cannot be written: {source}", path.display())]
    Output {
        /// The output.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Scratch files cannot be written or read.
    #[error("the rows cannot be sorted on disk beside the output: {0}")]
    Scratch(io::Error),
    /// The rows do not fit into the format.
    #[error("the rows do not fit into the format: {0}")]
    Format(#[from] Malformed),
    /// A segment that did not change cannot be taken over from the database that is there.
    #[error("the advisory database that is there cannot be read: {0}")]
    Previous(DatabaseFault),
}

fn nothing_of(selected: &Releases) -> String {
    match selected {
        Releases::All => "the sources have no advisory of any release".to_owned(),
        Releases::Only(names) => {
            let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
            format!("the sources have no advisory of {}", names.join(", "))
        }
    }
}

impl BuildError {
    /// What may help, where that is more than the message says.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Archive { .. } => {
                "a download that broke off leaves such a file: fetch it again, or name its address as the source"
            }
            Self::NoRecords { .. } => {
                "osv.dev publishes an archive for each ecosystem, which `osv:Debian` fetches"
            }
            Self::Empty(Releases::All) => {
                "give at least one archive or folder of OSV records, as `osv:Debian` or Debian.zip; lists alone judge nothing"
            }
            Self::Empty(Releases::Only(_)) => {
                "--release takes a full name, as `Debian:12`, or a family, as `Alpine`"
            }
            Self::NoFolder(_) => "make the folder, or write to another place with -o",
            Self::Scratch(_) => {
                "the build needs room in the folder of its output for some times the size of the archives"
            }
            _ => return None,
        })
    }
}
