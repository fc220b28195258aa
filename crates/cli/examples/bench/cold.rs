//! The first verification of an image: how often it waits for the trust server, and how often the server is asked.

use std::time::Duration;

use anyhow::Result;
use cise_admission::Engine;
use cise_testkit::notary::NotaryServer;
use cise_testkit::proxy::{Exchange, Fault, Proxy, round_trips};
use cise_testkit::tokens::{TokenServer, User};
use futures::future::try_join_all;
use jiff::Timestamp;
use tokio::runtime::Runtime;

use crate::Bench;
use crate::engine;
use crate::pods;
use crate::signed::{self, IMAGE, Login, Signed};
use crate::site::Site;
use cise_testkit::figures::{Row, Unit};

/// The time that the trust server seems to take for each answer, so that what waits for what is seen.
const DELAY: Duration = Duration::from_millis(100);

/// Requests for one new image.
const REQUESTS: usize = 1000;

pub(crate) fn measure(Bench { signed, runtime }: &Bench) -> Result<Vec<Row>> {
    let site = signed.site()?;
    let proxy = slow(signed, &signed.notary)?;
    let alone = ask(signed, &site, "state-cold", &proxy, 1, runtime)?;
    let together = ask(signed, &site, "state-flight", &proxy, REQUESTS, runtime)?;
    Ok(vec![
        trips("no token is needed", &alone),
        trips(
            "a token is needed, which is not counted",
            &with_token(signed, runtime)?,
        ),
        Row::new(
            "1,000 requests for one new image: verifications",
            count(together.len()) / count(alone.len()),
            Unit::Pieces,
        )
        .at_most(1.0)
        .remark(format!("{} requests to the trust server", together.len())),
    ])
}

/// A trust server that wants a token, as the large ones do.
fn with_token(signed: &Signed, runtime: &Runtime) -> Result<Vec<Exchange>> {
    let users = [
        User {
            name: "publisher",
            password: "test-password",
            repositories: "",
            actions: &["pull", "push", "*"],
        },
        User {
            name: "",
            password: "",
            repositories: "",
            actions: &["pull"],
        },
    ];
    let tokens = TokenServer::start(&signed.authority, &users)?;
    let notary = NotaryServer::bearer(&signed.authority, &tokens)?;
    let login = Login::As("publisher", "test-password");
    let alice = signed::release(&notary, login, &["app"])?;
    let (site, proxy) = (Site::new(&alice.public_key, "")?, slow(signed, &notary)?);
    let exchanges = ask(signed, &site, "state", &proxy, 1, runtime)?;
    // An answer that asks for a token belongs to getting it.
    let is_answer = |exchange: &Exchange| exchange.status != Some(401);
    Ok(exchanges.into_iter().filter(is_answer).collect())
}

fn slow(signed: &Signed, notary: &NotaryServer) -> Result<Proxy> {
    let proxy = Proxy::tls(notary.upstream(), &signed.authority)?;
    proxy.on("", Fault::Delay(DELAY));
    Ok(proxy)
}

/// What an engine that knows nothing asks the trust server for, when so many requests for one image come at once.
fn ask(
    signed: &Signed,
    site: &Site,
    state: &str,
    proxy: &Proxy,
    requests: usize,
    runtime: &Runtime,
) -> Result<Vec<Exchange>> {
    let ca = signed.authority.certificate();
    let engine = engine::new(&site.policies(), &site.file(state), &proxy.url(), &ca)?;
    proxy.forget();
    let body = pods::of_images(&[IMAGE])?;
    runtime.block_on(admit_all(&engine, &body, requests))?;
    Ok(proxy.exchanges())
}

async fn admit_all(engine: &Engine, body: &[u8], requests: usize) -> Result<()> {
    let now = Timestamp::now();
    try_join_all((0..requests).map(|_| engine::admit(engine, body, now))).await?;
    Ok(())
}

fn trips(how: &str, exchanges: &[Exchange]) -> Row {
    Row::new(
        format!("cold verification, {how}: sequential round trips"),
        count(round_trips(exchanges)),
        Unit::Pieces,
    )
    .at_most(2.0)
    .remark(format!("{} requests side by side", exchanges.len()))
}

#[expect(clippy::cast_precision_loss, reason = "some thousand at most")]
fn count(of: usize) -> f64 {
    of as f64
}
