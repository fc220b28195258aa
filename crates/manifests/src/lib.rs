//! Kubernetes manifests on disk, or from a pipe, as a source of policies, secrets and workloads.
//!
//! A [`Manifest`] is the text of one file. [`ManifestSource`] keeps the policies, secrets and service accounts of a folder at
//! hand, and follows its changes generation by generation. [`workloads`] finds the objects of a manifest that name images.
//! [`AdmissionFolder`] remembers what was admitted where no cluster does.

mod account;
mod admissions;
mod error;
mod exemption;
mod generation;
mod manifest;
mod node;
mod object;
mod place;
mod secret;
mod source;
mod split;
mod workload;

pub use admissions::AdmissionFolder;
pub use error::ManifestError;
pub use exemption::exemptions;
pub use generation::Generation;
pub use manifest::{MAX_FILE_BYTES, MAX_FILES, MAX_TOTAL_BYTES, Manifest};
pub use place::{Place, Position};
pub use source::{ManifestSource, Poll, Status};
pub use split::split_documents;
pub use workload::{Workload, workloads};
