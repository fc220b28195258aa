//! One warm review in this process: JSON in, JSON out, and everything that it needs is kept.

use std::time::Duration;

use anyhow::Result;
use cise_admission::Engine;
use jiff::Timestamp;

use crate::Bench;
use crate::account::ProcessId;
use crate::engine;
use crate::pods;
use crate::statistics::microseconds;
use cise_testkit::figures::{Row, Unit};

const REVIEWS: u32 = 2000;

/// Other processes only ever add to what is measured, so the least of several rounds is the nearest to the truth.
const ROUNDS: usize = 10;

pub(crate) fn measure(Bench { signed, .. }: &Bench) -> Result<Vec<Row>> {
    let (site, trust) = (signed.site()?, signed.notary.trust());
    let state = site.file("state-in-process");
    let engine = engine::new(&site.policies(), &state, &trust.server_url, &trust.ca)?;
    let body = pods::of_three_containers()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let time = runtime.block_on(time_of_one(&engine, &body))?;
    let kibibytes = body.len() / 1024;
    let row = Row::new(
        "one warm review, in process: CPU time",
        microseconds(time),
        Unit::Microseconds,
    );
    Ok(vec![row.at_most(60.0).remark(format!(
        "a recorded pod CREATE of {kibibytes} KiB, 3 images, trust and one signer"
    ))])
}

async fn time_of_one(engine: &Engine, body: &[u8]) -> Result<Duration> {
    let now = Timestamp::now();
    engine::admit(engine, body, now).await?;
    let mut least = Duration::MAX;
    for _ in 0..ROUNDS {
        let before = ProcessId::own().cpu_time()?;
        for _ in 0..REVIEWS {
            engine::admit(engine, body, now).await?;
        }
        let used = ProcessId::own().cpu_time()?.saturating_sub(before);
        least = least.min(used / REVIEWS);
    }
    Ok(least)
}
