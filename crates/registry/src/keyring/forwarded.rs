//! Credentials on their way to another process of this program, which asks the same registry on the same behalf.

use cise_reference::Repository;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::{DockerConfig, DockerConfigError, Keyring};
use crate::credential::{Credential, Secret};

impl Keyring {
    /// The credentials that may do for a repository, and no other, in the order in which they are tried: each a docker
    /// configuration of its own, so that what reads pull secrets reads them too.
    pub fn forwarded(&self, repository: &Repository) -> Vec<SecretString> {
        let host = repository.host().as_str();
        let candidates = self.candidates(repository);
        let documents = candidates.iter().map(|candidate| {
            let document = json!({ "auths": { host: fields(&candidate.credential) } });
            SecretString::from(document.to_string())
        });
        documents.collect()
    }

    /// The credentials that another process [forwarded](Self::forwarded). `origin` names it for people.
    pub fn of_forwarded<'d>(
        origin: &str,
        documents: impl IntoIterator<Item = &'d SecretString>,
    ) -> Result<Self, DockerConfigError> {
        let documents: Vec<DockerConfig> = documents
            .into_iter()
            .map(|one| DockerConfig::from_config_json(origin, one.expose_secret().as_bytes()))
            .collect::<Result<_, _>>()?;
        Ok(Self::new(&documents))
    }
}

fn fields(credential: &Credential) -> Value {
    match credential.secret() {
        Secret::Basic { username, password } => {
            json!({ "username": username, "password": password.expose_secret() })
        }
        Secret::IdentityToken(token) => json!({ "identitytoken": token.expose_secret() }),
        Secret::RegistryToken(token) => json!({ "registrytoken": token.expose_secret() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyring() -> Keyring {
        let json = json!({ "auths": {
            "https://index.docker.io/v1/": { "username": "hub", "password": "p\"1" },
            "registry.example.com:5000/v2/team": { "identitytoken": "t1" },
            "registry.example.com:5000": { "username": "zoe", "password": "p2" },
            "*.example.com:5000": { "registrytoken": "t2" },
            "other.example.com": { "username": "bob", "password": "p3" },
        }});
        let config = DockerConfig::from_config_json("test", json.to_string().as_bytes()).unwrap();
        Keyring::new([&config])
    }

    #[test]
    fn the_other_process_tries_the_same_credentials_in_the_same_order() {
        for (name, count) in [
            ("docker.io/library/nginx", 1),
            ("registry.example.com:5000/team/app", 3),
            ("registry.example.com:5000/v2/app", 2),
            ("other.example.com/app", 1),
            ("nobody.example.org/app", 0),
        ] {
            let repository = Repository::parse(name).unwrap();
            let documents = keyring().forwarded(&repository);
            assert_eq!(documents.len(), count, "{name}");
            let read = Keyring::of_forwarded("the webhook", &documents).unwrap();
            let (ours, theirs) = (
                keyring().candidates(&repository),
                read.candidates(&repository),
            );
            assert_eq!(ours.fingerprint(), theirs.fingerprint(), "{name}");
        }
    }

    #[test]
    fn credentials_of_other_registries_stay_here() {
        let repository = Repository::parse("other.example.com/app").unwrap();
        for document in keyring().forwarded(&repository) {
            let text = document.expose_secret();
            assert!(text.contains("p3") && !text.contains("p2") && !text.contains("t1"));
        }
    }
}
