//! One image against 10,000 entries: 90 % begin with a literal host and path, 9 % have a `*` in the host, 1 % one inside the
//! path. The budget is 5 µs, without an allocation.

#![expect(
    clippy::expect_used,
    reason = "a benchmark that cannot be set up has nothing to measure"
)]

use std::hint::black_box;

use cise_policy::{
    ApiGroup, Entry, Mode, Origin, Pattern, Pinning, Policies, Policy, Requirements, Resolution,
};
use cise_reference::Reference;
use divan::{AllocProfiler, Bencher};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

/// How the entries with a `*` in the host are spread.
#[derive(Clone, Copy, Debug)]
enum Hosts {
    /// Ten host patterns, as organisations have them.
    Few,
    /// Each entry has a host pattern of its own: the worst case.
    AllDifferent,
}

const IMAGES: [&str; 7] = [
    // The literal entries.
    "registry42.example.com/team142/app7:1.2",
    // A host with a `*`, one of few, and one of many.
    "eu-gb.region3.example.net/team703/app:1",
    "eu-gb.region704.example.net/team/app:1",
    // An inner `*`.
    "registry9.example.com/shared/x/service9:1",
    // A host that has entries, and none for the path.
    "registry42.example.com/nobody/app:1",
    // A host that has none.
    "quay.io/prometheus/node-exporter:v1.8.0",
    // Docker Hub shorthand, which has none.
    "nginx",
];

#[divan::bench(args = IMAGES)]
fn few_host_patterns(bencher: Bencher<'_, '_>, image: &str) {
    resolve(bencher, Hosts::Few, image);
}

#[divan::bench(args = IMAGES)]
fn every_host_pattern_differs(bencher: Bencher<'_, '_>, image: &str) {
    resolve(bencher, Hosts::AllDifferent, image);
}

#[divan::bench(args = [Hosts::Few, Hosts::AllDifferent])]
fn compile(bencher: Bencher<'_, '_>, hosts: Hosts) {
    bencher
        .with_inputs(|| policy(hosts))
        .bench_values(|policy| Policies::compile([policy], []));
}

fn resolve(bencher: Bencher<'_, '_>, hosts: Hosts, image: &str) {
    let policies = Policies::compile([policy(hosts)], []);
    let reference = Reference::parse(image).expect("an image of the list");
    bencher.bench_local(|| {
        let resolution = policies.resolve(black_box("team"), black_box(&reference));
        matches!(resolution, Resolution::Matched(_))
    });
}

fn policy(hosts: Hosts) -> Policy {
    let literal = (0..9000).map(|i| format!("registry{}.example.com/team{i}/*", i % 100));
    let wild = (0..900).map(|i| match hosts {
        Hosts::Few => format!("*.region{}.example.net/team{i}/*", i % 10),
        Hosts::AllDifferent if i % 2 == 0 => format!("*.region{i}.example.net/team/*"),
        Hosts::AllDifferent => format!("registry{i}*.example.net/team/*"),
    });
    let inner = (0..100).map(|i| format!("registry{i}.example.com/shared/*/service{i}"));
    let entries: Vec<Entry> = literal
        .chain(wild)
        .chain(inner)
        .map(|name| entry(&name))
        .collect();
    let origin = Origin::cluster(ApiGroup::V1Beta1, "default").expect("a good name");
    Policy::new(origin, entries).expect("few enough entries")
}

fn entry(name: &str) -> Entry {
    Entry {
        pattern: Pattern::parse(name).expect("a good pattern"),
        requirements: Requirements::default(),
        pinning: Pinning::Pin,
        mode: Mode::Enforce,
    }
}
