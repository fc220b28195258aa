//! Memory of the server: idle, with many verdicts kept, and when more images come than it may keep.

use std::ops::Range;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};

use crate::Bench;
use crate::guard::Guard;
use crate::pods;
use crate::site::Site;
use crate::trust_server::TrustServer;
use cise_testkit::figures::{Row, Unit};

/// Images in one pod.
const IMAGES: usize = 10;

/// Pods whose images are all kept.
const KEPT: usize = 1000;

/// Pods of the flood.
const FLOOD: usize = 400;

/// What the flood may keep, in MiB.
const BOUND: u32 = 1;

/// How pods come.
#[derive(Clone, Copy, Debug)]
enum Arrival {
    /// One after the other.
    Calm,
    /// Several at the same time.
    Flood,
}

pub(crate) fn measure(Bench { runtime, .. }: &Bench) -> Result<Vec<Row>> {
    let server = TrustServer::start(runtime)?;
    let mut rows = kept(&server)?;
    rows.extend(flooded(&server)?);
    Ok(rows)
}

fn kept(server: &TrustServer) -> Result<Vec<Row>> {
    let site = site(server, "")?;
    let guard = Guard::start(&server.authority, &site)?;
    let idle = settled(&guard)?;
    admit_all(&guard, 0..KEPT, Arrival::Calm)?;
    let full = settled(&guard)?;
    let before = server.requests();
    admit_all(&guard, 0..KEPT, Arrival::Calm)?;
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
    let limits = format!("limits: {{keptTrustMiB: {BOUND}, trustedRepositories: 100000}}\n");
    let site = site(server, &limits)?;
    let guard = Guard::start(&server.authority, &site)?;
    admit_all(&guard, 0..FLOOD / 2, Arrival::Flood)?;
    let half = settled(&guard)?;
    admit_all(&guard, FLOOD / 2..FLOOD, Arrival::Flood)?;
    let end = settled(&guard)?;
    Ok(vec![
        memory(
            "memory after a flood of 4,000 images, 40 at a time, 1 MiB to be kept",
            end,
        )
        .at_most(64.0)
        .remark(format!("{half:.1} MiB after half of them")),
    ])
}

impl Arrival {
    /// How many pods are asked about at the same time.
    fn side_by_side(self) -> usize {
        match self {
            Self::Calm => 1,
            Self::Flood => 4,
        }
    }
}

fn memory(what: &str, mebibytes: f64) -> Row {
    Row::new(what, mebibytes, Unit::Mebibytes)
}

fn site(server: &TrustServer, limits: &str) -> Result<Site> {
    let (url, ca) = (server.url(), server.authority.certificate_file());
    // Nothing is to be confirmed anew while it is counted what is kept.
    let configuration = format!(
        "registries:\n- {{host: registry.test, trustServer: \"{url}\", trustServerCAFile: \"{}\"}}\ntimestampTrustSeconds: 3600\n{limits}",
        ca.display()
    );
    Site::new(&server.notary.alice()?, &configuration)
}

/// The memory that stays when nothing is under way.
fn settled(guard: &Guard) -> Result<f64> {
    thread::sleep(Duration::from_secs(2));
    guard.process.resident()
}

fn admit_all(guard: &Guard, pods: Range<usize>, arrival: Arrival) -> Result<()> {
    let side_by_side = arrival.side_by_side();
    thread::scope(|scope| {
        let work = |first| {
            let pods = pods.clone().skip(first).step_by(side_by_side);
            scope.spawn(move || pods.into_iter().try_for_each(|pod| admit(guard, pod)))
        };
        let workers: Vec<_> = (0..side_by_side).map(work).collect();
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
