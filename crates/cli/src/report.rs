//! Results, for people and for machines.

mod finding;
mod json;
mod junit;
mod sarif;
mod status;
mod text;

use clap::ValueEnum;

use crate::terminal::Style;
use finding::Finding;

pub(crate) use finding::Judged;
pub(crate) use status::Status;

/// How results are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// An array with an object for each image
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// The XML of test reports, for build servers
    Junit,
}

impl Format {
    /// The results as they are written to standard output.
    pub(crate) fn render(self, judged: &[Judged<'_>]) -> String {
        let findings: Vec<Finding<'_>> = judged.iter().flat_map(Judged::findings).collect();
        match self {
            Self::Text => text::render(&findings, Style::of(&std::io::stdout())),
            Self::Json => json::render(&findings),
            Self::Sarif => sarif::render(&findings),
            Self::Junit => junit::render(&findings),
        }
    }
}
