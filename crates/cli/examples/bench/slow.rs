//! Trust servers that take their time: many images at once, and one that never answers at all.

use std::fs;
use std::thread;
use std::time::Duration;

use anyhow::Result;
use cise_testkit::proxy::{Fault, Proxy};

use crate::Bench;
use crate::guard::Guard;
use crate::load::{Load, Pace};
use crate::pods;
use crate::site::Site;
use crate::statistics::{median, milliseconds, quantile};
use crate::trust_server::TrustServer;
use cise_testkit::figures::{Row, Unit};

const DELAY: Duration = Duration::from_millis(100);
const ROUNDS: usize = 5;

/// Images in one pod.
const MANY: usize = 50;

/// Pods whose trust server never answers.
const STUCK: usize = 32;

/// Requests of others while those are waited for: done long before they are given up.
const REQUESTS: usize = 8000;

/// The time from one of them to the next on a connection.
const PAUSE: Duration = Duration::from_millis(2);

pub(crate) fn measure(Bench { runtime, .. }: &Bench) -> Result<Vec<Row>> {
    let server = TrustServer::start(runtime)?;
    let authority = &server.authority;
    let (late, stuck) = (
        Proxy::tls(server.upstream(), authority)?,
        Proxy::tls(server.upstream(), authority)?,
    );
    late.on("", Fault::Delay(DELAY));
    stuck.on("", Fault::Hang);
    let ca = authority.certificate_file();
    let entry = |host: &str, proxy: &Proxy| {
        format!(
            "- {{host: {host}, trustServer: \"{}\", trustServerCAFile: \"{}\"}}\n",
            proxy.url(),
            ca.display()
        )
    };
    let configuration = format!(
        "registries:\n{}{}",
        entry("registry.test", &late),
        entry("stuck.test", &stuck)
    );
    let site = Site::new(&server.notary.alice()?, &configuration)?;
    let guard = Guard::start(authority, &site)?;
    Ok(vec![
        many_images(&guard)?,
        others_of_a_stuck_one(&guard, &site)?,
    ])
}

fn many_images(guard: &Guard) -> Result<Row> {
    let one = milliseconds(time_of_new(guard, "one", 1)?);
    let many = milliseconds(time_of_new(guard, "many", MANY)?);
    let what = "50 images behind a trust server that answers after 100 ms, to one image: time";
    Ok(Row::new(what, many / one, Unit::Times)
        .at_most(1.5)
        .remark(format!("{many:.0} ms to {one:.0} ms")))
}

/// The time of a pod with so many images that were never seen.
fn time_of_new(guard: &Guard, name: &str, images: usize) -> Result<Duration> {
    let round = |round| {
        let image = |index| format!("registry.test/{name}/{round}-{index}:v1");
        let images: Vec<_> = (0..images).map(image).collect();
        Ok(guard.admit(pods::of_images(&images)?)?.time)
    };
    let mut times = (0..ROUNDS).map(round).collect::<Result<Vec<_>>>()?;
    Ok(median(&mut times))
}

/// The latency of warm reviews while other pods of their namespace wait for a trust server that never answers.
fn others_of_a_stuck_one(guard: &Guard, site: &Site) -> Result<Row> {
    let (body, file) = (pods::of_three_containers()?, site.file("review.json"));
    fs::write(&file, &body)?;
    guard.admit(body)?;
    let before = slowest(guard, site)?;
    let during = thread::scope(|scope| {
        for index in 0..STUCK {
            scope.spawn(move || {
                guard.ask(pods::of_images(&[format!("stuck.test/app-{index}:v1")])?)
            });
        }
        // Time for all of them to be under way.
        thread::sleep(DELAY);
        slowest(guard, site)
    })?;
    let what =
        "32 pods wait for a trust server that never answers: p99 of others, to that without them";
    Ok(Row::new(what, during / before, Unit::Times)
        .at_most(2.0)
        .remark(format!("{during:.2} ms to {before:.2} ms")))
}

/// The 99th percentile, in milliseconds.
fn slowest(guard: &Guard, site: &Site) -> Result<f64> {
    let file = site.file("review.json");
    let load = Load::prepare(
        guard.address,
        &guard.authority,
        &file,
        REQUESTS,
        Pace::Every(PAUSE),
    )?;
    Ok(milliseconds(quantile(&mut load.run()?, 0.99)))
}
