//! Where a piece of work is, so that a request that gives up can say what was slow.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// What is being done at a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Step {
    /// A token is fetched from a token server.
    Token,
    /// The document that was asked for is fetched.
    Fetch,
    /// The document is fetched from where the server sent us.
    Redirect,
    /// The server asked for a pause, which is being kept.
    Pause,
    /// A service of this program's own is asked.
    Ask,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Token => "fetching a token",
            Self::Fetch => "fetching",
            Self::Redirect => "following a redirect",
            Self::Pause => "waiting as the server asked",
            Self::Ask => "asking",
        })
    }
}

/// A step and the host it is done at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whereabouts {
    /// What is being done.
    pub step: Step,
    /// The host, with its port where one is written.
    pub host: Arc<str>,
}

impl fmt::Display for Whereabouts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.step {
            Step::Token => write!(f, "fetching a token from {}", self.host),
            Step::Fetch => write!(f, "fetching from {}", self.host),
            Step::Redirect => write!(f, "following a redirect to {}", self.host),
            Step::Pause => write!(f, "waiting because {} limits requests", self.host),
            Step::Ask => write!(f, "asking {}", self.host),
        }
    }
}

/// How much of a piece of work is done, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    /// What is done; never more than all of it.
    pub done: u64,
    /// All of it, as far as that is known.
    pub total: u64,
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", ByteCount(self.done), ByteCount(self.total))
    }
}

/// A number of bytes for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteCount(pub u64);

impl fmt::Display for ByteCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
        if self.0 < 1024 {
            return write!(f, "{} bytes", self.0);
        }
        let (mut tenths, mut unit) = (self.0.saturating_mul(10) / 1024, 0);
        while tenths >= 10_240 && unit + 1 < UNITS.len() {
            tenths /= 1024;
            unit += 1;
        }
        let name = UNITS.get(unit).copied().unwrap_or_default();
        write!(f, "{}.{} {name}", tenths / 10, tenths % 10)
    }
}

/// The shared note of where a piece of work is, how much of it is done, and for whom it is. Cloning shares the note.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<Note>);

#[derive(Debug, Default)]
struct Note {
    whereabouts: Mutex<Option<Whereabouts>>,
    done: AtomicU64,
    total: AtomicU64,
    demand: watch::Sender<Demand>,
}

/// For whom a piece of work is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    /// Whether somebody waits for it.
    pub pace: Pace,
    /// The Kubernetes namespaces for which it is; those that wait, as soon as one does.
    pub namespaces: BTreeSet<Arc<str>>,
}

/// Whether somebody waits for a piece of work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// Nobody has said, so that it gives way to nobody.
    #[default]
    Unsaid,
    /// It is done ahead of time, and gives way to that which somebody waits for.
    Deferred,
    /// Somebody waits.
    Hurried,
}

impl Progress {
    /// A note that says nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes that `step` is now being done at `host`.
    pub fn reached(&self, step: Step, host: &str) {
        let whereabouts = Whereabouts {
            step,
            host: host.into(),
        };
        let place = self.0.whereabouts.lock();
        *place.unwrap_or_else(PoisonError::into_inner) = Some(whereabouts);
    }

    /// Where the work is; nothing if it has not reached a host yet.
    pub fn whereabouts(&self) -> Option<Whereabouts> {
        self.0
            .whereabouts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Notes that there are so many bytes more to be done.
    pub fn expect(&self, bytes: u64) {
        self.0.total.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Notes that so many bytes more are done.
    pub fn advance(&self, bytes: u64) {
        self.0.done.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Takes back that so many bytes are done, because they have to be done again.
    pub fn retreat(&self, bytes: u64) {
        self.0.done.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// How much is done; nothing as long as nobody knows how much there is to do.
    pub fn amount(&self) -> Option<Amount> {
        let total = self.0.total.load(Ordering::Relaxed);
        let done = self.0.done.load(Ordering::Relaxed).min(total);
        (total > 0).then_some(Amount { done, total })
    }

    /// Notes that the work is done ahead of time for that namespace, unless somebody has said that they wait.
    pub fn defer(&self, namespace: &str) {
        self.0.demand.send_if_modified(|demand| {
            let is_unsaid = demand.pace == Pace::Unsaid;
            if is_unsaid {
                demand.pace = Pace::Deferred;
                demand.namespaces = [namespace.into()].into();
            }
            is_unsaid
        });
    }

    /// Notes that somebody of that namespace waits for the work.
    pub fn hurry(&self, namespace: &str) {
        self.0.demand.send_if_modified(|demand| {
            if demand.pace != Pace::Hurried {
                demand.pace = Pace::Hurried;
                demand.namespaces.clear();
                demand.namespaces.insert(namespace.into());
                return true;
            }
            demand.namespaces.insert(namespace.into())
        });
    }

    /// For whom the work is, and whoever that comes to be.
    pub fn demand(&self) -> watch::Receiver<Demand> {
        self.0.demand.subscribe()
    }
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
            assert_eq!(ByteCount(count).to_string(), text);
        }
    }

    #[test]
    fn nobody_is_told_more_than_all_of_it() {
        let progress = Progress::new();
        progress.advance(10);
        assert_eq!(progress.amount(), None);
        progress.expect(1024);
        progress.expect(1024);
        assert_eq!(
            progress.amount().map(|amount| amount.to_string()),
            Some("10 bytes of 2.0 KiB".to_owned())
        );
        progress.retreat(10);
        progress.advance(5000);
        let all = Amount {
            done: 2048,
            total: 2048,
        };
        assert_eq!(progress.amount(), Some(all));
    }

    #[test]
    fn work_gives_way_only_while_nobody_waits_for_it() {
        let progress = Progress::new();
        let demand = |progress: &Progress| {
            let demand = progress.demand().borrow().clone();
            let names = demand.namespaces.iter().map(ToString::to_string);
            (demand.pace, names.collect::<Vec<_>>().join(" "))
        };
        assert_eq!(demand(&progress), (Pace::Unsaid, String::new()));
        progress.defer("ahead");
        assert_eq!(demand(&progress), (Pace::Deferred, "ahead".to_owned()));
        progress.hurry("one");
        assert_eq!(demand(&progress), (Pace::Hurried, "one".to_owned()));
        progress.hurry("two");
        progress.defer("ahead");
        assert_eq!(
            demand(&progress),
            (Pace::Hurried, "one two".to_owned()),
            "whoever waits goes on waiting"
        );
    }
}
