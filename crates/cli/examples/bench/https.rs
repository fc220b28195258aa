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
use crate::load::Load;
use crate::pods;
use crate::statistics::{microseconds, quantile};
use crate::table::{Row, Unit};

/// How often the servers take turns, so that what else the machine does meets both.
const ROUNDS: usize = 12;
const REQUESTS: usize = 2000;

pub(crate) fn measure(Bench { signed, .. }: &Bench) -> Result<Vec<Row>> {
    let site = signed.site()?;
    let guard = Guard::start(&signed.authority, &site)?;
    let (body, file) = (pods::of_three_containers()?, site.file("review.json"));
    fs::write(&file, &body)?;
    let answer = guard.admit(body)?.body;
    let echo = Echo::start(&answer)?;
    let mut cise = Series::of(guard.address, &guard.authority, guard.process);
    let mut least = Series::of(echo.address, &echo.authority, echo.process);
    for _ in 0..ROUNDS {
        cise.round(&file)?;
        least.round(&file)?;
    }
    Ok(rows(&mut cise, &mut least))
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

    fn round(&mut self, body: &Path) -> Result<()> {
        let load = Load::prepare(self.address, &self.authority, body, REQUESTS)?;
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

fn rows(cise: &mut Series, echo: &mut Series) -> Vec<Row> {
    let cpu = (cise.cpu(), echo.cpu());
    let half = (cise.latency(0.5), echo.latency(0.5));
    let most = (cise.latency(0.99), echo.latency(0.99));
    let row = |what: &str, (cise, echo): (f64, f64)| {
        Row::new(
            format!("the same over TLS: {what}, to that of an echo server"),
            cise / echo,
            Unit::Times,
        )
        .remark(format!("{cise:.0} µs to {echo:.0} µs"))
    };
    vec![
        row("CPU time of the server", cpu).at_most(2.5),
        row("p50", half),
        row("p99", most).at_most(3.0),
    ]
}
