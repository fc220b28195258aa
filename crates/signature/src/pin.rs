use std::fmt::{self, Write as _};

use aws_lc_rs::digest::{SHA256, digest};
use cise_policy::TrustServer;

use crate::Gun;

/// What a root of trust is pinned for: a repository, and the trust server where a policy chose it.
///
/// The trust server that the configuration gives a registry speaks for its repositories to everybody. One that a policy
/// names speaks to the policies that name it, and to no others: its root is pinned apart, so that whoever may write a policy
/// cannot pin a root for everybody.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PinKey {
    gun: Gun,
    named: Option<TrustServer>,
}

impl PinKey {
    /// The pin of everybody for whom the configuration chooses the trust server.
    pub fn shared(gun: Gun) -> Self {
        Self { gun, named: None }
    }

    /// The pin of the policies that name this trust server, where the configuration does not choose the same.
    pub fn of_policies_that_name(server: TrustServer, gun: Gun) -> Self {
        Self {
            gun,
            named: Some(server),
        }
    }

    /// The repository.
    pub fn gun(&self) -> &Gun {
        &self.gun
    }

    /// The trust server, where policies chose it.
    pub fn named(&self) -> Option<&TrustServer> {
        self.named.as_ref()
    }

    /// The name under which a store files the record: 64 hexadecimal digits, and never text of a stranger.
    pub fn record_name(&self) -> String {
        let mut text = self.gun.as_str().to_owned();
        if let Some(server) = &self.named {
            // No repository has a blank in its name, so that no two keys are one text.
            text.push(' ');
            text.push_str(server.url().as_str());
        }
        hex(text.as_bytes())
    }
}

impl fmt::Display for PinKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.gun.fmt(f)?;
        match &self.named {
            None => Ok(()),
            Some(server) => write!(f, " for policies that name {server}"),
        }
    }
}

/// The SHA-256 of bytes, in hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(64);
    for byte in digest(&SHA256, bytes).as_ref() {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use cise_reference::Repository;

    use super::*;

    fn gun(name: &str) -> Gun {
        Gun::of(&Repository::parse(name).unwrap())
    }

    fn named(server: &str, name: &str) -> PinKey {
        PinKey::of_policies_that_name(TrustServer::parse(server).unwrap(), gun(name))
    }

    #[test]
    fn all_spellings_of_one_pin_have_one_record_and_no_others_share_it() {
        let shared = |name| PinKey::shared(gun(name)).record_name();
        assert_eq!(shared("nginx"), shared("docker.io/library/nginx"));
        let (short, long) = (
            named("https://A.example.com:443", "nginx"),
            named("https://a.example.com/", "nginx"),
        );
        assert_eq!((&short, short.record_name()), (&long, long.record_name()));
        let distinct = [
            shared("nginx"),
            shared("nginx2"),
            short.record_name(),
            named("https://a.example.com", "nginx2").record_name(),
            named("https://a.example.com:4443", "nginx").record_name(),
            named("https://a.example.com/notary", "nginx").record_name(),
        ];
        let names: std::collections::BTreeSet<_> = distinct.iter().collect();
        assert_eq!(names.len(), distinct.len());
        assert!(names.iter().all(|name| name.len() == 64));
    }

    /// Records that exist must be found.
    #[test]
    fn the_record_that_everybody_shares_is_named_by_the_repository_alone() {
        let name = "docker.io/library/nginx";
        assert_eq!(
            PinKey::shared(gun(name)).record_name(),
            hex(name.as_bytes())
        );
    }
}
