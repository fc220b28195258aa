//! VEX: what the makers of an image say of its vulnerabilities, attached to it and signed.
//!
//! Nothing else that comes with an image is mercy, so that every step is narrow. A document counts if a configured key has signed it
//! in an attestation whose subject is this image (`reading`); a statement of it counts for a package of which it says in full that
//! it is meant (`product`); of all statements about the same, the latest counts, and of those of one time the one that forgives least
//! (`testimony`). What could withhold mercy is read as widely as it may be meant, and where something that could is not read,
//! nothing is forgiven.
//!
//! Source of the format: the OpenVEX specification 0.2.0.

mod document;
#[doc(hidden)]
pub mod fuzzing;
mod grant;
mod keys;
mod naming;
mod product;
mod reading;
mod testimony;
#[cfg(test)]
pub(crate) mod tests;
mod unheeded;

pub use document::{Document, DocumentError};
pub use grant::{Forgiveness, Grant};
pub use keys::VexKeys;
pub use unheeded::Unheeded;

pub(crate) use naming::Names;
pub(crate) use product::{Instance, Whereabouts};
pub(crate) use reading::{Place, read};
pub(crate) use testimony::{Ruling, Testimony};
