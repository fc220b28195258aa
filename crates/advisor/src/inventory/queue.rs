//! The line in which images wait for their layers to be read: bounded in bytes, and fair between namespaces.

mod busy;
mod image;
mod line;
mod room;
mod shares;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cise_reference::Digest;
use cise_registry::Progress;
use tokio::sync::oneshot;

use image::Number;
use line::{Bounds, Line};

pub use busy::Busy;
pub use line::Load;

/// The line, for those who wait in it. Cloning shares it.
#[derive(Clone)]
pub(super) struct Queue(Arc<Mutex<State>>);

struct State {
    line: Line,
    waiting: HashMap<Number, oneshot::Sender<Turn>>,
}

/// The place of an image in line, which its drop gives up.
pub(super) struct Place {
    queue: Queue,
    number: Number,
}

/// What somebody who waited for a layer may do.
pub(super) enum Turn {
    /// Read it, for as long as that takes.
    Read(Permit),
    /// Look whether it is known: somebody else has read it.
    LookAgain,
}

/// A layer that is wanted, or being read, until this is dropped.
pub(super) struct Permit {
    queue: Queue,
    number: Number,
}

impl Queue {
    /// A line of so many bytes, from which so many layers are read at the same time.
    pub(super) fn new(bytes: u64, layers: usize) -> Self {
        let line = Line::new(Bounds { bytes, layers });
        Self(Arc::new(Mutex::new(State {
            line,
            waiting: HashMap::new(),
        })))
    }

    /// Takes a place for an image of which these layers are to be read, with their bytes. For whom it is, is on the note.
    pub(super) fn enter(
        &self,
        layers: HashMap<Digest, u64>,
        progress: &Progress,
    ) -> Result<Place, Busy> {
        let demand = progress.demand().borrow().clone();
        let (number, gone) = self.state().line.enter(demand, layers)?;
        if !gone.is_empty() {
            self.forget_those_put_off();
        }
        Ok(Place {
            queue: self.clone(),
            number,
        })
    }

    /// How much there is in line.
    pub(super) fn load(&self) -> Load {
        self.state().line.load()
    }

    /// What is in that layer is known by now.
    pub(super) fn known(&self, layer: &Digest) {
        self.state().line.known(layer);
    }

    /// Whoever waited for a layer that is no longer wanted learns it by that.
    fn forget_those_put_off(&self) {
        let mut state = self.state();
        let State { line, waiting } = &mut *state;
        waiting.retain(|number, _| line.is_wanted(*number));
    }

    /// Tells those who may read. They are told without the lock: whoever has left meanwhile gives the permit back.
    fn go_on(&self) {
        let mut told = Vec::new();
        let mut state = self.state();
        while let Some(number) = state.line.next() {
            told.push((number, state.waiting.remove(&number)));
        }
        drop(state);
        for (number, waiting) in told {
            let queue = self.clone();
            let permit = Permit { queue, number };
            if let Some(waiting) = waiting {
                let _ = waiting.send(Turn::Read(permit));
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Waits until a layer of the image may be read, or was read by another. An image may be put off while it waits.
    pub(super) async fn turn(
        &self,
        layer: &Digest,
        bytes: u64,
        progress: &Progress,
    ) -> Result<Turn, Busy> {
        let mut demand = progress.demand();
        let (number, mut told) = self.ask(layer, bytes)?;
        let waiting = Waiting {
            queue: &self.queue,
            number,
        };
        loop {
            let now = demand.borrow_and_update().clone();
            self.queue.state().line.change(self.number, now);
            self.queue.go_on();
            tokio::select! {
                biased;
                turn = &mut told => {
                    drop(waiting);
                    return turn.map_err(|_| Busy::PutOff);
                }
                // It cannot fail while there is a note.
                Ok(()) = demand.changed() => {}
            }
        }
    }

    fn ask(&self, layer: &Digest, bytes: u64) -> Result<(Number, oneshot::Receiver<Turn>), Busy> {
        let (sender, told) = oneshot::channel();
        let mut state = self.queue.state();
        let number = state.line.want(self.number, layer, bytes);
        let number = number.ok_or(Busy::PutOff)?;
        state.waiting.insert(number, sender);
        Ok((number, told))
    }

    /// What is in that layer is known by now.
    pub(super) fn known(&self, layer: &Digest) {
        self.queue.known(layer);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.queue.state().line.leave(self.number);
        self.queue.go_on();
    }
}

/// Somebody who waits for a layer, and may leave.
struct Waiting<'a> {
    queue: &'a Queue,
    number: Number,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut state = self.queue.state();
        // Whoever is no longer waiting has a permit, or was told to look again.
        let left = state.waiting.remove(&self.number);
        if left.is_some() {
            state.line.done(self.number);
        }
        drop(state);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.queue.state();
        let same = state.line.done(self.number);
        let same: Vec<_> = same
            .iter()
            .filter_map(|number| state.waiting.remove(number))
            .collect();
        drop(state);
        for waiting in same {
            let _ = waiting.send(Turn::LookAgain);
        }
        self.queue.go_on();
    }
}

#[cfg(test)]
mod tests;
