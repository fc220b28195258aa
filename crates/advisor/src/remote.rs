//! The advisor as a program of its own: what is said between it and those who ask.
//!
//! Whoever asks brings the pull credential of the one repository that the question is about. It is used for that question alone,
//! and has to show, at that time, that it may see the image. The answer is an [`Examination`](crate::assessment::Examination):
//! exemptions are applied by those who ask, and never leave them.

mod client;
mod desk;
mod turns;
mod wire;

pub use client::{Remote, RemoteSettings};
pub use desk::{Desk, DeskReply};
pub use wire::{AUDIENCE, MAX_PLATFORMS, MAX_QUESTION, PATH};
