//! The Vulnerability Advisor: what is in an image, which advisories concern it, and the verdict.
//!
//! The way of one image, top to bottom:
//!
//! 1. [`inventory`]: its layers are streamed, verified and read; what they hold is stacked as a container runtime would.
//! 2. [`database`]: the advisories of its distribution's release, compiled from OSV's exports, are asked by package name.
//! 3. [`matching`]: each package is held against the ranges of its advisories, in the exact order of its package manager.
//! 4. [`assessment`]: findings become issues, exemptions are applied, and a pure function says the status.
//!
//! Nothing that could not be read is ever "no issues": whatever keeps the advisor from judging is a [`Gap`], and a gap makes
//! the status INCOMPLETE.

mod advisory;
pub mod assessment;
pub mod database;
pub mod detector;
mod ecosystem;
mod excerpt;
pub mod exemption;
mod gap;
pub mod inventory;
pub mod matching;
mod memory;
pub mod osv;
mod package;
mod purl;
mod release;
pub mod remote;
pub mod report;
mod service;
mod severity;
pub mod version;
pub mod vex;

pub use advisory::{Advisory, Affected, Event, Range};
pub use ecosystem::Ecosystem;
pub use gap::Gap;
pub use memory::{Memory, Shares};
pub use package::{Manager, Package, SourcePackage};
pub use release::Release;
pub use service::{
    Advise, Advisor, Question, Sample, Settings, Standing, Stock, Unadvised, Urgency,
};
pub use severity::Severity;
