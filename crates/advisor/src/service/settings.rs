//! How much the advisor does and keeps at once.

use std::time::Duration;

use cise_registry::FlightBounds;

use crate::inventory::{Limits, Platform, Scratch};
use crate::memory::{self, Memory, Shares};
use crate::vex::VexKeys;

/// How much the advisor does and keeps at once.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The platforms whose images are judged.
    pub platforms: Vec<Platform>,
    /// What is read of each layer at most.
    pub limits: Limits,
    /// Where there is room for what is too large to be held in memory, up to the limit.
    pub scratch: Option<Scratch>,
    /// How many images may be indexed or wait for it, and for how long. How much of them is read, is bounded by the limits.
    pub flights: FlightBounds,
    /// For how long one layer is read at most.
    pub patience: Duration,
    /// How much memory is for what. What reading a layer takes, is bounded by the limits.
    pub shares: Shares,
    /// Whose VEX counts that is attached to images.
    pub vex: VexKeys,
}

impl Settings {
    /// Those of an advisor that has so much memory, on this machine.
    pub fn within(memory: Memory) -> Self {
        let shares = memory.shares(memory::threads());
        Self {
            platforms: ["amd64", "arm64"]
                .map(|architecture| Platform::new("linux", architecture, ""))
                .to_vec(),
            limits: shares.limits(),
            scratch: None,
            vex: VexKeys::default(),
            flights: FlightBounds {
                per_host: 1024,
                per_namespace: 64,
                // Most of it is waiting for others.
                longest: Duration::from_secs(3600),
            },
            // At the speed of one core, well over 50 GB.
            patience: Duration::from_secs(600),
            shares,
        }
    }

    /// Has what is too large to be held in memory put on a disk, up to so many bytes for all layers that are read at the same time.
    pub fn use_scratch(&mut self, scratch: Scratch, bytes: u64) {
        self.limits.scratch = bytes / self.shares.readers.max(1);
        self.scratch = Some(scratch);
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::within(Memory::default())
    }
}
