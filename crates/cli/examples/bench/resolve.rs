//! One image against 10,000 entries: 90 % begin with a literal host and path, 9 % have a `*` in the host, 1 % one inside the
//! path.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use cise_policy::{
    ApiGroup, Entry, Mode, Origin, Pattern, Pinning, Policies, Policy, Requirements, Resolution,
};
use cise_reference::Reference;

use crate::Bench;
use crate::pods::NAMESPACE;
use cise_testkit::figures::{Row, Unit};

/// One of each kind of entry.
const HITS: [&str; 3] = [
    "registry42.example.com/team142/app7:1.2",
    "eu-gb.region704.example.net/team/app:1",
    "registry9.example.com/shared/x/service9:1",
];

/// A host that has entries, and one that has none.
const MISSES: [&str; 2] = [
    "registry42.example.com/nobody/app:1",
    "quay.io/prometheus/node-exporter:v1.8.0",
];

const REPEATS: u32 = 20_000;
const ROUNDS: u32 = 10;

pub(crate) fn measure(_: &Bench) -> Result<Vec<Row>> {
    let policies = Policies::compile([policy()?], []);
    let hits = Resolving::of(&policies, &HITS)?;
    let misses = Resolving::of(&policies, &MISSES)?;
    let row = |what, time| Row::new(what, time, Unit::Nanoseconds).at_most(5000.0);
    let allocations = hits.allocations + misses.allocations;
    Ok(vec![
        row("resolve against 10,000 entries: hit", hits.nanoseconds)
            .remark("the slowest of three kinds of entry"),
        row("resolve against 10,000 entries: miss", misses.nanoseconds)
            .remark("the slower of a known and an unknown host"),
        Row::new("resolve: allocations", allocations, Unit::Pieces).at_most(0.0),
    ])
}

/// The worst of several images.
struct Resolving {
    nanoseconds: f64,
    allocations: f64,
}

impl Resolving {
    fn of(policies: &Policies, images: &[&str]) -> Result<Self> {
        let mut worst = Self {
            nanoseconds: 0.0,
            allocations: 0.0,
        };
        for image in images {
            let reference = Reference::parse(image)?;
            let allocated = allocation_counter::measure(|| {
                resolve(policies, &reference);
            });
            worst.nanoseconds = worst.nanoseconds.max(nanoseconds(policies, &reference));
            #[expect(clippy::cast_precision_loss, reason = "a handful at most")]
            let count = allocated.count_total as f64;
            worst.allocations = worst.allocations.max(count);
        }
        Ok(worst)
    }
}

/// The least of several rounds: what else the machine does only ever adds.
fn nanoseconds(policies: &Policies, reference: &Reference) -> f64 {
    let round = |_| {
        let started = Instant::now();
        for _ in 0..REPEATS {
            resolve(policies, reference);
        }
        started.elapsed()
    };
    let least: Duration = (0..ROUNDS).map(round).min().unwrap_or_default();
    least.as_secs_f64() * 1e9 / f64::from(REPEATS)
}

fn resolve(policies: &Policies, reference: &Reference) -> bool {
    let resolution = policies.resolve(black_box(NAMESPACE), black_box(reference));
    black_box(matches!(resolution, Resolution::Matched(_)))
}

fn policy() -> Result<Policy> {
    let literal = (0..9000).map(|i| format!("registry{}.example.com/team{i}/*", i % 100));
    // Each has a host pattern of its own, which is the worst case.
    let wild = (0..900).map(|i| format!("*.region{i}.example.net/team/*"));
    let inner = (0..100).map(|i| format!("registry{i}.example.com/shared/*/service{i}"));
    let names = literal.chain(wild).chain(inner);
    let entries = names.map(|name| entry(&name)).collect::<Result<Vec<_>>>()?;
    let origin = Origin::cluster(ApiGroup::V1Beta1, "default")?;
    Policy::new(origin, entries).context("10,000 entries")
}

fn entry(name: &str) -> Result<Entry> {
    Ok(Entry {
        pattern: Pattern::parse(name)?,
        requirements: Requirements::default(),
        pinning: Pinning::Pin,
        mode: Mode::Enforce,
    })
}
