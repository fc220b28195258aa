//! Is this digest signed as required.
//!
//! One module for each technology; what they share is here: [`Evidence`] of what was found, [`Refusal`] with the reason
//! why not, and the [`TrustStore`] that remembers which roots were trusted, each under its [`PinKey`]. [`notary`] is Docker Content Trust. [`attestation`] verifies what
//! is said of an image beyond that it is signed.

pub mod attestation;
mod evidence;
mod gun;
pub mod notary;
mod pin;
mod refusal;
mod side_effects;
pub mod store;

pub use evidence::{Evidence, SignerEvidence};
pub use gun::Gun;
pub use pin::PinKey;
pub use refusal::{Refusal, RefusalKind};
pub use side_effects::SideEffects;
pub use store::TrustStore;
