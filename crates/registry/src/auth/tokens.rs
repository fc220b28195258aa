//! What is kept of authentication: challenges, and the tokens that met them.

use http::HeaderValue;
use moka::sync::Cache;
use tokio::time::Instant;
use url::Url;

use super::challenge::{Challenge, ChallengeError};
use super::inquiry::{Inquiry, TokenKey};
use super::login::{Age, Authorization, Login};
use super::scope::Scope;
use super::token::Token;
use crate::deadline::Deadline;
use crate::error::{FetchError, Reason};
use crate::flight::{FlightBounds, FlightError, Flights, Party};
use crate::http::wire::Wire;
use crate::progress::{Progress, Step};
use crate::server::Server;

const MAX_KEPT: u64 = 10_000;

/// The tokens and challenges that are kept, each token for the one credential that it was given for. Cloning shares them.
#[derive(Clone)]
pub(crate) struct Tokens {
    kept: Cache<TokenKey, Token>,
    challenges: Cache<(Url, Scope), Challenge>,
    flights: Flights<TokenKey, Result<Token, FetchError>>,
}

/// A request for authorization, with what it depends on.
pub(crate) struct Petition<'a> {
    pub(crate) server: &'a Server,
    pub(crate) scope: &'a Scope,
    pub(crate) login: Login<'a>,
    /// The header that was refused.
    pub(crate) refused: Option<&'a HeaderValue>,
    pub(crate) party: &'a Party,
    pub(crate) progress: &'a Progress,
    pub(crate) deadline: Deadline,
}

impl Tokens {
    pub(crate) fn new(bounds: FlightBounds) -> Self {
        Self {
            kept: Cache::new(MAX_KEPT),
            challenges: Cache::new(MAX_KEPT),
            flights: Flights::new(bounds),
        }
    }

    /// How many tokens are kept.
    pub(crate) fn kept(&self) -> u64 {
        self.kept.run_pending_tasks();
        self.kept.entry_count()
    }

    /// The challenge with which the server answered for this scope before.
    pub(crate) fn known_challenge(&self, server: &Server, scope: &Scope) -> Option<Challenge> {
        self.challenges.get(&(server.url().clone(), scope.clone()))
    }

    pub(crate) fn remember(&self, server: &Server, scope: &Scope, challenge: &Challenge) {
        self.challenges
            .insert((server.url().clone(), scope.clone()), challenge.clone());
    }

    pub(crate) fn forget(&self, server: &Server, scope: &Scope) {
        self.challenges
            .invalidate(&(server.url().clone(), scope.clone()));
    }

    /// The header that meets `challenge`.
    pub(crate) async fn authorize(
        &self,
        challenge: &Challenge,
        petition: &Petition<'_>,
        wire: &Wire,
    ) -> Result<Authorization, FetchError> {
        let &Petition {
            server,
            scope,
            login,
            ..
        } = petition;
        let refused = |reason: Reason| FetchError::new(&server.host(), Step::Fetch, reason);
        let bearer = match challenge {
            Challenge::Basic => return login.basic().map_err(refused),
            Challenge::Bearer(bearer) => bearer,
        };
        if let Some(authorization) = login.registry_token() {
            return authorization.map_err(|error| refused(error.into()));
        }
        let inquiry = Inquiry::new(bearer, server, scope, login, wire)
            .map_err(|error| refused(error.into()))?;
        let realm = inquiry.host();
        let withheld = inquiry.is_anonymous() && login.credential().is_some();
        match self.token(inquiry, petition, wire).await {
            Ok((header, age)) => Ok(Authorization {
                header: Some(header),
                age,
                withheld_from: withheld.then_some(realm),
            }),
            Err(error) if withheld && error.is_refusal() => {
                Err(refused(ChallengeError::ForeignRealm { realm }.into()))
            }
            Err(error) => Err(error),
        }
    }

    /// A token that is kept, unless it is about to expire or the very one that was refused; else a new one.
    async fn token(
        &self,
        inquiry: Inquiry,
        petition: &Petition<'_>,
        wire: &Wire,
    ) -> Result<(HeaderValue, Age), FetchError> {
        let kept = self
            .kept
            .get(inquiry.key())
            .filter(|token| Instant::now() < token.renew_at);
        if let Some(token) = kept.filter(|token| Some(&token.header) != petition.refused) {
            return Ok((token.header, Age::Kept));
        }
        let host = inquiry.host();
        petition.progress.reached(Step::Token, &host);
        let landed = self.fetch(inquiry, petition, wire).await;
        let token = landed.map_err(|error| FetchError::new(&host, Step::Token, error))??;
        Ok((token.header, Age::New))
    }

    /// Joins the flight that fetches this token. The flight has its own time, and keeps what it brings.
    async fn fetch(
        &self,
        inquiry: Inquiry,
        petition: &Petition<'_>,
        wire: &Wire,
    ) -> Result<Result<Token, FetchError>, FlightError> {
        let (key, party) = (inquiry.key().clone(), petition.party.at(&inquiry.host()));
        let (kept, wire) = (self.kept.clone(), wire.clone());
        let work = |progress: Progress| async move {
            let token = inquiry.send(&wire, &progress).await?;
            kept.insert(inquiry.key().clone(), token.clone());
            Ok(token)
        };
        self.flights
            .join(key, &party, work)?
            .by(petition.deadline)
            .await
    }
}
