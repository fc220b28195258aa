//! Memory of the server: idle, with many verdicts kept, and when more images come than it may keep.

use std::ops::Range;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use cise_testkit::authority::Authority;

use crate::Bench;
use crate::guard::Guard;
use crate::pods;
use crate::site::Site;
use crate::table::{Row, Unit};
use crate::trust_server::TrustServer;

/// Images in one pod.
const IMAGES: usize = 10;

/// Pods whose images are all kept.
const KEPT: usize = 1000;

/// Pods of the flood.
const FLOOD: usize = 400;

/// What the flood may keep, in MiB.
const BOUND: u32 = 1;

/// Pods that are asked about at the same time.
const SIDE_BY_SIDE: usize = 4;

pub(crate) fn measure(Bench { runtime, .. }: &Bench) -> Result<Vec<Row>> {
    let server = TrustServer::start(runtime)?;
    let mut rows = kept(&server)?;
    rows.extend(flooded(&server)?);
    Ok(rows)
}

fn kept(server: &TrustServer) -> Result<Vec<Row>> {
    let authority = Authority::new("bench")?;
    let site = site(server, "")?;
    let guard = Guard::start(&authority, &site)?;
    let idle = settled(&guard)?;
    admit_all(&guard, 0..KEPT)?;
    let full = settled(&guard)?;
    let before = server.requests();
    admit_all(&guard, 0..KEPT)?;
    let again = server.requests() - before;
    Ok(vec![
        memory("memory, idle", idle).at_most(25.0),
        memory("memory with 10,000 kept verdicts", full)
            .at_most(64.0)
            .remark(format!(
                "asked about all again, it sent {again} requests to the trust server"
            )),
    ])
}

fn flooded(server: &TrustServer) -> Result<Vec<Row>> {
    let authority = Authority::new("bench")?;
    let limits = format!("limits: {{keptTrustMiB: {BOUND}, trustedRepositories: 100000}}\n");
    let site = site(server, &limits)?;
    let guard = Guard::start(&authority, &site)?;
    admit_all(&guard, 0..FLOOD / 2)?;
    let half = settled(&guard)?;
    admit_all(&guard, FLOOD / 2..FLOOD)?;
    let end = settled(&guard)?;
    Ok(vec![
        memory(
            "memory after a flood of 4,000 images, 1 MiB to be kept",
            end,
        )
        .at_most(64.0)
        .remark(format!("{half:.1} MiB after half of them")),
    ])
}

fn memory(what: &str, mebibytes: f64) -> Row {
    Row::new(what, mebibytes, Unit::Mebibytes)
}

fn site(server: &TrustServer, limits: &str) -> Result<Site> {
    let url = server.url();
    // Nothing is to be confirmed anew while it is counted what is kept.
    let configuration = format!(
        "registries:\n- {{host: registry.test, trustServer: \"{url}\"}}\ntimestampTrustSeconds: 3600\n{limits}"
    );
    Site::new(&server.notary.alice()?, &configuration)
}

/// The memory that stays when nothing is under way.
fn settled(guard: &Guard) -> Result<f64> {
    thread::sleep(Duration::from_secs(2));
    guard.process.resident()
}

fn admit_all(guard: &Guard, pods: Range<usize>) -> Result<()> {
    thread::scope(|scope| {
        let work = |first| {
            let pods = pods.clone().skip(first).step_by(SIDE_BY_SIDE);
            scope.spawn(move || pods.into_iter().try_for_each(|pod| admit(guard, pod)))
        };
        let workers: Vec<_> = (0..SIDE_BY_SIDE).map(work).collect();
        let mut done = workers.into_iter().map(|worker| {
            let done = worker.join().map_err(|_| anyhow!("a thread panicked"));
            done.and_then(|done| done)
        });
        done.try_for_each(|done| done).context("asking about pods")
    })
}

fn admit(guard: &Guard, pod: usize) -> Result<()> {
    let image = |index| format!("registry.test/fleet/{pod}-{index}:v1");
    let images: Vec<_> = (0..IMAGES).map(image).collect();
    guard.admit(pods::of_images(&images)?).map(drop)
}
