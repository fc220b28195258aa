//! Docker Content Trust, version 1 of Notary: the trust server's metadata says which digest a tag has and who signed it.

mod client;
mod denial;
mod file;
#[cfg(test)]
mod forge;
#[doc(hidden)]
pub mod fuzzing;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod messages;
mod offload;
mod preset;
mod repository;
mod requirement;
mod server;
#[cfg(test)]
mod tests;
mod tuf;
mod verify;
mod workflow;

pub use denial::{Denial, Reason};
pub use preset::{PresetError, Presets};
pub use requirement::{Requirement, Signer, SignerError, SignerSecret};
pub use server::TrustServers;
pub use tuf::{BadKey, BadRoleName, KeyId, Problem, PublicKey, RoleName};
pub use verify::{Notary, NotarySettings, Question};
