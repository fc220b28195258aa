//! For which namespaces the API server calls the webhooks at all.

use std::fmt;

use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};

/// Has the API server call the webhooks for namespaces that it did not call them for.
pub trait Coverage: Send + Sync {
    /// From when this is done, the webhooks are called for the namespace. Nothing is to be relied upon if it fails.
    fn include<'a>(&'a self, namespace: &'a str) -> BoxFuture<'a, Result<(), CoverageError>>;
}

/// Why the webhooks are not called for a namespace.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CoverageError(String);

/// The coverage of a server that leaves no namespace out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Everywhere;

impl CoverageError {
    /// It failed because of `why`.
    pub fn new(why: impl fmt::Display) -> Self {
        Self(why.to_string())
    }
}

impl Coverage for Everywhere {
    fn include<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(), CoverageError>> {
        ready(Ok(())).boxed()
    }
}
