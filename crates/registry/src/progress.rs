//! Where a piece of work is, so that a request that gives up can say what was slow.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

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

/// The shared note of where a piece of work is. Cloning shares the note.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<Mutex<Option<Whereabouts>>>);

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
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(whereabouts);
    }

    /// Where the work is; nothing if it has not reached a host yet.
    pub fn whereabouts(&self) -> Option<Whereabouts> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
