//! Fetching a document from any server that speaks with registry-style authentication.

mod act;
mod content;
pub(crate) mod date;
mod download;
mod pauses;
mod retries;
pub(crate) mod retry_after;
pub(crate) mod wire;

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, LINK};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::auth::{Age, Authorization, Challenge, ChallengeError, Login, Petition, Scope, Tokens};
use crate::credential::{Candidate, Candidates};
use crate::deadline::Deadline;
use crate::error::{FetchError, Reason, Refused};
use crate::flight::{FlightBounds, Party};
use crate::limit::ByteLimit;
use crate::progress::{Progress, Step};
use crate::room::Room;
use crate::server::Server;
use crate::settings::Registries;
use wire::{Reply, Wire};

pub(crate) use act::Act;
pub use content::Content;
pub use download::{Download, Downloaded, Validators};
pub use retries::Retries;
pub use wire::Body;

/// Fetches documents. What it keeps (tokens, challenges, pauses that servers asked for) is kept per credential, and per host.
/// Cloning shares all of it.
#[derive(Clone)]
pub struct Http {
    wire: Wire,
    tokens: Tokens,
}

/// A question to a server.
#[derive(Clone, Copy, Debug)]
pub struct Get<'a> {
    /// The server.
    pub server: &'a Server,
    /// The path below the server's URL, beginning with `/`, with its query if there is one.
    pub path: &'a str,
    /// The media types that will do, as the `Accept` header has them.
    pub accept: &'a str,
    /// What a token is asked for.
    pub scope: &'a Scope,
    /// The credentials that may do. They are not presented to a server that may not see them.
    pub candidates: &'a Candidates,
    /// On whose behalf.
    pub party: &'a Party,
    /// Where the work notes how far it is.
    pub progress: &'a Progress,
    /// The most bytes of the answer.
    pub limit: ByteLimit,
    /// Where the answer counts, as one of the party's host, for as long as it is held; nowhere if nothing is named.
    pub room: Option<&'a Room>,
    /// Until when.
    pub deadline: Deadline,
}

/// What a server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// The document. Nothing about it is verified.
    Found(Document),
    /// 404: it has no such document, or shows none to any of the credentials.
    NotFound,
}

/// A document as a server sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The bytes.
    pub body: Bytes,
    /// The `Content-Type` that the server claims.
    pub content_type: Option<String>,
    /// The `Link` header, where lists name their next page.
    pub link: Option<String>,
    /// The `OCI-Filters-Applied` header.
    pub filters_applied: Option<String>,
}

const OCI_FILTERS_APPLIED: HeaderName = HeaderName::from_static("oci-filters-applied");

/// How often what meets a challenge is got anew for one request.
const MAX_RENEWALS: usize = 2;

impl Http {
    /// A client for these registries; the bounds are those of token requests.
    pub fn new(registries: Registries, bounds: FlightBounds) -> Self {
        Self {
            wire: Wire::new(registries, bounds.longest),
            tokens: Tokens::new(bounds),
        }
    }

    /// The same, but requests that fail for a while are sent again like this.
    #[must_use]
    pub fn with_retries(self, retries: Retries) -> Self {
        Self {
            wire: self.wire.with_retries(retries),
            ..self
        }
    }

    /// The table of registries.
    pub fn registries(&self) -> &Registries {
        self.wire.registries()
    }

    /// How many tokens are kept.
    pub fn kept_tokens(&self) -> u64 {
        self.tokens.kept()
    }

    /// Asks. Each candidate is tried in turn until one is accepted; without any, the request is anonymous. If none is accepted,
    /// the reason of each is in the error.
    ///
    /// Authentication, redirects (without credentials as soon as they leave the server) and pauses that the server asks for
    /// happen in here.
    pub async fn get(&self, get: Get<'_>) -> Result<Fetched, FetchError> {
        match self.act(&get, &Act::get()).await? {
            Some(reply) => document(reply, &get).await.map(Fetched::Found),
            None => Ok(Fetched::NotFound),
        }
    }

    /// Asks as [`get`](Self::get) does, and leaves the body to be read piece by piece; nothing on 404. Its bound and its
    /// deadline are those of the question.
    pub async fn open(&self, get: Get<'_>) -> Result<Option<Body>, FetchError> {
        let reply = self.act(&get, &Act::get()).await?;
        Ok(reply.map(|reply| reply.into_body(get.limit, get.deadline)))
    }

    /// The head of the answer that says that it is done; nothing if what it concerns is shown to none of the candidates.
    pub(crate) async fn act(&self, get: &Get<'_>, act: &Act) -> Result<Option<Reply>, FetchError> {
        let mut refused = Vec::new();
        let mut not_found = false;
        for login in Login::all(get.candidates, get.server) {
            // On the heap, so that the futures of those who ask stay small.
            match Box::pin(self.act_as(login, get, act)).await {
                Ok(None) => not_found = true,
                Ok(found) => return Ok(found),
                Err(error) if error.is_refusal() => refused.push((login.candidate(), error)),
                Err(error) => return Err(error),
            }
        }
        if not_found {
            Ok(None)
        } else {
            Err(all_refused(refused, get.server))
        }
    }

    /// Asks as one of the candidates: with what the server wanted last time, then with what it wants now. What is kept may
    /// help, but it refuses nobody: a refusal stands only if it is of what was got for this very request.
    async fn act_as(
        &self,
        login: Login<'_>,
        get: &Get<'_>,
        act: &Act,
    ) -> Result<Option<Reply>, FetchError> {
        let known = self.tokens.known_challenge(get.server, get.scope);
        let mut authorization = self.by_memory(known.as_ref(), login, get).await?;
        for _ in 0..MAX_RENEWALS {
            let reply = self.send(authorization.header.clone(), get, act).await?;
            let challenge = challenge_of(&reply, known.as_ref())?;
            let Some(challenge) = challenge.filter(|_| authorization.age == Age::Kept) else {
                return conclude(reply, &authorization, act);
            };
            self.tokens.remember(get.server, get.scope, &challenge);
            authorization = self
                .authorize(&challenge, authorization.header.as_ref(), login, get)
                .await?;
        }
        let reply = self.send(authorization.header.clone(), get, act).await?;
        conclude(reply, &authorization, act)
    }

    /// What met the challenge that is remembered, or nothing.
    async fn by_memory(
        &self,
        known: Option<&Challenge>,
        login: Login<'_>,
        get: &Get<'_>,
    ) -> Result<Authorization, FetchError> {
        let Some(known) = known else {
            return Ok(Authorization::none());
        };
        match self.authorize(known, None, login, get).await {
            Ok(authorization) => Ok(Authorization {
                age: Age::Kept,
                ..authorization
            }),
            Err(error) if error.is_refusal() => Ok(Authorization::none()),
            Err(error) => Err(error),
        }
    }

    /// What meets a challenge; not with the header that was refused, if there is another.
    async fn authorize(
        &self,
        challenge: &Challenge,
        refused: Option<&HeaderValue>,
        login: Login<'_>,
        get: &Get<'_>,
    ) -> Result<Authorization, FetchError> {
        let &Get {
            server,
            scope,
            party,
            progress,
            deadline,
            ..
        } = get;
        let petition = Petition {
            server,
            scope,
            login,
            refused,
            party,
            progress,
            deadline,
        };
        let authorized = self
            .tokens
            .authorize(challenge, &petition, &self.wire)
            .await;
        if authorized.is_err() {
            // The server may name another token server by now.
            self.tokens.forget(server, scope);
        }
        authorized
    }

    async fn send(
        &self,
        authorization: Option<HeaderValue>,
        get: &Get<'_>,
        act: &Act,
    ) -> Result<Reply, FetchError> {
        let failed = |reason| FetchError::new(&get.server.host(), Step::Fetch, reason);
        let url = get
            .server
            .locate(get.path)
            .ok_or_else(|| failed(Reason::BadUrl))?;
        let mut query = act.query(url).following_redirects();
        query.headers.insert(
            ACCEPT,
            HeaderValue::from_str(get.accept).map_err(|_| failed(Reason::BadUrl))?,
        );
        if let Some(header) = authorization {
            query.headers.insert(AUTHORIZATION, header);
        }
        self.wire
            .exchange(
                get.server.channel(),
                &query,
                Step::Fetch,
                get.progress,
                get.deadline,
            )
            .await
    }
}

/// The challenge of a 401 of the server itself, and the one that is known where a 403 may be meant for an old token. Those that
/// come from where a redirect led are not answered.
fn challenge_of(reply: &Reply, known: Option<&Challenge>) -> Result<Option<Challenge>, FetchError> {
    match reply.status() {
        _ if reply.strayed() => Ok(None),
        StatusCode::UNAUTHORIZED => {
            Challenge::of(reply.headers()).map_err(|error| reply.failed(error))
        }
        StatusCode::FORBIDDEN => Ok(known.cloned()),
        _ => Ok(None),
    }
}

/// The answer if it says that the act is done, nothing if the server has nothing there.
fn conclude(
    reply: Reply,
    authorization: &Authorization,
    act: &Act,
) -> Result<Option<Reply>, FetchError> {
    match reply.status() {
        status if status == act.done() => Ok(Some(reply)),
        StatusCode::NOT_FOUND => Ok(None),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
            if authorization.withheld_from.is_some() && !reply.strayed() =>
        {
            let realm = authorization.withheld_from.clone().unwrap_or_default();
            Err(reply.failed(ChallengeError::ForeignRealm { realm }))
        }
        status => Err(reply.failed(Reason::of_status(status, reply.headers()))),
    }
}

async fn document(reply: Reply, get: &Get<'_>) -> Result<Document, FetchError> {
    let text = |name: &HeaderName| header_text(reply.headers(), name);
    let (content_type, link, filters_applied) =
        (text(&CONTENT_TYPE), text(&LINK), text(&OCI_FILTERS_APPLIED));
    let share = get.room.map(|room| room.share(get.party.host()));
    let body = reply
        .into_body(get.limit, get.deadline)
        .collect(share)
        .await?;
    Ok(Document {
        body,
        content_type,
        link,
        filters_applied,
    })
}

fn header_text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// One refusal stands for itself; several are told with their origins.
fn all_refused(refused: Vec<(Option<&Candidate>, FetchError)>, server: &Server) -> FetchError {
    let refused = refused.into_iter().map(|(candidate, error)| Refused {
        origin: candidate.map(|candidate| Arc::clone(&candidate.origin)),
        error: Box::new(error),
    });
    FetchError::new(
        &server.host(),
        Step::Fetch,
        Reason::AllRefused(refused.collect()),
    )
}
