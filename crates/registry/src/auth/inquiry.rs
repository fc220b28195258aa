//! Asking a token server for a token.
//!
//! Sources: the distribution project's "Token Authentication Specification" (GET) and "Token Authentication with OAuth 2"
//! (POST).

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, StatusCode};
use secrecy::ExposeSecret;
use tokio::time::Instant;
use url::Url;
use url::form_urlencoded::Serializer;

use super::challenge::{Bearer, ChallengeError};
use super::header::basic;
use super::login::Login;
use super::realm::{Realm, Trust};
use super::scope::Scope;
use super::token::{Token, TokenError};
use crate::credential::{Credential, Fingerprint, Secret};
use crate::deadline::Deadline;
use crate::error::{FetchError, Reason};
use crate::http::wire::{Query, Wire};
use crate::limit::ByteLimit;
use crate::progress::{Progress, Step};
use crate::server::Server;

const ANSWER_LIMIT: ByteLimit = ByteLimit::kibibytes(256);
const CLIENT_ID: &str = "cise";

/// What is asked of a token server, and as whom.
pub(super) struct Inquiry {
    key: TokenKey,
    realm: Realm,
    login: Option<Credential>,
}

/// Everything that a token depends on. The server is in it, so that no server gets a token that another one's challenge
/// brought.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct TokenKey {
    server: Url,
    realm: Url,
    service: Option<String>,
    scope: Scope,
    login: Option<Fingerprint>,
}

impl Inquiry {
    /// The inquiry to which `server` sends us. A token server that may not see the credential is asked anonymously.
    pub(super) fn new(
        bearer: &Bearer,
        server: &Server,
        scope: &Scope,
        login: Login<'_>,
        wire: &Wire,
    ) -> Result<Self, ChallengeError> {
        let realm = Realm::locate(&bearer.realm, server, wire.registries())?;
        let login = login
            .credential()
            .filter(|_| realm.trust == Trust::Secrets)
            .cloned();
        let key = TokenKey {
            server: server.url().clone(),
            realm: realm.url.clone(),
            service: bearer.service.clone(),
            scope: scope.narrowed(bearer.scope.as_deref()),
            login: login.as_ref().map(Credential::fingerprint),
        };
        Ok(Self { key, realm, login })
    }

    pub(super) fn key(&self) -> &TokenKey {
        &self.key
    }

    pub(super) fn host(&self) -> String {
        self.realm.host()
    }

    pub(super) fn is_anonymous(&self) -> bool {
        self.login.is_none()
    }

    /// Asks. A user's token is asked for by GET, or by POST where the server knows that only; an identity token's by POST.
    pub(super) async fn send(&self, wire: &Wire, progress: &Progress) -> Result<Token, FetchError> {
        let ask = async |query: Query| self.exchange(&query, wire, progress).await;
        let answer = match self.login.as_ref().map(Credential::secret) {
            None | Some(Secret::RegistryToken(_)) => ask(self.get(None)).await?,
            Some(Secret::IdentityToken(token)) => {
                ask(self.post(&[
                    ("grant_type", "refresh_token"),
                    ("refresh_token", token.expose_secret()),
                ]))
                .await?
            }
            Some(Secret::Basic { username, password }) => {
                let password = password.expose_secret();
                let header = basic(username, password)
                    .map_err(|error| self.failed(TokenError::from(error)))?;
                match ask(self.get(Some((username, header)))).await? {
                    Err(StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED) => {
                        let user = [("username", username.as_str()), ("password", password)];
                        ask(self.post(&[&[("grant_type", "password")], &user[..]].concat())).await?
                    }
                    answer => answer,
                }
            }
        };
        answer.map_err(|status| self.failed(refusal(status)))
    }

    fn get(&self, login: Option<(&str, HeaderValue)>) -> Query {
        let mut url = self.realm.url.clone();
        let account = login.as_ref().map(|(username, _)| ("account", *username));
        url.query_pairs_mut()
            .extend_pairs(self.wanted().chain(account));
        let mut query = Query::get(url);
        query
            .headers
            .extend(login.map(|(_, header)| (AUTHORIZATION, header)));
        query
    }

    fn post(&self, grant: &[(&str, &str)]) -> Query {
        let mut form = Serializer::new(String::new());
        form.extend_pairs(grant)
            .append_pair("client_id", CLIENT_ID)
            .extend_pairs(self.wanted());
        Query::form(self.realm.url.clone(), form.finish())
    }

    fn wanted(&self) -> impl Iterator<Item = (&str, &str)> {
        let service = self
            .key
            .service
            .as_deref()
            .map(|service| ("service", service));
        service
            .into_iter()
            .chain([("scope", self.key.scope.as_str())])
    }

    /// One request: a token, or the status that is instead of one.
    async fn exchange(
        &self,
        query: &Query,
        wire: &Wire,
        progress: &Progress,
    ) -> Result<Result<Token, StatusCode>, FetchError> {
        let deadline = Deadline::after(wire.longest());
        let reply = wire
            .exchange(&self.realm.channel, query, Step::Token, progress, deadline)
            .await?;
        if reply.status() != StatusCode::OK {
            return Ok(Err(reply.status()));
        }
        let (received, headers) = (Instant::now(), reply.headers().clone());
        let body = reply
            .into_body(ANSWER_LIMIT, deadline)
            .collect(None)
            .await?;
        Token::read(&body, &headers, received)
            .map(Ok)
            .map_err(|error| self.failed(error))
    }

    fn failed(&self, reason: impl Into<Reason>) -> FetchError {
        FetchError::new(&self.host(), Step::Token, reason)
    }
}

/// 400 is how OAuth 2 refuses a grant (RFC 6749 §5.2).
fn refusal(status: StatusCode) -> Reason {
    match status {
        StatusCode::BAD_REQUEST => Reason::Unauthorized,
        status => Reason::of_status(status, &HeaderMap::new()),
    }
}
