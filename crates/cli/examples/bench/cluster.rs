//! CISE in a real cluster: how soon it is ready, how soon a changed policy counts, whether it holds creations up, and what it
//! keeps in memory.

mod creations;
mod stage;

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use cise_testkit::controlplane::{Api, ControlPlane};

use crate::Bench;
use crate::statistics::{median, milliseconds, quantile};
use cise_testkit::figures::{Row, Unit};
use creations::Creations;
use stage::{Cise, Stage};

/// Policies at a cold start, and the namespaces that they are in.
const POLICIES: usize = 1000;
const NAMESPACES: usize = 100;

/// Policies for the memory.
const MANY: usize = 10_000;

/// More pods a second than any API server makes on a machine like this.
const MOST: u32 = 1000;

const STARTS: usize = 5;
const CHANGES: usize = 10;
const POLL_EVERY: Duration = Duration::from_millis(5);
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn measure(Bench { signed, .. }: &Bench) -> Result<Vec<Row>> {
    ensure!(
        ControlPlane::require(),
        "the control plane is missing: `components get cluster` builds it"
    );
    let mut stage = Stage::set(signed)?;
    stage.write_policies(0..POLICIES, NAMESPACES)?;
    let mut rows = starts(&mut stage)?;
    let cise = stage.start_cise()?;
    stage.registers(&cise)?;
    rows.extend(changes(&stage)?);
    rows.extend(creations(&stage, &cise)?);
    rows.extend(memory(&stage, cise)?);
    Ok(rows)
}

fn starts(stage: &mut Stage) -> Result<Vec<Row>> {
    let mut times = Vec::new();
    for _ in 0..STARTS {
        let started = Instant::now();
        let cise = stage.start_cise()?;
        wait_until("cise is ready", || Ok(cise.is_ready()))?;
        times.push(started.elapsed());
    }
    let beside = milliseconds(median(&mut times));
    let mut waited = Vec::new();
    for _ in 0..STARTS {
        let cise = stage.start_cise_before_the_api_server()?;
        let answered = Instant::now();
        wait_until("cise is ready", || Ok(cise.is_ready()))?;
        waited.push(answered.elapsed());
    }
    let longest = milliseconds(quantile(&mut waited, 1.0));
    let row = |what, time| Row::new(what, time, Unit::Milliseconds).at_most(1000.0);
    Ok(vec![
        row(
            "start to ready with 1,000 policies in 100 namespaces of a cluster",
            beside,
        )
        .remark("from the call to a good answer of /readyz; median of 5"),
        row(
            "the same, started before the API server: ready after that is",
            longest,
        )
        .remark("the longest of 5"),
    ])
}

/// From the API server's answer to the change until a pod is judged by it, one way and the other.
fn changes(stage: &Stage) -> Result<Vec<Row>> {
    let mut times = Vec::new();
    for _ in 0..CHANGES {
        for (pattern, is_admitted) in [
            ("registry.example.com/other/*", false),
            ("registry.example.com/free/*", true),
        ] {
            stage.write_policy("toggled", "toggle", pattern)?;
            let written = Instant::now();
            let judged =
                || Ok(stage.admits("toggle", "registry.example.com/free/app:v1")? == is_admitted);
            wait_until("a changed policy counts", judged)?;
            times.push(written.elapsed());
        }
    }
    let (middle, longest) = (median(&mut times), quantile(&mut times, 1.0));
    let row = Row::new(
        "a changed policy counts, from the API server's answer to it",
        milliseconds(longest),
        Unit::Milliseconds,
    );
    let remark = format!("the longest of 20; median {:.0} ms", milliseconds(middle));
    Ok(vec![row.at_most(1000.0).remark(remark)])
}

/// If reviews queued up, each would take longer at the higher rate by the time that it waits. Whether the cluster comes to that
/// rate at all on this machine is another matter, and told beside.
fn creations(stage: &Stage, cise: &Cise) -> Result<Vec<Row>> {
    stage.leaves_out_what_is_unjudged()?;
    let unjudged = creations::without_webhooks(stage, MOST)?;
    let _warm = Creations::run(stage, cise, 10)?;
    let (few, many) = (
        Creations::run(stage, cise, 10)?,
        Creations::run(stage, cise, 200)?,
    );
    let reached = Row::new(
        "200 pod creations a second asked for: made",
        many.rate,
        Unit::Pieces,
    );
    let unjudged = format!(
        "the same cluster makes {unjudged:.0} a second where no webhook is called, of {MOST} asked for"
    );
    let longer = many.review.as_secs_f64() / few.review.as_secs_f64();
    let remark = format!(
        "{:.2} ms to {:.2} ms, as three reviews for each of {:.0} creations a second; {:.1} reviews in progress on average",
        milliseconds(many.review),
        milliseconds(few.review),
        many.rate,
        many.in_flight
    );
    let row = Row::new(
        "the same: time of a review, to that at 10 a second",
        longer,
        Unit::Times,
    );
    Ok(vec![
        reached.remark(unjudged),
        row.at_most(1.5).remark(remark),
    ])
}

/// One that finds them all when it starts, and one that has seen them come.
fn memory(stage: &Stage, cise: Cise) -> Result<Vec<Row>> {
    stage.write_policies(POLICIES..MANY, NAMESPACES)?;
    wait_until("all policies are in force", || cise.generation_is_settled())?;
    let seen = cise.resident()?;
    drop(cise);
    let cise = stage.start_cise()?;
    wait_until("cise is ready", || Ok(cise.is_ready()))?;
    wait_until("all policies are in force", || cise.generation_is_settled())?;
    let row = Row::new(
        "memory with 10,000 policies of a cluster",
        cise.resident()?,
        Unit::Mebibytes,
    );
    let remark = format!(
        "one entry each, in 100 namespaces; {seen:.1} MiB where 9,000 of them came one by one"
    );
    Ok(vec![row.at_most(64.0).remark(remark)])
}

fn wait_until(what: &str, mut holds: impl FnMut() -> Result<bool>) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !holds()? {
        ensure!(
            Instant::now() < deadline,
            "not within {} s: {what}",
            PATIENCE.as_secs()
        );
        thread::sleep(POLL_EVERY);
    }
    Ok(())
}

/// The objects of a request that must succeed.
fn expect(answer: std::result::Result<serde_json::Value, String>) -> Result<serde_json::Value> {
    answer.map_err(anyhow::Error::msg)
}

/// Makes what is not there, and puts it in the place of what is.
fn apply(api: &Api, path: &str, name: &str, object: &serde_json::Value) -> Result<()> {
    let made = api.post(path, object)?;
    if made.status.as_u16() != 409 {
        return expect(made.into_object()).map(drop);
    }
    expect(api.patch(&format!("{path}/{name}"), object)?.into_object()).map(drop)
}
