//! What can go wrong between us and a server, told apart so that each denial has its true reason.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, StatusCode};

use crate::auth::{ChallengeError, TokenError};
use crate::egress::{BlockedAddress, Egress};
use crate::flight::FlightError;
use crate::guard::ResolveError;
use crate::http::retry_after::retry_after;
use crate::limit::ByteLimit;
use crate::progress::Step;

/// A document could not be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchError {
    /// The host that it failed at, with its port where one is written.
    pub host: Arc<str>,
    /// What was being done there.
    pub step: Step,
    /// Why it failed.
    pub reason: Reason,
}

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// 401: the credential, or having none, is not accepted.
    #[error("access is denied (401)")]
    Unauthorized,
    /// 403: the credential is accepted and has no right to this.
    #[error("access is forbidden (403)")]
    Forbidden,
    /// Every credential was refused.
    #[error("{}", all_refused(.0))]
    AllRefused(Vec<Refused>),
    /// 429.
    #[error("it limits requests (429){}", asks_to_wait(*.0))]
    RateLimited(Option<Duration>),
    /// 5xx.
    #[error("it failed with status {0}")]
    ServerFailed(u16),
    /// Any other status that is no answer to the question.
    #[error("it answered with status {0}, which is not expected here")]
    UnexpectedStatus(u16),
    /// The TLS handshake failed, mostly because no known authority vouches for the certificate.
    #[error("its TLS certificate or handshake is not accepted: {0}")]
    Tls(String),
    /// The name has no address.
    #[error("its name cannot be resolved: {0}")]
    Dns(String),
    /// Nothing listens there.
    #[error("the connection is refused")]
    ConnectionRefused,
    /// Nobody listens there, where plain HTTP is spoken.
    #[error("the connection is refused")]
    PlainConnectionRefused,
    /// No connection for another cause.
    #[error("no connection can be made: {0}")]
    NoConnection(String),
    /// The connection ended within the answer.
    #[error("the connection was cut before the answer was complete")]
    Cut,
    /// The time given was over.
    #[error("it did not answer in time")]
    TimedOut,
    /// The answer is larger than it may be.
    #[error("its answer is larger than {0}")]
    TooLarge(ByteLimit),
    /// Too much of what was fetched is held already, from this host or in all.
    #[error("too much is being fetched at this time; try again")]
    NoRoom,
    /// The address may not be connected to.
    #[error("no connection is made, because {0}")]
    Blocked(BlockedAddress),
    /// Plain HTTP to a host that the configuration does not name for it.
    #[error("plain HTTP is not permitted for this host")]
    PlainHttp,
    /// The URL that it is to be fetched from is none.
    #[error("the URL is not valid")]
    BadUrl,
    /// Redirects that lead on and on.
    #[error("it redirects too often")]
    TooManyRedirects,
    /// A redirect without a usable target.
    #[error("it redirects to somewhere that is no URL")]
    BadRedirect,
    /// The challenge cannot be understood or met.
    #[error(transparent)]
    Challenge(#[from] ChallengeError),
    /// The token server's answer is not one.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The token's flight did not land.
    #[error(transparent)]
    Flight(#[from] FlightError),
    /// The answer breaks the HTTP protocol.
    #[error("its answer is not HTTP: {0}")]
    Protocol(String),
}

/// One credential that was refused, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Where the credential comes from; nothing for an anonymous request.
    pub origin: Option<Arc<str>>,
    /// Why it was refused.
    pub error: Box<FetchError>,
}

/// Who can put an error right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// The pull credentials.
    Credentials,
    /// The server, or the network on the way to it; trying again may help.
    Server,
    /// The configuration.
    Configuration,
}

impl FetchError {
    /// A failure of `step` at `host`.
    pub fn new(host: &str, step: Step, reason: impl Into<Reason>) -> Self {
        Self {
            host: host.into(),
            step,
            reason: reason.into(),
        }
    }

    /// Whether the server refuses the credential, so that another one may do. Where a redirect led, none was shown.
    pub fn is_refusal(&self) -> bool {
        let refused = matches!(
            self.reason,
            Reason::Unauthorized | Reason::Forbidden | Reason::AllRefused(_) | Reason::Challenge(_)
        );
        refused && self.step != Step::Redirect
    }

    /// Who can put it right.
    pub fn fault(&self) -> Fault {
        match &self.reason {
            Reason::Unauthorized | Reason::Forbidden if self.step == Step::Redirect => {
                Fault::Server
            }
            Reason::Unauthorized
            | Reason::Forbidden
            | Reason::AllRefused(_)
            | Reason::Challenge(ChallengeError::TokenForBasic) => Fault::Credentials,
            Reason::Tls(_)
            | Reason::Blocked(_)
            | Reason::PlainHttp
            | Reason::BadUrl
            | Reason::Challenge(ChallengeError::ForeignRealm { .. }) => Fault::Configuration,
            _ => Fault::Server,
        }
    }

    /// What an administrator can do about it, where that is clear.
    pub fn hint(&self) -> Option<&'static str> {
        match &self.reason {
            Reason::Unauthorized | Reason::Forbidden if self.is_refusal() => {
                Some("check the pull secrets of the pod and of its service account")
            }
            Reason::AllRefused(refused) => hint_of_all(refused),
            Reason::Tls(_) => Some(
                "if a private authority vouches for this host, set `caFile` for it in the configuration",
            ),
            Reason::Blocked(blocked) if Egress::NamedHost.check(blocked.address).is_ok() => {
                Some("if this host is meant, name it under `registries` in the configuration")
            }
            Reason::PlainHttp => {
                Some("if this host has no HTTPS, set `plainHTTP: true` for it in the configuration")
            }
            Reason::Challenge(ChallengeError::ForeignRealm { .. }) => Some(
                "if the token server belongs to the registry, allow it for this registry in the configuration",
            ),
            _ => None,
        }
    }
}

/// Without a credential, one is missing; else what is the matter with the server's challenge comes before what may be the
/// matter with a credential.
fn hint_of_all(refused: &[Refused]) -> Option<&'static str> {
    if refused.iter().all(|refused| refused.origin.is_none()) {
        return Some(
            "no pull secret of the pod or of its service account is for this repository; if it is private, add one",
        );
    }
    let by_challenge = refused
        .iter()
        .find(|refused| matches!(refused.error.reason, Reason::Challenge(_)));
    by_challenge
        .or_else(|| refused.first())
        .and_then(|refused| refused.error.hint())
}

impl FetchError {
    /// The error as it follows the name of the server that was asked.
    fn after_host(&self) -> String {
        if self.step == Step::Fetch {
            self.reason.to_string()
        } else {
            self.to_string()
        }
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.step {
            Step::Token => write!(f, "no token from {}: {}", self.host, self.reason),
            Step::Redirect => write!(f, "redirected to {}: {}", self.host, self.reason),
            Step::Fetch | Step::Pause | Step::Ask => write!(f, "{}: {}", self.host, self.reason),
        }
    }
}

impl Error for FetchError {}

impl Reason {
    /// What a status other than 200 and 404 means.
    pub(crate) fn of_status(status: StatusCode, headers: &HeaderMap) -> Self {
        match status.as_u16() {
            401 => Self::Unauthorized,
            403 => Self::Forbidden,
            429 => Self::RateLimited(retry_after(headers)),
            code @ 500..=599 => Self::ServerFailed(code),
            code => Self::UnexpectedStatus(code),
        }
    }

    /// Finds out what an error of the HTTP client is at its root. Its own texts name no host and no header.
    pub(crate) fn of_client(error: &reqwest::Error) -> Self {
        if error.is_timeout() {
            return Self::TimedOut;
        }
        let mut source: Option<&(dyn Error + 'static)> = Some(error);
        let mut innermost = String::new();
        while let Some(cause) = source {
            if let Some(known) = known_cause(cause) {
                return known;
            }
            innermost = cause.to_string();
            source = cause.source();
        }
        if error.is_connect() {
            Self::NoConnection(innermost)
        } else {
            Self::Protocol(innermost)
        }
    }
}

fn known_cause(cause: &(dyn Error + 'static)) -> Option<Reason> {
    if let Some(error) = cause.downcast_ref::<ResolveError>() {
        return Some(match error {
            ResolveError::Unknown(why) => Reason::Dns(why.clone()),
            ResolveError::Blocked(blocked) => Reason::Blocked(*blocked),
        });
    }
    if let Some(error) = cause.downcast_ref::<rustls::Error>() {
        return Some(Reason::Tls(error.to_string()));
    }
    if cause
        .downcast_ref::<hyper::Error>()
        .is_some_and(|error| error.is_incomplete_message() || error.is_canceled())
    {
        return Some(Reason::Cut);
    }
    let error = cause.downcast_ref::<io::Error>()?;
    // What an I/O error wraps is not its source but itself.
    if let Some(known) = error.get_ref().and_then(|inner| known_cause(inner)) {
        return Some(known);
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Some(Reason::ConnectionRefused),
        io::ErrorKind::TimedOut => Some(Reason::TimedOut),
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => Some(Reason::Cut),
        _ => None,
    }
}

fn all_refused(refused: &[Refused]) -> String {
    let each = refused.iter().map(|refused| match &refused.origin {
        Some(origin) => format!("{origin}: {}", refused.error.after_host()),
        None => format!("without a credential: {}", refused.error.after_host()),
    });
    each.collect::<Vec<_>>().join("; ")
}

fn asks_to_wait(pause: Option<Duration>) -> String {
    pause.map_or_else(String::new, |pause| {
        format!("; it asks to wait {} s", pause.as_secs())
    })
}
