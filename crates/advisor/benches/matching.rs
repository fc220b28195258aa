//! Versions, compared, and a thousand packages held against their advisories. The budgets are ≤ 10 ms for the thousand, and no
//! allocation for either.

use std::hint::black_box;

use cise_advisor::matching::judge;
use cise_advisor::{
    Affected, Ecosystem, Event, Manager, Package, Range, SourcePackage, osv, version,
};
use divan::{AllocProfiler, Bencher};
use jiff::Timestamp;

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

const PAIRS: [(Manager, &str, &str); 4] = [
    (Manager::Dpkg, "1:9.18.28-1~deb12u2", "1:9.18.28-1~deb12u10"),
    (
        Manager::Apk,
        "3.1.4_git20240101-r1",
        "3.1.4_git20240101-r12",
    ),
    (
        Manager::Rpm,
        "32:9.16.23-18.el9_4.6",
        "32:9.16.23-18.el9_4.1",
    ),
    // Equal to its end.
    (
        Manager::Rpm,
        "1:18.20.4-1.module+el8.10.0+22219+9ba4fe2b",
        "1:18.20.4-1.module+el8.10.0+22219+9ba4fe2b",
    ),
];

#[divan::bench(args = PAIRS)]
fn compare(bencher: Bencher<'_, '_>, (manager, left, right): (Manager, &str, &str)) {
    bencher.bench_local(|| version::compare(manager, black_box(left), black_box(right)));
}

/// How many advisories each of the thousand packages has.
#[divan::bench(args = [1, 10, 100])]
fn judge_1000_packages(bencher: Bencher<'_, '_>, advisories: usize) {
    let packages: Vec<Package> = (0..1000).map(package).collect();
    let affected: Vec<Vec<Affected>> = (0..1000)
        .map(|package| {
            (0..advisories)
                .map(|advisory| affected(package, advisory))
                .collect()
        })
        .collect();
    bencher.bench_local(|| {
        packages
            .iter()
            .zip(&affected)
            .flat_map(|(package, affected)| {
                affected
                    .iter()
                    .map(move |affected| judge(package, affected))
            })
            .flatten()
            .count()
    });
}

#[divan::bench]
fn read_a_record(bencher: Bencher<'_, '_>) {
    let record = br#"{"schema_version":"1.7.0","id":"DSA-3029-1","modified":"2014-09-20T08:18:07Z",
        "published":"2014-09-20T00:00:00Z","upstream":["CVE-2014-3616"],"affected":[
        {"package":{"ecosystem":"Debian:7","name":"nginx"},"ranges":[
        {"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1.2.1-2.2+wheezy3"}]}]}]}"#;
    bencher.bench_local(|| osv::parse(black_box(record), Timestamp::UNIX_EPOCH));
}

fn package(number: usize) -> Package {
    let name: Box<str> = format!("package{number}").into();
    let version: Box<str> =
        format!("1:{}.{}.4-10+deb12u{}", number % 7, number % 31, number % 5).into();
    Package {
        manager: Manager::Dpkg,
        source: SourcePackage {
            name: name.clone(),
            version: version.clone(),
        },
        name,
        version,
        architecture: "amd64".into(),
        vendor: "".into(),
        module: None,
        recorded_in: "var/lib/dpkg/status".into(),
    }
}

/// Half of them fixed in the installed version; a list of earlier versions, as Debian's and Ubuntu's records have.
fn affected(package: usize, advisory: usize) -> Affected {
    let fixed = format!(
        "1:{}.{}.4-{}+deb12u1",
        package % 7,
        package % 31,
        8 + advisory % 4
    );
    let events = vec![Event::Introduced("0".into()), Event::Fixed(fixed.into())];
    Affected {
        ecosystem: Ecosystem::new("Debian:12"),
        package: format!("package{package}").into(),
        ranges: vec![Range { events }],
        versions: (0..20)
            .map(|version| format!("1:0.{version}-1").into())
            .collect(),
        binaries: Vec::new(),
        module: None,
        severity: None,
    }
}
