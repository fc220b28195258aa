//! Pull credentials. None of them can be printed, and each is told from others by a fingerprint only.

use std::fmt;
use std::sync::{Arc, LazyLock};

use aws_lc_rs::digest;
use aws_lc_rs::hmac;
use secrecy::{ExposeSecret, SecretString};

/// One credential for a registry. Cloning is cheap.
#[derive(Clone)]
pub struct Credential {
    secret: Arc<Secret>,
    fingerprint: Fingerprint,
}

/// The kinds of credentials that docker's configuration knows.
pub(crate) enum Secret {
    /// A user name and a password.
    Basic {
        /// The user name.
        username: String,
        /// The password.
        password: SecretString,
    },
    /// An OAuth 2 refresh token, to be exchanged for a token of the registry.
    IdentityToken(SecretString),
    /// A token of the registry itself.
    RegistryToken(SecretString),
}

/// What tells credentials apart in keys of caches: a MAC with a key that each process draws at random, so that it is of no use
/// to anybody who sees it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

/// A credential that may do for a repository, and where it comes from.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The credential.
    pub credential: Credential,
    /// Where it comes from, for people: the secret and the key in it.
    pub origin: Arc<str>,
}

/// The credentials that may do for one repository, in the order in which they are tried.
#[derive(Clone, Debug)]
pub struct Candidates {
    list: Vec<Candidate>,
    fingerprint: Fingerprint,
}

impl Credential {
    /// A user name and a password.
    pub fn basic(username: &str, password: SecretString) -> Self {
        let fingerprint = Fingerprint::of(&[
            b"basic",
            username.as_bytes(),
            password.expose_secret().as_bytes(),
        ]);
        Self {
            secret: Arc::new(Secret::Basic {
                username: username.to_owned(),
                password,
            }),
            fingerprint,
        }
    }

    /// An OAuth 2 refresh token, which docker calls an identity token.
    pub fn identity_token(token: SecretString) -> Self {
        let fingerprint = Fingerprint::of(&[b"identity", token.expose_secret().as_bytes()]);
        Self {
            secret: Arc::new(Secret::IdentityToken(token)),
            fingerprint,
        }
    }

    /// A token that the registry takes as it is.
    pub fn registry_token(token: SecretString) -> Self {
        let fingerprint = Fingerprint::of(&[b"registry", token.expose_secret().as_bytes()]);
        Self {
            secret: Arc::new(Secret::RegistryToken(token)),
            fingerprint,
        }
    }

    /// What tells it from others.
    pub const fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    pub(crate) fn secret(&self) -> &Secret {
        &self.secret
    }
}

impl Candidates {
    /// These credentials, in this order.
    pub fn new(list: Vec<Candidate>) -> Self {
        let fingerprint = Fingerprint::of_all(
            list.iter()
                .map(|candidate| candidate.credential.fingerprint),
        );
        Self { list, fingerprint }
    }

    /// No credential: the request is anonymous.
    pub fn anonymous() -> Self {
        Self::new(Vec::new())
    }

    /// What tells these credentials, as a list, from others. What is kept for one caller is kept under it.
    pub const fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The credentials in the order in which they are tried.
    pub fn iter(&self) -> std::slice::Iter<'_, Candidate> {
        self.list.iter()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

impl<'a> IntoIterator for &'a Candidates {
    type Item = &'a Candidate;
    type IntoIter = std::slice::Iter<'a, Candidate>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Fingerprint {
    /// The fingerprint of a list, in which the order counts.
    pub(crate) fn of_all(list: impl IntoIterator<Item = Self>) -> Self {
        let list: Vec<Self> = list.into_iter().collect();
        let parts: Vec<&[u8]> = list.iter().map(|fingerprint| &fingerprint.0[..]).collect();
        Self::of(&parts)
    }

    /// Each part counts with its length, so that no two lists of parts look alike.
    fn of(parts: &[&[u8]]) -> Self {
        let mut mac = hmac::Context::with_key(&KEY);
        for part in parts {
            mac.update(&part.len().to_be_bytes());
            mac.update(part);
        }
        let tag = mac.sign();
        let mut bytes = [0; 32];
        bytes
            .iter_mut()
            .zip(tag.as_ref())
            .for_each(|(to, from)| *to = *from);
        Self(bytes)
    }
}

static KEY: LazyLock<hmac::Key> = LazyLock::new(|| {
    let mut key = [0; digest::SHA256_OUTPUT_LEN];
    // The system's generator does not fail once it works; a process without one cannot speak TLS either.
    let _ = aws_lc_rs::rand::fill(&mut key);
    hmac::Key::new(hmac::HMAC_SHA256, &key)
});

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self.secret {
            Secret::Basic { .. } => "Credential::Basic(…)",
            Secret::IdentityToken(_) => "Credential::IdentityToken(…)",
            Secret::RegistryToken(_) => "Credential::RegistryToken(…)",
        })
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprint(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_tell_every_two_credentials_apart() {
        let credentials = [
            Credential::basic("alice", "secret".into()),
            Credential::basic("alice", "Secret".into()),
            Credential::basic("alices", "ecret".into()),
            Credential::identity_token("secret".into()),
            Credential::registry_token("secret".into()),
        ];
        for (i, one) in credentials.iter().enumerate() {
            for (j, other) in credentials.iter().enumerate() {
                assert_eq!(one.fingerprint() == other.fingerprint(), i == j);
            }
        }
        assert_eq!(
            Credential::basic("alice", "secret".into()).fingerprint(),
            credentials[0].fingerprint()
        );
    }

    #[test]
    fn the_order_of_candidates_counts() {
        let candidate = |name: &str| Candidate {
            credential: Credential::basic(name, "x".into()),
            origin: "test".into(),
        };
        let ab = Candidates::new(vec![candidate("a"), candidate("b")]);
        let ba = Candidates::new(vec![candidate("b"), candidate("a")]);
        assert_ne!(ab.fingerprint(), ba.fingerprint());
        assert_ne!(ab.fingerprint(), Candidates::anonymous().fingerprint());
    }

    #[test]
    fn debug_prints_no_secret_and_no_user() {
        let candidate = Candidate {
            credential: Credential::basic("alice", "hunter2".into()),
            origin: "Secret team/pull".into(),
        };
        let text = format!("{:?}", Candidates::new(vec![candidate]));
        assert!(
            !text.contains("hunter2") && !text.contains("alice"),
            "{text}"
        );
    }
}
