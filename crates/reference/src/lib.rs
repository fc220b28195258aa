//! Image references and their canonical form.
//!
//! A reference is parsed once, at the edge, by the grammar of the distribution project, which is the one that kubelets and
//! container runtimes use. Everything that compares images compares canonical forms; everything that people read shows the
//! reference as it was written.

mod digest;
mod error;
mod host;
mod length;
mod reference;
mod repository;
mod tag;

pub use digest::{Algorithm, Digest};
pub use error::{Excerpt, ReferenceError};
pub use host::Host;
pub use reference::{Canonical, Reference};
pub use repository::Repository;
pub use tag::Tag;
