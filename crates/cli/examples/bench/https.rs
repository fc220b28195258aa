//! Warm reviews as the API server sends them, beside the same requests to an echo server in the same run.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;

use crate::Bench;
use crate::account::ProcessId;
use crate::echo::Echo;
use crate::guard::Guard;
use crate::load::{Load, Pace};
use crate::pods;
use crate::statistics::{microseconds, quantile};
use cise_testkit::figures::{Row, Unit};

/// How often the servers take turns, so that what else the machine does meets both.
const ROUNDS: usize = 8;
const REQUESTS: usize = 2000;

/// The same number of requests in the same time for both servers: the four connections bring 2,000 a second.
const STEADY: Pace = Pace::Every(Duration::from_millis(2));

pub(crate) fn measure(Bench { signed, .. }: &Bench) -> Result<Vec<Row>> {
    let site = signed.site()?;
    let guard = Guard::start(&signed.authority, &site)?;
    let (body, file) = (pods::of_three_containers()?, site.file("review.json"));
    fs::write(&file, &body)?;
    let answer = guard.admit(body)?.body;
    let echo = Echo::start(&answer)?;
    let mut rows = Vec::new();
    for (how, pace) in [("2,000 a second", STEADY), ("flat out", Pace::FlatOut)] {
        let mut cise = Series::of(guard.address, &guard.authority, guard.process);
        let mut least = Series::of(echo.address, &echo.authority, echo.process);
        for _ in 0..ROUNDS {
            cise.round(&file, pace)?;
            least.round(&file, pace)?;
        }
        rows.extend(compare(how, &mut cise, &mut least));
    }
    Ok(rows)
}

/// What one server did.
struct Series {
    address: SocketAddr,
    authority: PathBuf,
    process: ProcessId,
    cpu: Duration,
    times: Vec<Duration>,
}

impl Series {
    fn of(address: SocketAddr, authority: &Path, process: ProcessId) -> Self {
        Self {
            address,
            authority: authority.to_owned(),
            process,
            cpu: Duration::ZERO,
            times: Vec::new(),
        }
    }

    fn round(&mut self, body: &Path, pace: Pace) -> Result<()> {
        let load = Load::prepare(self.address, &self.authority, body, REQUESTS, pace)?;
        let before = self.process.cpu_time()?;
        let times = load.run()?;
        self.cpu += self.process.cpu_time()?.saturating_sub(before);
        self.times.extend(times);
        Ok(())
    }

    /// CPU time of one request, in microseconds.
    #[expect(clippy::cast_precision_loss, reason = "some ten thousand requests")]
    fn cpu(&self) -> f64 {
        microseconds(self.cpu) / self.times.len() as f64
    }

    fn latency(&mut self, share: f64) -> f64 {
        microseconds(quantile(&mut self.times, share))
    }
}

fn compare(how: &str, cise: &mut Series, echo: &mut Series) -> [Row; 3] {
    let cpu = (cise.cpu(), echo.cpu());
    let half = (cise.latency(0.5), echo.latency(0.5));
    let most = (cise.latency(0.99), echo.latency(0.99));
    let row = |what: &str, (cise, echo): (f64, f64)| {
        Row::new(
            format!("the same over TLS, {how}: {what}, to that of an echo server"),
            cise / echo,
            Unit::Times,
        )
        .remark(format!("{cise:.0} µs to {echo:.0} µs"))
    };
    [
        row("CPU time of the server", cpu).at_most(2.5),
        row("p50", half),
        row("p99", most).at_most(3.0),
    ]
}
