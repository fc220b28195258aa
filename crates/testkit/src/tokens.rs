//! A token server as registries and trust servers delegate their authentication to: it answers GET as in the
//! distribution project's token specification and POST as in its OAuth 2 specification.

mod asked;
mod jwt;
mod users;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use serde_json::{Map, Value, json};

use crate::Error;
use crate::authority::{Authority, LOOPBACK};
use crate::background::lock;
use crate::proxy::Upstream;
use crate::serve::{Body, Server, json};
use asked::Asked;
use jwt::{Access, Signer};
use users::Users;

/// Who may do what. Several entries with the same name add up.
#[derive(Debug, Clone)]
pub struct User {
    /// The name; empty for everybody who does not say who they are.
    pub name: &'static str,
    /// The password.
    pub password: &'static str,
    /// The start of the names of the repositories that this is about, without a host: `team/`, or empty for all.
    pub repositories: &'static str,
    /// `pull`, `push`, `*`.
    pub actions: &'static [&'static str],
}

/// What somebody asked the token server for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRequest {
    /// The grant of a POST (`password`, `refresh_token`); `None` for a GET.
    pub grant: Option<String>,
    /// Who asked, without a word about whether the password was right. `None`: they did not say.
    pub user: Option<String>,
    /// For which service.
    pub service: String,
    /// Such as `repository:team/app:pull`.
    pub scopes: Vec<String>,
}

/// A token server on loopback, over HTTPS. It stops when it is dropped.
#[derive(Debug)]
pub struct TokenServer {
    server: Server,
    state: Arc<State>,
    authority: String,
    authority_file: PathBuf,
}

#[derive(Debug)]
struct State {
    signer: Signer,
    users: Users,
    lifetime: Mutex<Duration>,
    requests: Mutex<Vec<TokenRequest>>,
}

impl TokenServer {
    /// The issuer that its tokens name.
    pub const ISSUER: &str = "testkit-tokens";

    /// Starts a token server that knows these users.
    pub fn start(authority: &Authority, users: &[User]) -> Result<Self, Error> {
        let signer = Signer::new(&authority.server(&["tokens.test"])?)?;
        let lifetime = Mutex::new(Duration::from_secs(300));
        let state = Arc::new(State {
            signer,
            users: Users::new(users),
            lifetime,
            requests: Mutex::default(),
        });
        let identity = authority.server(&LOOPBACK)?;
        let shared = Arc::clone(&state);
        let server = Server::start(Some(&identity), move |request| {
            answer(Arc::clone(&shared), request)
        })?;
        let (authority, authority_file) = (authority.certificate(), authority.certificate_file());
        Ok(Self {
            server,
            state,
            authority,
            authority_file,
        })
    }

    /// Where tokens are to be had, as a challenge names it.
    pub fn realm(&self) -> String {
        format!("{}/token", self.server.url())
    }

    /// The server as a [`Proxy`](crate::proxy::Proxy) takes it.
    pub fn upstream(&self) -> Upstream {
        Upstream {
            url: self.server.url(),
            authority: Some(self.authority.clone()),
        }
    }

    /// How long the tokens last that are given out from now on. Registries give them another minute.
    pub fn set_lifetime(&self, lifetime: Duration) {
        *lock(&self.state.lifetime) = lifetime;
    }

    /// All requests so far, in order.
    pub fn requests(&self) -> Vec<TokenRequest> {
        lock(&self.state.requests).clone()
    }

    /// A token that permits everything on a repository of a service; nobody is asked, and it is not counted.
    pub fn mint(&self, service: &str, repository: &str) -> Result<String, Error> {
        let actions = ["pull", "push", "*"].map(str::to_owned).to_vec();
        let access = Access {
            kind: "repository".to_owned(),
            name: repository.to_owned(),
            actions,
        };
        self.state
            .signer
            .sign("testkit", service, Duration::from_secs(300), &[access])
    }

    /// A file with the certificate that the signatures of the tokens lead to.
    pub(crate) fn authority_file(&self) -> &Path {
        &self.authority_file
    }
}

async fn answer(state: Arc<State>, request: Request<Incoming>) -> Response<Body> {
    let asked = Asked::receive(request).await;
    lock(&state.requests).push(asked.request.clone());
    state.answer(&asked)
}

impl State {
    fn answer(&self, asked: &Asked) -> Response<Body> {
        let Some(user) = self.users.authenticate(asked) else {
            let error =
                json!({ "code": "UNAUTHORIZED", "message": "incorrect username or password" });
            return json(StatusCode::UNAUTHORIZED, &json!({ "errors": [error] }));
        };
        let lifetime = *lock(&self.lifetime);
        let scopes = asked.request.scopes.iter();
        let access: Vec<Access> = scopes
            .filter_map(|scope| self.users.grant(&user, scope))
            .collect();
        match self
            .signer
            .sign(&user, &asked.request.service, lifetime, &access)
        {
            Ok(token) => json(
                StatusCode::OK,
                &token_answer(asked, &user, &token, lifetime),
            ),
            Err(error) => json(
                StatusCode::INTERNAL_SERVER_ERROR,
                &json!({ "error": error.to_string() }),
            ),
        }
    }
}

fn token_answer(asked: &Asked, user: &str, token: &str, lifetime: Duration) -> Value {
    let mut answer = Map::new();
    answer.insert("access_token".to_owned(), json!(token));
    answer.insert("expires_in".to_owned(), json!(lifetime.as_secs()));
    match asked.request.grant {
        None => answer.insert("token".to_owned(), json!(token)),
        Some(_) => answer.insert("scope".to_owned(), json!(asked.request.scopes.join(" "))),
    };
    if asked.wants_refresh_token && !user.is_empty() {
        answer.insert(
            "refresh_token".to_owned(),
            json!(users::refresh_token(user)),
        );
    }
    Value::Object(answer)
}
