//! The network edge: HTTPS for the API server's webhook calls, plain HTTP for probes and metrics.
//!
//! This crate knows HTTP, TLS and the life of a connection, and nothing of images or policies. What answers a review is a
//! [`Reviewer`], which the caller brings:
//!
//! ```text
//! TCP ─ accept ─ TLS ─ connection (HTTP/1.1 or HTTP/2) ─ hooks (limits, deadline, last net) ─ Reviewer
//! TCP ─ accept ─ TLS ─ connection (HTTP/1.1 or HTTP/2) ─ api (who calls, limits, deadline) ──── Callee
//! TCP ─ accept ─────── connection (HTTP/1.1) ─────────── admin (/healthz, /readyz, /metrics)
//! ```
//!
//! Nothing here waits without a bound: a handshake, an idle connection, a body, a review and a shutdown each have theirs in
//! [`Limits`], and so have the bytes of all bodies together.

mod accept;
mod admin;
mod api;
pub mod audit;
mod certificate;
mod connection;
mod denial;
#[doc(hidden)]
pub mod fuzzing;
mod hooks;
mod limits;
pub mod metrics;
mod readiness;
mod reload;
mod review;
mod self_signed;
mod serve;
mod timeout;

pub use accept::Unfinished;
pub use admin::Admin;
pub use api::{Api, CallReply, Callee, Refused};
pub use certificate::{CertificateError, Certificates, Identity};
pub use hooks::Hooks;
pub use http::StatusCode;
pub use limits::Limits;
pub use metrics::Metrics;
pub use readiness::{Condition, Readiness};
pub use reload::{CertificateFiles, Reload};
pub use review::{Answer, Reviewer};
pub use self_signed::SelfSigned;
pub use serve::{serve, serve_admin, serve_api};
