//! How much is read of an image.

/// What is read of each layer at most. Past any of it, the image cannot be judged in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a blob.
    pub compressed: u64,
    /// Bytes of its archive.
    pub inflated: u64,
    /// How many times its size a blob may inflate to. The archives of real layers stay below 100; deflate itself ends at 1032.
    pub ratio: u64,
    /// Entries of an archive.
    pub entries: u64,
    /// Bytes of a file that is read, such as a package database; it is held in memory for a moment.
    pub file: u64,
    /// Bytes of a larger file that is held in memory for a moment, where it cannot be put on a disk: of one layer at a time.
    pub large_file: u64,
    /// Bytes of what was inflated that a Zstandard frame may refer back to. The strongest levels of `zstd` use 128 MiB; what builds images
    /// uses 8. Half as much is held of frames that may be tables of contents.
    pub window: u64,
    /// Bytes that what one layer says may take: its paths, and its packages.
    pub said: u64,
    /// Bytes that it may take what the layers say of all images that are being put together.
    pub held: u64,
    /// Bytes of a larger file that are put on a disk for a moment ([`Scratch`](super::Scratch)), where it is of a kind that is read here
    /// and there: for each of the layers that are read at the same time.
    pub scratch: u64,
    /// How many layers are read at the same time, each on a thread of its own; one more where somebody waits in a namespace for which none
    /// is being read.
    pub layers: usize,
    /// Bytes of blobs that wait to be read or are being read, in all. One namespace may have half of them, and so may one image.
    pub queue: u64,
}

impl Limits {
    /// Limits within which no reader of a layer takes more than so many bytes of memory, with so many readers, of which one is for a
    /// namespace for which none of the others reads.
    pub(crate) fn within(reader: u64, readers: usize) -> Self {
        // A file, and beside it what the layer says, which grows by doubling; for a Zstandard blob, its window, and half as much for frames
        // beside the archive; for a gzip blob, a table of contents.
        let part = reader / 5;
        let usual = Self::default();
        Self {
            file: usual.file.min(part),
            window: usual.window.min(part),
            said: usual.said.min(part),
            layers: readers.saturating_sub(1).max(1),
            ..usual
        }
    }

    /// Bytes of a path (Linux's `PATH_MAX`).
    pub(super) const PATH: usize = 4096;
    /// Bytes of memory of the file system of one image: more than a hundred thousand links.
    pub(crate) const STACK: usize = 48 * 1024 * 1024;
    /// Bytes of an archive that are allowed whatever its ratio: a file of zeros is no bomb yet.
    const BELOW_RATIO: u64 = 256 * 1024 * 1024;

    /// How many bytes a blob of that size may inflate to.
    pub(super) fn inflated_by_ratio(&self, size: u64) -> u64 {
        size.saturating_mul(self.ratio).max(Self::BELOW_RATIO)
    }
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: u64 = 1024 * 1024;
        const GIB: u64 = 1024 * MIB;
        Self {
            compressed: 16 * GIB,
            inflated: 64 * GIB,
            ratio: 250,
            entries: 1_000_000,
            file: 64 * MIB,
            large_file: 64 * MIB,
            window: 64 * MIB,
            said: 128 * MIB,
            held: GIB,
            scratch: 0,
            layers: std::thread::available_parallelism().map_or(2, usize::from),
            // Some minutes of reading on few cores.
            queue: 64 * GIB,
        }
    }
}
