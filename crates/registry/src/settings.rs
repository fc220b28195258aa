//! The table of registries: what the configuration says about hosts, and what holds for all others.

use std::sync::Arc;

use cise_policy::HostPattern;
use cise_reference::{Host, Repository};
use url::Url;

use crate::channel::{Channel, ChannelError, Outbound, Scheme, Security};
use crate::egress::Egress;
use crate::server::{Server, ServerError, Standing, base_url, host_of, shown, token_servers};
use crate::tls::Tls;

/// The table of registries. The first entry whose host matches holds; for a host without an entry: HTTPS, the system's
/// authorities, public addresses only. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Registries(Arc<Table>);

#[derive(Debug)]
struct Table {
    entries: Vec<RegistrySettings>,
    unnamed: Channel,
}

/// What the configuration says about the registries of one host pattern. That it names them is what permits loopback and
/// private addresses for them.
#[derive(Clone, Debug)]
pub struct RegistrySettings {
    host: HostPattern,
    channel: Channel,
    realms: Vec<Url>,
    mirrors: Vec<Mirror>,
}

/// Where copies of a registry's repositories are: a host, and the path that comes before theirs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mirror(String);

/// A mirror that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a mirror; expected a host, or a host and a path, like mirror.example.com/docker-hub"
)]
pub struct MirrorError(String);

impl RegistrySettings {
    /// The registries of `host` are spoken to like this.
    pub fn new(
        host: HostPattern,
        outbound: &Outbound,
        security: &Security,
    ) -> Result<Self, ChannelError> {
        let channel = Channel::new(outbound, security, Egress::NamedHost)?;
        Ok(Self {
            host,
            channel,
            realms: Vec::new(),
            mirrors: Vec::new(),
        })
    }

    /// The token server at `url` belongs to them: it may see their credentials, and is spoken to as they are.
    pub fn with_token_server(mut self, url: &str) -> Result<Self, ServerError> {
        self.realms.push(base_url(url)?);
        Ok(self)
    }

    /// Images are fetched from `mirror` first; several are tried in order. Policies and signatures keep the original's name.
    #[must_use]
    pub fn with_mirror(mut self, mirror: Mirror) -> Self {
        self.mirrors.push(mirror);
        self
    }

    /// The hosts that it is about.
    pub fn host(&self) -> &HostPattern {
        &self.host
    }

    /// The channel to them, for another server of the same standing that is spoken to in the same way.
    pub fn channel(&self) -> &Channel {
        &self.channel
    }
}

impl Registries {
    /// The table with these entries.
    pub fn new(outbound: &Outbound, entries: Vec<RegistrySettings>) -> Result<Self, ChannelError> {
        let unnamed = Channel::new(
            outbound,
            &Security::Https(Tls::default()),
            Egress::PublicOnly,
        )?;
        Ok(Self(Arc::new(Table { entries, unnamed })))
    }

    /// The registry at `host`.
    pub fn registry(&self, host: &Host) -> Result<Server, ServerError> {
        let channel = self.channel(host).clone();
        let scheme = match channel.scheme() {
            Scheme::Https => "https",
            Scheme::PlainHttp => "http",
        };
        let url = format!("{scheme}://{}", address(host));
        let realms = token_servers(address(host), self.realms(host));
        Server::new(&url, channel, Standing::Registry, realms)
    }

    /// The trust server that a policy names for an image of `registry`. On the registry's own host it is as the registry is;
    /// elsewhere it gets no credentials and must have a public address, unless the configuration names its host.
    pub fn named_by_policy(&self, url: &str, registry: &Host) -> Result<Server, ServerError> {
        let parsed = base_url(url)?;
        let host = host_of(&parsed).ok_or_else(|| ServerError::NotAUrl(shown(url)))?;
        if host.name() == registry.name() {
            let realms = token_servers(host.name(), self.realms(registry));
            return Server::new(
                url,
                self.channel(registry).clone(),
                Standing::Registry,
                realms,
            );
        }
        Server::new(
            url,
            self.channel(&host).clone(),
            Standing::NamedByPolicy,
            Arc::default(),
        )
    }

    /// The repositories that hold copies of `repository`, in the order in which they are tried.
    pub(crate) fn mirrors(&self, repository: &Repository) -> Vec<Repository> {
        let mirrors = self
            .entry(repository.host())
            .map_or(&[][..], |entry| &entry.mirrors);
        mirrors
            .iter()
            .filter_map(|mirror| mirror.repository(repository))
            .collect()
    }

    pub(crate) fn channel(&self, host: &Host) -> &Channel {
        self.entry(host)
            .map_or(&self.0.unnamed, |entry| &entry.channel)
    }

    fn realms(&self, host: &Host) -> &[Url] {
        self.entry(host).map_or(&[], |entry| &entry.realms)
    }

    fn entry(&self, host: &Host) -> Option<&RegistrySettings> {
        self.0.entries.iter().find(|entry| entry.host.matches(host))
    }
}

impl Mirror {
    /// Reads `host` or `host/path`.
    pub fn parse(text: &str) -> Result<Self, MirrorError> {
        let refused = || {
            MirrorError(
                text.chars()
                    .filter(|character| !character.is_control())
                    .take(200)
                    .collect(),
            )
        };
        let text = text.trim_end_matches('/');
        let host = text.split('/').next().unwrap_or_default();
        let probe = Repository::parse(&format!("{text}/x")).map_err(|_| refused())?;
        let own_host = Host::parse(host).is_ok_and(|host| host == *probe.host());
        if own_host {
            Ok(Self(text.to_owned()))
        } else {
            Err(refused())
        }
    }

    /// Where its copy of `original` is; nothing if the name gets too long.
    fn repository(&self, original: &Repository) -> Option<Repository> {
        Repository::parse(&format!("{}/{}", self.0, original.path())).ok()
    }
}

/// The name under which a host's registry is reached: Docker Hub's differs from the one in references.
fn address(host: &Host) -> &str {
    if host.is_docker_hub() {
        "registry-1.docker.io"
    } else {
        host.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::Proxies;

    fn host(text: &str) -> Host {
        Host::parse(text).expect(text)
    }

    fn table(entries: &[(&str, Security)]) -> Registries {
        let outbound = Outbound::new(Proxies::default());
        let settings = entries.iter().map(|(pattern, security)| {
            RegistrySettings::new(
                HostPattern::parse(pattern).expect(pattern),
                &outbound,
                security,
            )
            .expect("settings")
        });
        Registries::new(&outbound, settings.collect()).expect("a table")
    }

    #[test]
    fn the_first_entry_that_matches_says_how_a_registry_is_spoken_to() {
        let https = || Security::Https(Tls::default());
        let table = table(&[
            ("a.corp:5000", Security::PlainHttp),
            ("*.corp:5000", https()),
            ("*.corp:5000", Security::PlainHttp),
        ]);
        let cases = [
            ("a.corp:5000", "http://a.corp:5000/"),
            ("b.corp:5000", "https://b.corp:5000/"),
            ("a.corp", "https://a.corp/"),
            ("docker.io", "https://registry-1.docker.io/"),
            ("[::1]:5000", "https://[::1]:5000/"),
        ];
        for (name, url) in cases {
            assert_eq!(table.registry(&host(name)).expect(name).url().as_str(), url);
        }
    }

    #[test]
    fn a_mirror_is_a_host_and_perhaps_a_path() {
        let original = Repository::parse("nginx").expect("a repository");
        let table = [
            ("mirror.corp:5000", Some("mirror.corp:5000/library/nginx")),
            (
                "mirror.corp/docker-hub/",
                Some("mirror.corp/docker-hub/library/nginx"),
            ),
            ("https://mirror.corp", None),
            ("mirror", None),
            ("mirror.corp/UPPER", None),
            ("", None),
        ];
        for (text, expected) in table {
            let repository = Mirror::parse(text)
                .ok()
                .and_then(|mirror| mirror.repository(&original));
            assert_eq!(
                repository.as_ref().map(Repository::as_str),
                expected,
                "{text}"
            );
        }
    }
}
