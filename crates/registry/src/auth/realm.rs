//! Where a challenge sends us for a token, and what may be shown there.

use url::Url;

use super::challenge::ChallengeError;
use crate::channel::Channel;
use crate::server::{Server, authority, base_url, host_of};
use crate::settings::Registries;

/// A token server.
#[derive(Debug)]
pub(super) struct Realm {
    pub(super) url: Url,
    pub(super) channel: Channel,
    pub(super) trust: Trust,
}

/// What a token server may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// The credentials for the server that sent us there.
    Secrets,
    /// Nothing: a challenge must not carry credentials to a host of the challenger's choice.
    Nothing,
}

impl Realm {
    /// The token server at `url`, to which `server` sends us.
    ///
    /// It belongs to the server, and is spoken to as the server is, if it has the same host name or if the server's settings
    /// list it. Anything else is a stranger: it is spoken to by its own settings, and sees nothing.
    pub(super) fn locate(
        url: &str,
        server: &Server,
        registries: &Registries,
    ) -> Result<Self, ChallengeError> {
        let mut url = Url::parse(url).map_err(|_| ChallengeError::BadRealm)?;
        url.set_fragment(None);
        let mut bare = url.clone();
        bare.set_query(None);
        base_url(bare.as_str()).map_err(|_| ChallengeError::BadRealm)?;
        let own = url.host() == server.url().host()
            || server
                .realms()
                .iter()
                .any(|realm| realm.origin() == url.origin());
        if own {
            let trust = if server.may_see_secrets() {
                Trust::Secrets
            } else {
                Trust::Nothing
            };
            return Ok(Self {
                url,
                channel: server.channel().clone(),
                trust,
            });
        }
        let host = host_of(&url).ok_or(ChallengeError::BadRealm)?;
        Ok(Self {
            channel: registries.channel(&host).clone(),
            url,
            trust: Trust::Nothing,
        })
    }

    pub(super) fn host(&self) -> String {
        authority(&self.url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::{Outbound, Security};
    use crate::proxy::Proxies;
    use crate::settings::RegistrySettings;
    use crate::tls::Tls;
    use cise_policy::HostPattern;
    use cise_reference::Host;

    fn registries() -> Registries {
        let outbound = Outbound::new(Proxies::default());
        let pattern = |text| HostPattern::parse(text).expect(text);
        let https = Security::Https(Tls::default());
        let named = RegistrySettings::new(pattern("reg.corp"), &outbound, &https).expect("valid");
        let named = named
            .with_token_server("https://login.corp:8443")
            .expect("valid");
        let plain =
            RegistrySettings::new(pattern("localhost:5000"), &outbound, &Security::PlainHttp)
                .expect("valid");
        Registries::new(&outbound, vec![named, plain]).expect("valid")
    }

    #[test]
    fn a_token_server_sees_credentials_only_where_it_belongs_to_the_registry() {
        let table = [
            ("quay.io", "https://quay.io/v2/auth", Trust::Secrets),
            ("quay.io", "https://quay.io:8443/auth", Trust::Secrets),
            ("quay.io", "https://QUAY.io/auth", Trust::Secrets),
            ("quay.io", "https://auth.quay.io/token", Trust::Nothing),
            ("quay.io", "https://quay.io.evil.org/token", Trust::Nothing),
            ("quay.io", "https://evil.org/quay.io", Trust::Nothing),
            ("quay.io", "https://auth.docker.io/token", Trust::Nothing),
            ("docker.io", "https://auth.docker.io/token", Trust::Secrets),
            ("docker.io", "http://auth.docker.io/token", Trust::Nothing),
            (
                "docker.io",
                "https://auth.docker.io.evil.org/token",
                Trust::Nothing,
            ),
            (
                "reg.corp",
                "https://login.corp:8443/token?x=y",
                Trust::Secrets,
            ),
            ("reg.corp", "https://login.corp/token", Trust::Nothing),
            (
                "localhost:5000",
                "http://localhost:5001/token",
                Trust::Secrets,
            ),
        ];
        for (registry, realm, trust) in table {
            let server = registries()
                .registry(&Host::parse(registry).expect(registry))
                .expect(registry);
            let located = Realm::locate(realm, &server, &registries()).expect(realm);
            assert_eq!(located.trust, trust, "{registry} sends us to {realm}");
        }
    }

    #[test]
    fn a_trust_server_that_a_policy_names_gets_no_credentials_unless_it_is_on_the_registrys_host() {
        let table = [
            ("quay.io", "https://quay.io:4443", Trust::Secrets),
            ("quay.io", "https://notary.quay.io", Trust::Nothing),
            ("quay.io", "https://evil.org", Trust::Nothing),
        ];
        for (registry, url, trust) in table {
            let registry = Host::parse(registry).expect("a host");
            let server = registries().named_by_policy(url, &registry).expect(url);
            let realm = format!("{url}/token");
            assert_eq!(
                Realm::locate(&realm, &server, &registries())
                    .expect(url)
                    .trust,
                trust,
                "{url}"
            );
        }
    }

    #[test]
    fn a_realm_that_is_no_url_of_a_server_is_refused() {
        let server = registries()
            .registry(&Host::parse("quay.io").expect("a host"))
            .expect("a server");
        for realm in [
            "",
            "auth",
            "/token",
            "ftp://quay.io/",
            "https://user:pw@quay.io/token",
            "data:,x",
            "https://",
        ] {
            assert_eq!(
                Realm::locate(realm, &server, &registries()).err(),
                Some(ChallengeError::BadRealm),
                "{realm}"
            );
        }
    }
}
