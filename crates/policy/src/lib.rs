//! What is required of which image: resource types, patterns, resolution.
//!
//! Policies are read once, with [`from_yaml`] or [`from_json`], into one model, [`Policy`], whichever API group they were
//! written for. [`Policies`] compiles all of them into an index, and [`Policies::resolve`] answers, for one image in one
//! namespace, which entries apply. This crate decides nothing more: it does no I/O, knows no time, and verifies no signature.
//!
//! ```
//! use cise_policy::{Policies, Resolution, from_yaml};
//! use cise_reference::Reference;
//!
//! let policy = from_yaml(
//!     r#"
//! apiVersion: securityenforcement.admission.cloud.ibm.com/v1beta1
//! kind: ImagePolicy
//! metadata:
//!   name: web
//! spec:
//!   repositories:
//!   - name: "icr.io/team/*"
//!     policy:
//!       trust:
//!         enabled: true
//! "#,
//!     "team",
//! )?;
//! let policies = Policies::compile([policy], []);
//!
//! let image = Reference::parse("icr.io/team/app:1.2")?;
//! let Resolution::Matched(matched) = policies.resolve("team", &image) else {
//!     panic!("the entry matches");
//! };
//! assert!(!matched.is_unverified());
//!
//! let other = Reference::parse("nginx")?;
//! assert!(matches!(policies.resolve("team", &other), Resolution::NoMatch));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod document;
mod entry;
mod error;
mod excerpt;
mod index;
mod lint;
mod names;
mod opaque;
mod origin;
mod pattern;
mod policies;
mod policy;
pub mod portieris_v1;
mod schema;
mod trust_server;
pub mod v1beta1;

pub use document::{
    MAX_DOCUMENT_BYTES, MAX_NESTING, from_json, from_value, from_yaml, other_from_json,
    other_from_value, other_from_yaml,
};
pub use entry::{Entry, Mode, Pinning, Requirements, Trust, Vulnerability};
pub use error::{Fault, PolicyError, Position};
pub use lint::{Lint, Place, lint};
pub use names::{NameError, Namespace, SecretName, check_name};
pub use opaque::Opaque;
pub use origin::{ApiGroup, Origin, Scope};
pub use pattern::{HostPattern, Pattern, PatternError, PatternMatch, Specificity};
pub use policies::{Applied, EntryId, Matched, Policies, Resolution, Unreadable};
pub use policy::{MAX_ENTRIES, Policy};
pub use schema::for_kubernetes;
pub use trust_server::{TrustServer, TrustServerError};
