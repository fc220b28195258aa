//! Progress of long work: one line on a terminal, nothing elsewhere.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// How often the line changes.
const EVERY: Duration = Duration::from_millis(200);

/// A line that says where the work is. It is gone when this is dropped.
pub(crate) struct Progress {
    begun: Instant,
    shown: Option<Instant>,
    is_seen: bool,
}

impl Progress {
    pub(crate) fn start() -> Self {
        Self {
            begun: Instant::now(),
            shown: None,
            is_seen: io::stderr().is_terminal(),
        }
    }

    /// Shows what `line` says, unless something was shown just now.
    pub(crate) fn show(&mut self, line: impl FnOnce() -> String) {
        if !self.is_seen || self.shown.is_some_and(|last| last.elapsed() < EVERY) {
            return;
        }
        self.shown = Some(Instant::now());
        let seconds = self.begun.elapsed().as_secs();
        // Nobody is there to be told if that fails.
        let _ = write!(io::stderr(), "\r\u{1b}[K{} ({seconds} s)", line());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown.is_some() {
            let _ = write!(io::stderr(), "\r\u{1b}[K");
        }
    }
}

/// A number of bytes for people.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if count < 1024 {
        return format!("{count} bytes");
    }
    let (mut tenths, mut unit) = (count.saturating_mul(10) / 1024, 0);
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    let name = UNITS.get(unit).copied().unwrap_or_default();
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_told_in_the_unit_that_fits() {
        for (count, text) in [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            (1 << 20, "1.0 MiB"),
            (5 << 30, "5.0 GiB"),
            (u64::MAX, "1677721.5 TiB"),
        ] {
            assert_eq!(bytes(count), text);
        }
    }
}
