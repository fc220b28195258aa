//! The addresses that a name may lead to.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::egress::{BlockedAddress, Egress};
use crate::names::Names;

/// Resolves names and leaves out the addresses that may not be connected to. What it answers is what is connected to, so that
/// no other answer can come between the check and the connection.
pub(crate) struct Guard {
    egress: Option<Egress>,
    names: Arc<dyn Names>,
}

/// Why a name gave no address to connect to.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum ResolveError {
    #[error("{0}")]
    Unknown(String),
    #[error("{0}")]
    Blocked(BlockedAddress),
}

impl Guard {
    /// One that lets pass what `egress` does; everything, without one.
    pub(crate) fn new(egress: Option<Egress>, names: Arc<dyn Names>) -> Self {
        Self { egress, names }
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let (egress, names) = (self.egress, Arc::clone(&self.names));
        let resolving: Pin<Box<dyn Future<Output = Result<Addrs, ResolveError>> + Send>> =
            Box::pin(async move {
                let found = names.addresses(name.as_str()).await;
                let found = found.map_err(|error| ResolveError::Unknown(error.to_string()))?;
                Ok(Box::new(permitted(found.into_iter(), egress)?.into_iter()) as Addrs)
            });
        Box::pin(async move { Ok(resolving.await?) })
    }
}

fn permitted(
    found: impl Iterator<Item = SocketAddr>,
    egress: Option<Egress>,
) -> Result<Vec<SocketAddr>, ResolveError> {
    let mut blocked = None;
    let mut addresses = Vec::new();
    for address in found {
        match egress.map_or(Ok(()), |egress| egress.check(address.ip())) {
            Ok(()) => addresses.push(address),
            Err(error) => blocked = Some(error),
        }
    }
    match blocked {
        Some(blocked) if addresses.is_empty() => Err(ResolveError::Blocked(blocked)),
        _ if addresses.is_empty() => {
            Err(ResolveError::Unknown("the name has no address".to_owned()))
        }
        _ => Ok(addresses),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_to_its_permitted_addresses_only() {
        let table = [
            (
                &["8.8.8.8:0", "127.0.0.1:0"][..],
                Some(Egress::PublicOnly),
                Some(1),
            ),
            (&["127.0.0.1:0", "[::1]:0"], Some(Egress::PublicOnly), None),
            (
                &["127.0.0.1:0", "[::1]:0"],
                Some(Egress::NamedHost),
                Some(2),
            ),
            (&["169.254.169.254:0"], Some(Egress::NamedHost), None),
            (&[], Some(Egress::NamedHost), None),
            (&["10.0.0.1:0"], None, Some(1)),
        ];
        for (found, egress, expected) in table {
            let found = found
                .iter()
                .map(|address| address.parse().expect("an address"));
            assert_eq!(
                permitted(found, egress)
                    .ok()
                    .map(|addresses| addresses.len()),
                expected
            );
        }
    }
}
