//! Which addresses host names have.

use std::fmt;
use std::io;
use std::net::SocketAddr;

use futures::FutureExt as _;
use futures::future::BoxFuture;

/// Says which addresses a host name has.
pub trait Names: fmt::Debug + Send + Sync {
    /// The addresses of `name` at this moment, in the order in which they are tried. A port other than 0 counts where a URL names
    /// none.
    fn addresses<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>>;
}

/// One address, which every name has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OneAddress(pub(crate) SocketAddr);

impl Names for OneAddress {
    fn addresses<'a>(&'a self, _: &'a str) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        async move { Ok(vec![self.0]) }.boxed()
    }
}

/// The names that the system resolves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemNames;

impl Names for SystemNames {
    fn addresses<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) }.boxed()
    }
}
