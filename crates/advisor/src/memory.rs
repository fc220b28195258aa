//! How much memory the advisor takes, and what of it is for what.

use std::thread::available_parallelism;

use crate::inventory::Limits;

/// A bound on the memory of an advisor in one process.
///
/// It is an account, not a wall: each part has a bound of its own, in bytes, and the parts make the whole. What lives for a moment, such as
/// a question and its answer, is in that which is set aside for the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory(u64);

/// What of a bound is for what, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shares {
    /// The program, the heads of two databases, connections, questions and answers.
    pub program: u64,
    /// What layers say, kept for the next image that has them.
    pub layers: u64,
    /// What is in images, kept for the next question about them.
    pub images: u64,
    /// What is wrong with images, kept for ten minutes.
    pub examinations: u64,
    /// What was said of images, kept for ten minutes.
    pub verdicts: u64,
    /// Blocks of one database, and as much for decoded advisories. Two databases are open while one takes the place of the other.
    pub database: u64,
    /// What the layers say of images that are being put together.
    pub held: u64,
    /// The file system that is being put together.
    pub stack: u64,
    /// A file that is large and cannot be put on a disk: one at a time.
    pub large_file: u64,
    /// Reading one layer.
    pub reader: u64,
    /// Layers that are read at the same time.
    pub readers: u64,
}

const MIB: u64 = 1024 * 1024;

impl Memory {
    /// The default, in MiB.
    pub const DEFAULT_MIB: u32 = 512;
    /// The least with which images are read, in MiB.
    pub const LEAST_MIB: u32 = 384;
    /// The most that is of use, in MiB.
    pub const MOST_MIB: u32 = 65_536;

    /// A bound of so many MiB, which is at least [`Memory::LEAST_MIB`].
    pub fn mebibytes(mebibytes: u32) -> Self {
        Self(u64::from(mebibytes.clamp(Self::LEAST_MIB, Self::MOST_MIB)) * MIB)
    }

    /// The bound, in bytes.
    pub fn bytes(self) -> u64 {
        self.0
    }

    /// How it is shared, with that many threads.
    pub fn shares(self, threads: usize) -> Shares {
        let all = self.0;
        let fixed = Shares {
            program: 48 * MIB,
            layers: all / 32,
            images: all / 16,
            examinations: all / 32,
            verdicts: all / 32,
            database: all / 128,
            held: all / 16,
            stack: Limits::STACK as u64,
            large_file: Limits::default().large_file,
            reader: 0,
            readers: 0,
        };
        let rest = all.saturating_sub(fixed.sum());
        let threads = u64::try_from(threads).unwrap_or(u64::MAX);
        // One more than threads, for a namespace for which none of them reads.
        let readers = (rest / READER).clamp(2, threads.saturating_add(1).max(2));
        Shares {
            reader: (rest / readers).min(MOST_OF_A_READER),
            readers,
            ..fixed
        }
    }
}

/// What a reader of layers has, unless there are few threads, or little memory.
const READER: u64 = 64 * MIB;
/// With five times the largest window and the largest file, a reader has no use for more.
const MOST_OF_A_READER: u64 = 5 * 64 * MIB;

impl Default for Memory {
    fn default() -> Self {
        Self::mebibytes(Self::DEFAULT_MIB)
    }
}

impl Shares {
    /// All of it.
    pub fn sum(&self) -> u64 {
        let databases = 2 * 2 * self.database;
        let kept = self.layers + self.images + self.examinations + self.verdicts + databases;
        let reading = self.held + self.stack + self.large_file + self.readers * self.reader;
        self.program + kept + reading
    }

    /// How much of a layer is read, and how many at the same time.
    pub fn limits(&self) -> Limits {
        let readers = usize::try_from(self.readers).unwrap_or(usize::MAX);
        Limits {
            held: self.held,
            large_file: self.large_file,
            ..Limits::within(self.reader, readers)
        }
    }
}

/// The threads of this machine.
pub(crate) fn threads() -> usize {
    available_parallelism().map_or(2, usize::from)
}

/// A weight as caches count it.
pub(crate) fn weight(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_make_no_more_than_the_whole_whatever_it_is() {
        for mebibytes in [0, 384, 400, 512, 768, 1024, 4096, 65_536, u32::MAX] {
            for threads in [1, 2, 4, 64] {
                let memory = Memory::mebibytes(mebibytes);
                let shares = memory.shares(threads);
                assert!(
                    shares.sum() <= memory.bytes(),
                    "{mebibytes} {threads}: {shares:?}"
                );
                let limits = shares.limits();
                assert!(limits.layers >= 1 && limits.layers <= threads.max(1));
                // What builders of images use.
                assert!(
                    limits.window >= 8 * MIB,
                    "{mebibytes} {threads}: {limits:?}"
                );
            }
        }
    }

    #[test]
    fn more_memory_reads_more_layers_at_a_time_and_then_larger_ones() {
        let readers = |mebibytes, threads| {
            let shares = Memory::mebibytes(mebibytes).shares(threads);
            (shares.readers, shares.reader / MIB)
        };
        assert_eq!(readers(512, 2), (3, 74));
        assert_eq!(readers(512, 16), (3, 74));
        assert_eq!(readers(4096, 16), (17, 171));
        assert_eq!(readers(4096, 2), (3, 320));
        assert_eq!(readers(384, 2), (2, 64));
    }
}
