use std::sync::Arc;

use cise_policy::TrustServer;

use super::tuf::{BadKey, BadRoleName, Fingerprint, PublicKey, RoleName};

/// How many bytes a signer's name or key may have.
const MAX_SECRET: usize = 64 << 10;

/// What a policy entry asks of content trust, compiled: which trust server, and who must have signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    server: Option<TrustServer>,
    signers: Box<[Signer]>,
    roles: Arc<[RoleName]>,
}

/// A signer whose signature is required.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    name: Box<str>,
    role: RoleName,
    fingerprint: Fingerprint,
    secret: Box<str>,
}

/// The contents of a Secret that names a signer: the keys `name` and `publicKey`.
#[derive(Debug, Clone, Copy)]
pub struct SignerSecret<'s> {
    /// The name of the Secret, for messages.
    pub secret: &'s str,
    /// The value of `name`: the name that `docker trust signer add` was given. It may end in a newline.
    pub name: Option<&'s [u8]>,
    /// The value of `publicKey`: PEM of the key or of a certificate, with or without Docker's `role:` header.
    pub public_key: Option<&'s [u8]>,
}

/// A Secret that names no signer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignerError {
    /// The Secret does not exist.
    #[error("Secret `{secret}`, which names a required signer, does not exist")]
    NoSecret {
        /// The Secret.
        secret: Box<str>,
    },
    /// A key of the Secret is missing.
    #[error("Secret `{secret}` has no key `{key}`, which names a signer's {what}")]
    Missing {
        /// The Secret.
        secret: Box<str>,
        /// Its key.
        key: &'static str,
        /// What belongs there.
        what: &'static str,
    },
    /// A key of the Secret is larger than it may be.
    #[error("key `{key}` of Secret `{secret}` is larger than {MAX_SECRET} bytes")]
    TooLarge {
        /// The Secret.
        secret: Box<str>,
        /// Its key.
        key: &'static str,
    },
    /// A key of the Secret is no text.
    #[error("key `{key}` of Secret `{secret}` is no UTF-8 text")]
    NoText {
        /// The Secret.
        secret: Box<str>,
        /// Its key.
        key: &'static str,
    },
    /// The name is none that a signer can have.
    #[error("key `name` of Secret `{secret}` is no name of a signer: {source}")]
    Name {
        /// The Secret.
        secret: Box<str>,
        /// What is wrong.
        source: BadRoleName,
    },
    /// The name is that of the role in which tags are released.
    #[error("key `name` of Secret `{secret}` is `releases`, which is no signer's name")]
    Releases {
        /// The Secret.
        secret: Box<str>,
    },
    /// The public key is none.
    #[error("key `publicKey` of Secret `{secret}` holds no public key: {source}")]
    Key {
        /// The Secret.
        secret: Box<str>,
        /// What is wrong.
        source: BadKey,
    },
}

impl Requirement {
    /// Content trust by `server`, or by that of the configuration, with the signatures of all of `signers`; of anybody if
    /// there are none.
    pub fn new(server: Option<TrustServer>, signers: Vec<Signer>) -> Self {
        let mut roles: Vec<_> = signers.iter().map(|signer| signer.role.clone()).collect();
        roles.push(RoleName::releases());
        roles.sort();
        roles.dedup();
        Self {
            server,
            signers: signers.into(),
            roles: roles.into(),
        }
    }

    /// Compiles the `trust` of a policy entry. `secrets` must have the contents of every signer secret that it names.
    pub fn compile(
        trust: &cise_policy::Trust,
        secrets: &[SignerSecret<'_>],
    ) -> Result<Self, SignerError> {
        let signer = |name: &cise_policy::SecretName| {
            let found = secrets.iter().find(|secret| secret.secret == name.as_str());
            Signer::from_secret(found.ok_or_else(|| SignerError::NoSecret {
                secret: name.as_str().into(),
            })?)
        };
        let signers = trust
            .signer_secrets
            .iter()
            .map(signer)
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self::new(trust.server.clone(), signers))
    }

    /// The trust server that the policy names.
    pub fn server(&self) -> Option<&TrustServer> {
        self.server.as_ref()
    }

    /// The signers, all of whom must have signed.
    pub fn signers(&self) -> &[Signer] {
        &self.signers
    }

    /// The delegations that must be known to answer, sorted.
    pub(crate) fn roles(&self) -> &Arc<[RoleName]> {
        &self.roles
    }
}

impl Signer {
    /// Reads a signer's Secret.
    pub fn from_secret(given: &SignerSecret<'_>) -> Result<Self, SignerError> {
        let secret: Box<str> = given.secret.into();
        let name = text(&secret, "name", "name", given.name)?.trim_end_matches(['\r', '\n']);
        let key = text(&secret, "publicKey", "public key", given.public_key)?;
        let role = RoleName::signer(name).map_err(|source| SignerError::Name {
            secret: secret.clone(),
            source,
        })?;
        if role == RoleName::releases() {
            return Err(SignerError::Releases { secret });
        }
        let key = PublicKey::from_pem(key).map_err(|source| SignerError::Key {
            secret: secret.clone(),
            source,
        })?;
        Ok(Self {
            name: name.into(),
            role,
            fingerprint: key.fingerprint(),
            secret,
        })
    }

    /// The signer's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The Secret that it came from.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    pub(crate) fn role(&self) -> &RoleName {
        &self.role
    }

    pub(crate) fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }
}

fn text<'s>(
    secret: &str,
    key: &'static str,
    what: &'static str,
    value: Option<&'s [u8]>,
) -> Result<&'s str, SignerError> {
    let secret: Box<str> = secret.into();
    match value {
        None => Err(SignerError::Missing { secret, key, what }),
        Some(bytes) if bytes.len() > MAX_SECRET => Err(SignerError::TooLarge { secret, key }),
        Some(bytes) => std::str::from_utf8(bytes).map_err(|_| SignerError::NoText { secret, key }),
    }
}

#[cfg(test)]
mod tests {
    use cise_policy::{SecretName, Trust};

    use super::super::forge::ForgedKey;
    use super::*;

    fn refused(name: Option<&[u8]>, public_key: Option<&[u8]>) -> String {
        Signer::from_secret(&SignerSecret {
            secret: "team-key",
            name,
            public_key,
        })
        .unwrap_err()
        .to_string()
    }

    #[test]
    fn a_secret_that_names_no_signer_is_refused_with_its_name_and_key() {
        let pem = ForgedKey::new("alice").public_pem;
        let key = Some(pem.as_bytes());
        let large = vec![b'a'; MAX_SECRET + 1];
        for (name, key, expected) in [
            (None, key, "Secret `team-key` has no key `name`"),
            (
                Some(&b"alice"[..]),
                None,
                "Secret `team-key` has no key `publicKey`",
            ),
            (
                Some(b"\xff"),
                key,
                "key `name` of Secret `team-key` is no UTF-8 text",
            ),
            (
                Some(&large),
                key,
                "key `name` of Secret `team-key` is larger",
            ),
            (
                Some(b""),
                key,
                "key `name` of Secret `team-key` is no name of a signer",
            ),
            (Some(b"Alice"), key, "is no name of a signer"),
            (Some(b"../root"), key, "is no name of a signer"),
            (Some(b"alice bob"), key, "is no name of a signer"),
            (
                Some(b"releases"),
                key,
                "`releases`, which is no signer's name",
            ),
            (
                Some(b"alice"),
                Some(b"ssh-ed25519 AAAA"),
                "key `publicKey` of Secret `team-key` holds no public key",
            ),
            (Some(b"alice"), Some(b""), "holds no public key"),
        ] {
            let error = refused(name, key);
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn every_secret_that_the_policy_names_must_be_there() {
        let pems = ["alice", "bob"].map(|name| ForgedKey::new(name).public_pem);
        let [alice, bob] = &pems;
        let trust = Trust {
            server: None,
            signer_secrets: vec![
                SecretName::parse("a").unwrap(),
                SecretName::parse("b").unwrap(),
            ],
        };
        let secret = |secret, name: &'static str, key: &'static str| SignerSecret {
            secret,
            name: Some(name.as_bytes()),
            public_key: Some(key.as_bytes()),
        };
        let (alice, bob) = (alice.clone().leak(), bob.clone().leak());
        let both = Requirement::compile(
            &trust,
            &[secret("b", "bob\n", bob), secret("a", "alice", alice)],
        )
        .unwrap();
        let names: Vec<_> = both.signers().iter().map(Signer::name).collect();
        assert_eq!(names, ["alice", "bob"]);
        let roles: Vec<_> = both.roles().iter().map(RoleName::as_str).collect();
        assert_eq!(roles, ["targets/alice", "targets/bob", "targets/releases"]);

        let missing = Requirement::compile(&trust, &[secret("a", "alice", alice)]).unwrap_err();
        assert_eq!(missing, SignerError::NoSecret { secret: "b".into() });
    }
}
