//! Pods that are made at a steady rate, and what CISE has to do meanwhile.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

use super::stage::{Cise, Stage};
use crate::pods::NAMESPACE;
use crate::signed::IMAGE;

const LASTS: Duration = Duration::from_secs(10);
const MAKERS: u32 = 10;
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
        let (before, started) = (Reviewed::by(cise)?, Instant::now());
        let is_over = AtomicBool::new(false);
        let (made, in_flight) = thread::scope(|scope| {
            let observer = scope.spawn(|| sample(cise, &is_over));
            let makers: Vec<_> = (0..MAKERS)
                .map(|maker| scope.spawn(move || make(stage, started, rate, maker)))
                .collect();
            let made = makers
                .into_iter()
                .map(|maker| maker.join().map_err(|_| anyhow!("a thread panicked"))?);
            let made = made.sum::<Result<u32>>();
            is_over.store(true, Ordering::Relaxed);
            let seen = observer.join().map_err(|_| anyhow!("a thread panicked"))?;
            Ok::<_, anyhow::Error>((made?, seen?))
        })?;
        let (after, took) = (Reviewed::by(cise)?, started.elapsed());
        let review = (after.seconds - before.seconds) / (after.count - before.count);
        Ok(Self {
            rate: f64::from(made) / took.as_secs_f64(),
            review: Duration::try_from_secs_f64(review)?,
            in_flight,
        })
    }
}

/// One of those who make pods: each in its turn, and late where the one before took too long.
fn make(stage: &Stage, started: Instant, rate: u32, maker: u32) -> Result<u32> {
    let interval = Duration::from_secs(1) / rate;
    let mut made = 0;
    loop {
        let due = started + interval * (made * MAKERS + maker);
        if due >= started + LASTS {
            return Ok(made);
        }
        thread::sleep(due.saturating_duration_since(Instant::now()));
        stage.make(NAMESPACE, IMAGE)?;
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
