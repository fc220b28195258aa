//! Which trust server to ask for which registry.

use std::borrow::Cow;

use cise_policy::{HostPattern, TrustServer};
use cise_reference::Host;
use cise_registry::{Channel, Registries, Server, ServerError};

use crate::{Gun, PinKey};

/// The hosts whose registries have a trust server beside them by default, on port 4443: those of IBM Cloud.
const WELL_KNOWN: [&str; 3] = ["icr.io", "*.icr.io", "registry*.bluemix.net"];

/// The table of trust servers: for each registry host the first entry that matches holds.
#[derive(Debug, Clone, Default)]
pub struct TrustServers(Vec<Entry>);

#[derive(Debug, Clone)]
struct Entry {
    host: HostPattern,
    place: Option<Place>,
}

#[derive(Debug, Clone)]
enum Place {
    /// One server for all hosts of the entry.
    Fixed(Server),
    /// A server for each, at a URL with its host in the place of [`HOST`].
    Beside {
        template: Box<str>,
        channel: Channel,
    },
}

/// A trust server, and who chose it.
#[derive(Debug, Clone)]
pub(crate) enum Choice {
    /// The configuration, for everybody.
    Configured(Server),
    /// A policy, for itself.
    Named(Server, TrustServer),
}

/// What stands for the host in a template.
const HOST: &str = "{host}";

impl TrustServers {
    /// A table without entries: no registry has a trust server.
    pub fn new() -> Self {
        Self::default()
    }

    /// The registries of `host` have the trust server at `template`, a URL in which `{host}` stands for the registry's host
    /// without its port. `channel` carries its TLS settings and the addresses that it may have.
    pub fn with(
        mut self,
        host: HostPattern,
        template: &str,
        channel: Channel,
    ) -> Result<Self, ServerError> {
        let place = Place::new(template, channel)?;
        self.0.push(Entry {
            host,
            place: Some(place),
        });
        Ok(self)
    }

    /// The registries of `host` have none, whatever comes after.
    #[must_use]
    pub fn without(mut self, host: HostPattern) -> Self {
        self.0.push(Entry { host, place: None });
        self
    }

    /// The entries of IBM Cloud's registries, which the configuration may precede: `https://{host}:4443`.
    #[must_use]
    pub fn with_well_known(mut self, channel: &Channel) -> Self {
        let hosts = WELL_KNOWN
            .iter()
            .filter_map(|host| HostPattern::parse(host).ok());
        let place = Place::Beside {
            template: "https://{host}:4443".into(),
            channel: channel.clone(),
        };
        self.0.extend(hosts.map(|host| Entry {
            host,
            place: Some(place.clone()),
        }));
        self
    }

    /// Whether the table has a trust server for a registry.
    pub fn has_one_for(&self, registry: &Host) -> bool {
        self.configured(registry).is_some()
    }

    /// The trust server to ask: the one that the policy names, else the one of the table, else none.
    ///
    /// Where both are the same address, it is as the configuration has it.
    pub(crate) fn find(
        &self,
        registry: &Host,
        named: Option<&TrustServer>,
        registries: &Registries,
    ) -> Option<Result<Choice, ServerError>> {
        let configured = self.configured(registry);
        match (configured, named) {
            (configured, None) => configured.map(|server| server.map(Choice::Configured)),
            (Some(Ok(server)), Some(named)) if server.url() == named.url() => {
                Some(Ok(Choice::Configured(server)))
            }
            (_, Some(named)) => {
                let server = registries.named_by_policy(named.url().as_str(), registry);
                Some(server.map(|server| Choice::Named(server, named.clone())))
            }
        }
    }

    fn configured(&self, registry: &Host) -> Option<Result<Server, ServerError>> {
        let entry = self.0.iter().find(|entry| entry.host.matches(registry))?;
        entry.place.as_ref().map(|place| place.at(registry.name()))
    }
}

impl Choice {
    /// The server.
    pub(crate) fn server(&self) -> &Server {
        match self {
            Self::Configured(server) | Self::Named(server, _) => server,
        }
    }

    /// What the root is pinned for that it shows of the repository.
    pub(crate) fn pin(&self, gun: Gun) -> PinKey {
        match self {
            Self::Configured(_) => PinKey::shared(gun),
            Self::Named(_, named) => PinKey::of_policies_that_name(named.clone(), gun),
        }
    }
}

impl Place {
    fn new(template: &str, channel: Channel) -> Result<Self, ServerError> {
        if !template.contains(HOST) {
            return Server::configured(template, channel).map(Self::Fixed);
        }
        let place = Self::Beside {
            template: template.into(),
            channel,
        };
        place.at("registry.example.com").map(|_| place)
    }

    fn at(&self, host: &str) -> Result<Server, ServerError> {
        match self {
            Self::Fixed(server) => Ok(server.clone()),
            Self::Beside { template, channel } => {
                Server::configured(&template.replace(HOST, &in_url(host)), channel.clone())
            }
        }
    }
}

/// An IPv6 address stands in brackets in a URL.
fn in_url(host: &str) -> Cow<'_, str> {
    if host.contains(':') {
        format!("[{host}]").into()
    } else {
        host.into()
    }
}

#[cfg(test)]
mod tests {
    use cise_reference::Repository;
    use cise_registry::{Egress, Outbound, Proxies, Security, Standing, Tls};

    use super::*;

    struct Fixture {
        registries: Registries,
        channel: Channel,
    }

    impl Fixture {
        fn new() -> Self {
            let outbound = Outbound::new(Proxies::new(None, None, None).unwrap());
            let channel = Channel::new(
                &outbound,
                &Security::Https(Tls::default()),
                Egress::PublicOnly,
            )
            .unwrap();
            Self {
                registries: Registries::new(&outbound, Vec::new()).unwrap(),
                channel,
            }
        }

        fn find(
            &self,
            table: &TrustServers,
            registry: &str,
            named: Option<&str>,
        ) -> Option<(String, Standing)> {
            let named = named.map(|url| TrustServer::parse(url).unwrap());
            let found = table
                .find(
                    &Host::parse(registry).unwrap(),
                    named.as_ref(),
                    &self.registries,
                )?
                .unwrap();
            let server = found.server();
            Some((
                server.url().as_str().trim_end_matches('/').to_owned(),
                server.standing(),
            ))
        }
    }

    fn pattern(text: &str) -> HostPattern {
        HostPattern::parse(text).unwrap()
    }

    #[test]
    fn by_default_the_registries_of_ibm_cloud_have_a_trust_server_and_no_others() {
        let fixture = Fixture::new();
        let table = TrustServers::new().with_well_known(&fixture.channel);
        for (registry, expected) in [
            ("icr.io", Some("https://icr.io:4443")),
            ("us.icr.io", Some("https://us.icr.io:4443")),
            (
                "registry.bluemix.net",
                Some("https://registry.bluemix.net:4443"),
            ),
            (
                "registry.ng.bluemix.net",
                Some("https://registry.ng.bluemix.net:4443"),
            ),
            ("docker.io", None),
            ("quay.io", None),
            ("icr.io.evil.com", None),
        ] {
            let found = fixture.find(&table, registry, None).map(|(url, _)| url);
            assert_eq!(found.as_deref(), expected, "{registry}");
        }
    }

    #[test]
    fn the_first_entry_that_matches_holds_and_may_say_that_there_is_none() {
        let fixture = Fixture::new();
        let table = TrustServers::new()
            .without(pattern("private.icr.io"))
            .with(
                pattern("*.example.com:5000"),
                "https://{host}:4443/notary",
                fixture.channel.clone(),
            )
            .and_then(|table| {
                table.with(
                    pattern("*"),
                    "https://notary.example.net",
                    fixture.channel.clone(),
                )
            })
            .unwrap()
            .with_well_known(&fixture.channel);
        for (registry, expected) in [
            ("private.icr.io", None),
            (
                "r.example.com:5000",
                Some("https://r.example.com:4443/notary"),
            ),
            ("icr.io", Some("https://notary.example.net")),
            ("[::1]:5000", Some("https://notary.example.net")),
        ] {
            let found = fixture.find(&table, registry, None).map(|(url, _)| url);
            assert_eq!(found.as_deref(), expected, "{registry}");
        }
    }

    #[test]
    fn the_policys_server_comes_first_and_is_trusted_with_credentials_only_as_far_as_others_know_it()
     {
        let fixture = Fixture::new();
        let table = TrustServers::new().with_well_known(&fixture.channel);
        for (named, standing) in [
            ("https://icr.io:4443", Standing::NamedByConfiguration),
            ("https://icr.io:5000", Standing::Registry),
            ("https://notary.example.com", Standing::NamedByPolicy),
            ("https://icr.io.example.com:4443", Standing::NamedByPolicy),
        ] {
            assert_eq!(
                fixture.find(&table, "icr.io", Some(named)),
                Some((named.to_owned(), standing))
            );
        }
    }

    #[test]
    fn a_root_is_pinned_for_everybody_only_where_the_configuration_chooses_the_server() {
        let fixture = Fixture::new();
        let table = TrustServers::new().with_well_known(&fixture.channel);
        for (registry, named, shared) in [
            ("icr.io", None, true),
            ("icr.io", Some("https://icr.io:4443"), true),
            ("icr.io", Some("https://ICR.io:4443/"), true),
            ("icr.io", Some("https://icr.io:5000"), false),
            ("icr.io", Some("https://icr.io:4443/notary"), false),
            ("icr.io", Some("https://notary.example.com"), false),
            (
                "registry.example.com",
                Some("https://registry.example.com:4443"),
                false,
            ),
        ] {
            let named = named.map(|url| TrustServer::parse(url).unwrap());
            let registry = Host::parse(registry).unwrap();
            let found = table.find(&registry, named.as_ref(), &fixture.registries);
            let gun = Gun::of(&Repository::parse(&format!("{registry}/app")).unwrap());
            let pin = found.unwrap().unwrap().pin(gun.clone());
            let expected = match named {
                Some(named) if !shared => PinKey::of_policies_that_name(named, gun),
                _ => PinKey::shared(gun),
            };
            assert_eq!(pin, expected);
        }
    }

    #[test]
    fn a_template_that_makes_no_url_is_refused() {
        let fixture = Fixture::new();
        for template in [
            "",
            "{host}",
            "ftp://{host}",
            "http://{host}",
            "https://user:secret@{host}",
            "https://{host}?a=b",
        ] {
            let table = TrustServers::new().with(pattern("*"), template, fixture.channel.clone());
            let error = table.unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
