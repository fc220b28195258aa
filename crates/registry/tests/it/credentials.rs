//! A credential goes to the host that it is for, for the caller that has it, and nowhere else.

use std::sync::Arc;
use std::time::Duration;

use cise_registry::{
    ByteLimit, ChallengeError, Deadline, Fetched, FlightError, Freshness, Get, Keyring, Party,
    Progress, Reason, Registry as Client, RegistryFailure, Scope, Server, Step,
};
use cise_testkit::authority::Authority;
use cise_testkit::components::{REGISTRY, require};
use cise_testkit::proxy::{Fault, Proxy};
use cise_testkit::registry::Registry;
use cise_testkit::tokens::{TokenServer, User};
use http::header::WWW_AUTHENTICATE;
use http::{HeaderValue, StatusCode};

use crate::setup::{
    caller, client, digest, image, keyring, named, raw_keyring, reason, repository, resolve,
    resolve_as, tls_client, trusting, within,
};

const ALICE: User = User {
    name: "alice",
    password: "alices-secret",
    repositories: "team/",
    actions: &["pull"],
};
const BOB: User = User {
    name: "bob",
    password: "bobs-secret",
    repositories: "other/",
    actions: &["pull"],
};

/// A registry that wants tokens, and the server that gives them to Alice, and to Bob for another repository.
struct Guarded {
    authority: Authority,
    tokens: Arc<TokenServer>,
    registry: Registry,
}

impl Guarded {
    fn start() -> Self {
        let authority = Authority::new("test").expect("an authority");
        let tokens =
            Arc::new(TokenServer::start(&authority, &[ALICE, BOB]).expect("a token server"));
        let registry = Registry::bearer(&authority, &tokens).expect("a registry");
        registry
            .push(&image("hello"), "team/app", "v1")
            .expect("a push");
        Self {
            authority,
            tokens,
            registry,
        }
    }

    fn client(&self) -> Client {
        tls_client(&self.registry.host(), &self.authority)
    }

    fn proxy(&self) -> Proxy {
        Proxy::tls(self.registry.upstream(), &self.authority).expect("a proxy")
    }
}

/// Makes the registry's challenge name another token server.
fn challenge_with(realm: &str) -> Fault {
    let challenge = format!(
        r#"Bearer realm="{realm}",service="{}",scope="repository:team/app:pull""#,
        Registry::SERVICE
    );
    let challenge = HeaderValue::try_from(challenge).expect("a header");
    Fault::change(move |answer| {
        if answer.status == StatusCode::UNAUTHORIZED {
            answer.headers.insert(WWW_AUTHENTICATE, challenge.clone());
        }
    })
}

#[tokio::test]
async fn what_one_caller_may_see_helps_no_other() {
    if !require(&[&REGISTRY]) {
        return;
    }
    let authority = Authority::new("test").expect("an authority");
    let basic = Registry::basic(&authority).expect("a registry");
    basic
        .push(&image("hello"), "team/app", "v1")
        .expect("a push");
    let guarded = Guarded::start();
    let cases = [
        (
            &basic,
            tls_client(&basic.host(), &authority),
            Registry::USER,
            Registry::PASSWORD,
        ),
        (
            &guarded.registry,
            guarded.client(),
            ALICE.name,
            ALICE.password,
        ),
    ];
    for (registry, client, user, password) in cases {
        let host = registry.host();
        let tag = cise_reference::Tag::parse("v1").expect("a tag");
        let resolve = async |keyring: &Keyring| {
            client
                .resolve(&repository(&host), &tag, Freshness::Kept, &caller(keyring))
                .await
        };
        assert!(resolve(&keyring(&[(&host, user, password)])).await.is_ok());
        let strangers = [
            keyring(&[(&host, user, "wrong")]),
            keyring(&[(&host, BOB.name, BOB.password)]),
            keyring(&[("elsewhere.example.com", user, password)]),
            Keyring::empty(),
        ];
        for stranger in &strangers {
            let error = resolve(stranger).await.expect_err("not for strangers");
            assert!(matches!(reason(&error), Reason::Unauthorized), "{error}");
        }
        assert!(resolve(&keyring(&[(&host, user, password)])).await.is_ok());
    }
}

#[tokio::test]
async fn several_credentials_are_tried_in_order_and_the_reason_of_each_is_kept() {
    if !require(&[&REGISTRY]) {
        return;
    }
    let guarded = Guarded::start();
    let (client, host) = (guarded.client(), guarded.registry.host());
    let path = format!("{host}/team");
    let wrong = [
        (path.as_str(), "alice", "wrong"),
        (host.as_str(), BOB.name, BOB.password),
    ];
    let error = resolve(&client, &host, &keyring(&wrong))
        .await
        .expect_err("neither will do");
    let RegistryFailure::Fetch(fetch) = &error.failure else {
        panic!("{error:?}")
    };
    let Reason::AllRefused(refused) = &fetch.reason else {
        panic!("{error:?}")
    };
    let origins: Vec<_> = refused
        .iter()
        .filter_map(|refused| refused.origin.as_deref())
        .collect();
    assert_eq!(
        origins,
        [
            format!("Secret team/pull-0, {path}"),
            format!("Secret team/pull-1, {host}")
        ]
    );
    assert!(
        fetch
            .hint()
            .is_some_and(|hint| hint.contains("pull secrets"))
    );
    let shown = format!("{error} {error:?}");
    assert!(
        !shown.contains("wrong") && !shown.contains(BOB.password),
        "{shown}"
    );
    let right = [
        wrong[0],
        wrong[1],
        (host.as_str(), ALICE.name, ALICE.password),
    ];
    assert_eq!(
        resolve(&client, &host, &keyring(&right)).await,
        Ok(digest(&image("hello")))
    );
}

#[tokio::test]
async fn one_token_serves_until_it_is_about_to_expire() {
    if !require(&[&REGISTRY]) {
        return;
    }
    let guarded = Guarded::start();
    guarded.tokens.set_lifetime(Duration::from_secs(60));
    let proxy = guarded.proxy();
    let client = tls_client(&proxy.host(), &guarded.authority);
    let keyring = keyring(&[(&proxy.host(), ALICE.name, ALICE.password)]);
    for _ in 0..3 {
        resolve(&client, &proxy.host(), &keyring)
            .await
            .expect("a digest");
    }
    assert_eq!(guarded.tokens.requests().len(), 1);
    assert_eq!(
        proxy.exchanges().len(),
        4,
        "one challenge, then three answers"
    );
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(46)).await;
    tokio::time::resume();
    resolve(&client, &proxy.host(), &keyring)
        .await
        .expect("a digest");
    assert_eq!(
        guarded.tokens.requests().len(),
        2,
        "renewed before it expires"
    );
    assert_eq!(proxy.exchanges().len(), 5, "and without a challenge");
}

#[tokio::test]
async fn a_token_that_is_refused_in_the_middle_is_renewed_once() {
    if !require(&[&REGISTRY]) {
        return;
    }
    let guarded = Guarded::start();
    let proxy = guarded.proxy();
    let client = tls_client(&proxy.host(), &guarded.authority);
    let keyring = keyring(&[(&proxy.host(), ALICE.name, ALICE.password)]);
    resolve(&client, &proxy.host(), &keyring)
        .await
        .expect("a digest");
    let refuse = || Fault::change(|answer| answer.status = StatusCode::UNAUTHORIZED);
    proxy.next(1, "/manifests/", refuse());
    proxy.next(1, "/manifests/", challenge_with(&guarded.tokens.realm()));
    resolve(&client, &proxy.host(), &keyring)
        .await
        .expect("a digest");
    assert_eq!(guarded.tokens.requests().len(), 2);
    proxy.on("/manifests/", refuse());
    proxy.on("/manifests/", challenge_with(&guarded.tokens.realm()));
    proxy.forget();
    let error = resolve(&client, &proxy.host(), &keyring)
        .await
        .expect_err("refused for good");
    assert!(matches!(reason(&error), Reason::Unauthorized), "{error}");
    assert_eq!(proxy.exchanges().len(), 2, "no third attempt");
}

#[tokio::test]
async fn tokens_are_asked_for_in_the_way_that_fits_the_credential() {
    if !require(&[&REGISTRY]) {
        return;
    }
    let guarded = Guarded::start();
    let host = guarded.registry.host();
    let minted = guarded
        .tokens
        .mint(Registry::SERVICE, "team/app")
        .expect("a token");
    let table = [
        (
            r#""username":"alice","password":"alices-secret""#.to_owned(),
            Some(None),
        ),
        (
            r#""identitytoken":"refresh-token-of-alice""#.to_owned(),
            Some(Some("refresh_token")),
        ),
        (
            r#""username":"<token>","password":"refresh-token-of-alice""#.to_owned(),
            Some(Some("refresh_token")),
        ),
        (format!(r#""registrytoken":"{minted}""#), None),
    ];
    for (entry, grant) in table {
        let before = guarded.tokens.requests().len();
        let keyring = raw_keyring(&format!(r#"{{"auths":{{"{host}":{{{entry}}}}}}}"#));
        resolve(&guarded.client(), &host, &keyring)
            .await
            .expect(&entry);
        let requests = guarded.tokens.requests().split_off(before);
        let grants: Vec<_> = requests
            .iter()
            .map(|request| request.grant.as_deref())
            .collect();
        assert_eq!(grants, Vec::from_iter(grant), "{entry}");
        assert!(
            requests
                .iter()
                .all(|request| request.scopes == ["repository:team/app:pull"]),
            "{requests:?}"
        );
    }
}

#[tokio::test]
async fn a_token_server_that_knows_post_only_is_asked_by_post() {
    if !require(&[&REGISTRY]) {
        return;
    }
    let guarded = Guarded::start();
    let (proxy, tokens) = (
        guarded.proxy(),
        Proxy::tls(guarded.tokens.upstream(), &guarded.authority).expect("a proxy"),
    );
    tokens.on("GET /token", Fault::status(StatusCode::METHOD_NOT_ALLOWED));
    proxy.on("", challenge_with(&format!("{}/token", tokens.url())));
    let client = tls_client(&proxy.host(), &guarded.authority);
    let keyring = keyring(&[(&proxy.host(), ALICE.name, ALICE.password)]);
    resolve(&client, &proxy.host(), &keyring)
        .await
        .expect("a digest");
    assert_eq!(
        tokens
            .exchanges()
            .iter()
            .map(|e| e.method.as_str())
            .collect::<Vec<_>>(),
        ["GET", "POST"]
    );
}

#[tokio::test]
async fn a_token_server_on_a_foreign_host_gets_no_secret_unless_it_is_configured() {
    if !require(&[&REGISTRY]) {
        return;
    }
    let guarded = Guarded::start();
    let (proxy, foreign) = (
        guarded.proxy(),
        Proxy::tls(guarded.tokens.upstream(), &guarded.authority).expect("a proxy"),
    );
    let foreign_host = foreign.host().replace("localhost", "127.0.0.1");
    proxy.on("", challenge_with(&format!("https://{foreign_host}/token")));
    let security = trusting(&guarded.authority);
    let keyring = keyring(&[(&proxy.host(), ALICE.name, ALICE.password)]);

    let stranger = client(vec![
        named(&proxy.host(), &security),
        named(&foreign_host, &security),
    ]);
    let error = resolve(&stranger, &proxy.host(), &keyring)
        .await
        .expect_err("an anonymous token is not enough");
    let realm = foreign_host.clone();
    assert_eq!(
        reason(&error),
        &Reason::Challenge(ChallengeError::ForeignRealm { realm })
    );
    assert!(
        error
            .hint()
            .is_some_and(|hint| hint.contains("token server")),
        "{error}"
    );
    assert!(
        !foreign.exchanges().is_empty(),
        "an anonymous token may be asked for"
    );
    assert!(
        foreign
            .exchanges()
            .iter()
            .all(|exchange| exchange.authorization.is_none())
    );
    assert!(
        guarded
            .tokens
            .requests()
            .iter()
            .all(|request| request.user.is_none())
    );

    foreign.forget();
    let unnamed = client(vec![named(&proxy.host(), &security)]);
    let error = resolve(&unnamed, &proxy.host(), &keyring)
        .await
        .expect_err("a loopback address");
    assert!(matches!(reason(&error), Reason::Blocked(_)), "{error}");
    assert!(foreign.exchanges().is_empty());

    let settings = named(&proxy.host(), &security)
        .with_token_server(&format!("https://{foreign_host}"))
        .expect("a URL");
    resolve(&client(vec![settings]), &proxy.host(), &keyring)
        .await
        .expect("a digest");
    assert!(
        foreign
            .exchanges()
            .iter()
            .any(|exchange| exchange.authorization.is_some())
    );
}

#[tokio::test]
async fn credentials_are_shown_to_nobody_who_does_not_ask_for_them() {
    if !require(&[&REGISTRY]) {
        return;
    }
    let registry = Registry::open().expect("a registry");
    registry
        .push(&image("hello"), "team/app", "v1")
        .expect("a push");
    let proxy = Proxy::plain(registry.upstream()).expect("a proxy");
    let client = crate::setup::plain_client(&proxy.host());
    resolve(
        &client,
        &proxy.host(),
        &keyring(&[(&proxy.host(), "alice", "secret")]),
    )
    .await
    .expect("a digest");
    assert!(
        proxy
            .exchanges()
            .iter()
            .all(|exchange| exchange.authorization.is_none())
    );
}

#[tokio::test]
async fn a_token_server_that_never_answers_is_named_at_the_deadline() {
    if !require(&[&REGISTRY]) {
        return;
    }
    let guarded = Guarded::start();
    let (proxy, tokens) = (
        guarded.proxy(),
        Proxy::tls(guarded.tokens.upstream(), &guarded.authority).expect("a proxy"),
    );
    tokens.on("", Fault::Hang);
    proxy.on("", challenge_with(&format!("{}/token", tokens.url())));
    let client = tls_client(&proxy.host(), &guarded.authority);
    let keyring = Keyring::empty();
    let late = resolve_as(
        &client,
        &proxy.host(),
        &within(&keyring, Duration::from_millis(500)),
    )
    .await;
    let RegistryFailure::Flight(FlightError::Late(Some(place))) = late.expect_err("late").failure
    else {
        panic!("expected to be late")
    };
    assert_eq!(
        (place.step, &*place.host),
        (Step::Token, tokens.host().as_str())
    );
}

#[tokio::test]
async fn a_trust_server_that_a_policy_names_never_sees_a_credential() {
    if !require(&[&REGISTRY]) {
        return;
    }
    let authority = Authority::new("test").expect("an authority");
    let registry = Registry::basic(&authority).expect("a registry");
    let proxy = Proxy::tls(registry.upstream(), &authority).expect("a proxy");
    let foreign = proxy.host().replace("localhost", "127.0.0.1");
    let client = client(vec![
        named(&foreign, &trusting(&authority)),
        named(&proxy.host(), &trusting(&authority)),
    ]);
    let keyring = keyring(&[(&proxy.host(), Registry::USER, Registry::PASSWORD)]);
    let asked = repository(&proxy.host());
    let candidates = keyring.candidates(&asked);
    let get = async |server: &Server| {
        let get = Get {
            server,
            path: "/v2/team/app/tags/list",
            accept: "application/json",
            scope: &Scope::pull(&asked),
            candidates: &candidates,
            party: &Party::new("localhost", "team"),
            progress: &Progress::new(),
            limit: ByteLimit::kibibytes(64),
            room: None,
            deadline: Deadline::after(crate::setup::PATIENCE),
        };
        client.http().get(get).await
    };
    let named = |url: &str| {
        client
            .registries()
            .named_by_policy(url, asked.host())
            .expect("a server")
    };
    let error = get(&named(&format!("https://{foreign}")))
        .await
        .expect_err("no credential is shown");
    assert!(matches!(error.reason, Reason::AllRefused(_)), "{error}");
    assert!(
        proxy
            .exchanges()
            .iter()
            .all(|exchange| exchange.authorization.is_none())
    );
    assert_eq!(
        get(&named(&proxy.url())).await,
        Ok(Fetched::NotFound),
        "the registry's own host may see it"
    );
    assert!(
        proxy
            .exchanges()
            .iter()
            .any(|exchange| exchange.authorization.is_some())
    );
}

#[tokio::test]
async fn side_by_side_requests_renew_a_refused_token_together() {
    if !require(&[&REGISTRY]) {
        return;
    }
    let guarded = Guarded::start();
    for number in 0..8 {
        guarded
            .registry
            .push(&image("hello"), "team/app", &format!("t{number}"))
            .expect("a push");
    }
    let proxy = guarded.proxy();
    let client = tls_client(&proxy.host(), &guarded.authority);
    let keyring = keyring(&[(&proxy.host(), ALICE.name, ALICE.password)]);
    resolve(&client, &proxy.host(), &keyring)
        .await
        .expect("a digest");
    let before = guarded.tokens.requests().len();
    proxy.next(
        8,
        "/manifests/",
        Fault::change(|answer| answer.status = StatusCode::FORBIDDEN),
    );
    let (repository, caller) = (repository(&proxy.host()), caller(&keyring));
    let tags: Vec<_> = (0..8)
        .map(|number| cise_reference::Tag::parse(&format!("t{number}")).expect("a tag"))
        .collect();
    let asked = tags
        .iter()
        .map(|tag| client.resolve(&repository, tag, Freshness::Fresh, &caller));
    assert!(
        futures::future::join_all(asked)
            .await
            .iter()
            .all(Result::is_ok),
        "a 403 may be meant for the token"
    );
    assert_eq!(guarded.tokens.requests().len() - before, 1);
}
