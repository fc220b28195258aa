//! Pods that are made at a steady rate, and what CISE has to do meanwhile.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

use cise_testkit::controlplane::Api;

use super::stage::{Cise, Stage, UNJUDGED, make};
use crate::pods::NAMESPACE;
use crate::signed::IMAGE;

const LASTS: Duration = Duration::from_secs(10);

/// How many make pods side by side, each on a connection of its own. A creation may take this many times as long as the pause
/// between two, before they come late.
const MAKERS: u32 = 32;

const SAMPLE_EVERY: Duration = Duration::from_millis(5);

/// What was seen of them.
pub(super) struct Creations {
    /// Pods that were made, a second.
    pub(super) rate: f64,
    /// The time that CISE took for a review, on average.
    pub(super) review: Duration,
    /// Reviews in progress, on average.
    pub(super) in_flight: f64,
}

/// How much CISE has reviewed so far.
struct Reviewed {
    seconds: f64,
    count: f64,
}

impl Creations {
    /// Makes that many pods a second for some time, if the cluster can.
    pub(super) fn run(stage: &Stage, cise: &Cise, rate: u32) -> Result<Self> {
        let before = Reviewed::by(cise)?;
        let is_over = AtomicBool::new(false);
        let (made, in_flight) = thread::scope(|scope| {
            let observer = scope.spawn(|| sample(cise, &is_over));
            let made = made_a_second(stage, NAMESPACE, rate);
            is_over.store(true, Ordering::Relaxed);
            let seen = observer.join().map_err(|_| anyhow!("a thread panicked"))?;
            Ok::<_, anyhow::Error>((made?, seen?))
        })?;
        let after = Reviewed::by(cise)?;
        let review = (after.seconds - before.seconds) / (after.count - before.count);
        Ok(Self {
            rate: made,
            review: Duration::try_from_secs_f64(review)?,
            in_flight,
        })
    }
}

/// How many pods the cluster makes a second where no webhook is called, if so many are asked for.
pub(super) fn without_webhooks(stage: &Stage, rate: u32) -> Result<f64> {
    made_a_second(stage, UNJUDGED, rate)
}

fn made_a_second(stage: &Stage, namespace: &str, rate: u32) -> Result<f64> {
    let apis = (0..MAKERS).map(|_| stage.connection());
    let apis = apis.collect::<Result<Vec<Api>>>()?;
    let started = Instant::now();
    let made = thread::scope(|scope| {
        let makers: Vec<_> = (0..)
            .zip(&apis)
            .map(|(maker, api)| scope.spawn(move || go_on(api, namespace, started, rate, maker)))
            .collect();
        let made = makers
            .into_iter()
            .map(|maker| maker.join().map_err(|_| anyhow!("a thread panicked"))?);
        made.sum::<Result<u32>>()
    });
    Ok(f64::from(made?) / started.elapsed().as_secs_f64())
}

/// One of those who make pods: each in its turn, and late where the one before took too long. What is due when the time is over
/// is not made up for.
fn go_on(api: &Api, namespace: &str, started: Instant, rate: u32, maker: u32) -> Result<u32> {
    let interval = Duration::from_secs(1) / rate;
    let mut made = 0;
    loop {
        let due = started + interval * (made * MAKERS + maker);
        if due.max(Instant::now()) >= started + LASTS {
            return Ok(made);
        }
        thread::sleep(due.saturating_duration_since(Instant::now()));
        make(api, namespace, IMAGE)?;
        made += 1;
    }
}

fn sample(cise: &Cise, is_over: &AtomicBool) -> Result<f64> {
    let (mut sum, mut samples) = (0.0, 0.0);
    while !is_over.load(Ordering::Relaxed) {
        sum += cise.metric("cise_reviews_in_flight")?;
        samples += 1.0;
        thread::sleep(SAMPLE_EVERY);
    }
    Ok(sum / f64::max(samples, 1.0))
}

impl Reviewed {
    fn by(cise: &Cise) -> Result<Self> {
        Ok(Self {
            seconds: cise.metric("cise_review_duration_seconds_sum")?,
            count: cise.metric("cise_review_duration_seconds_count")?,
        })
    }
}
