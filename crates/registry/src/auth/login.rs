//! As whom a server is asked, and the header that says so.

use http::HeaderValue;
use secrecy::ExposeSecret;

use super::challenge::ChallengeError;
use super::header::{basic, bearer};
use super::token::TokenError;
use crate::credential::{Candidate, Candidates, Credential, Secret};
use crate::error::Reason;
use crate::server::Server;

/// As whom a server is asked: with a credential that it may see, or anonymously.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Login<'a>(Option<&'a Candidate>);

/// What meets a challenge.
#[derive(Clone, Debug)]
pub(crate) struct Authorization {
    /// The `Authorization` header.
    pub(crate) header: Option<HeaderValue>,
    /// Whether it is from memory.
    pub(crate) age: Age,
    /// The token server to which the credential was not shown, so that the token is an anonymous one.
    pub(crate) withheld_from: Option<String>,
}

/// Whether something is from memory, so that another may be needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    /// From memory, or nothing at all.
    Kept,
    /// Got for this request.
    New,
}

impl<'a> Login<'a> {
    /// As whom to ask `server`, in this order: as each candidate, or anonymously without any. A server that may not see
    /// secrets is asked anonymously only.
    pub(crate) fn all(candidates: &'a Candidates, server: &Server) -> Vec<Self> {
        if candidates.is_empty() || !server.may_see_secrets() {
            return vec![Self(None)];
        }
        candidates
            .iter()
            .map(|candidate| Self(Some(candidate)))
            .collect()
    }

    pub(crate) fn candidate(self) -> Option<&'a Candidate> {
        self.0
    }

    pub(super) fn credential(self) -> Option<&'a Credential> {
        self.0.map(|candidate| &candidate.credential)
    }

    /// The header for a server that wants a user name and a password.
    pub(super) fn basic(self) -> Result<Authorization, Reason> {
        match self.credential().map(Credential::secret) {
            None => Err(Reason::Unauthorized),
            Some(Secret::Basic { username, password }) => {
                let header = basic(username, password.expose_secret()).map_err(TokenError::from)?;
                Ok(Authorization::with(header))
            }
            Some(Secret::IdentityToken(_) | Secret::RegistryToken(_)) => {
                Err(ChallengeError::TokenForBasic.into())
            }
        }
    }

    /// The header for a server that wants a token, where the credential is one already.
    pub(super) fn registry_token(self) -> Option<Result<Authorization, TokenError>> {
        match self.credential()?.secret() {
            Secret::RegistryToken(token) => {
                let header = bearer(token.expose_secret()).map_err(TokenError::from);
                Some(header.map(Authorization::with))
            }
            Secret::Basic { .. } | Secret::IdentityToken(_) => None,
        }
    }
}

impl Authorization {
    pub(crate) fn none() -> Self {
        Self {
            header: None,
            age: Age::Kept,
            withheld_from: None,
        }
    }

    fn with(header: HeaderValue) -> Self {
        Self {
            header: Some(header),
            age: Age::New,
            withheld_from: None,
        }
    }
}
