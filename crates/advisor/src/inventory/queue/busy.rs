use std::sync::Arc;

use cise_registry::ByteCount;

/// Why an image is not read now. It says nothing about what is in the image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Busy {
    /// It alone is more than any image may be.
    #[error(
        "{} of the image have to be read, and {} are read of one image at most: give images twice as much with `advisor.queueMiB`",
        ByteCount(*.bytes), ByteCount(*.most)
    )]
    Large {
        /// What is to be read of it.
        bytes: u64,
        /// The most that is read of one image.
        most: u64,
    },
    /// There is no room for it, and nobody who has more would have to give way.
    #[error(
        "the advisor is busy: {} of images wait to be read or are being read, and {} may; try again in some minutes, or give images \
         more with `advisor.queueMiB`",
        ByteCount(*.taken), ByteCount(*.most)
    )]
    Full {
        /// What waits or is being read.
        taken: u64,
        /// The most that may.
        most: u64,
    },
    /// Its namespace has as much in line as one may.
    #[error(
        "the advisor is busy with namespace {namespace}: {} of its images wait to be read or are being read, and {} of one namespace may; \
         try again in some minutes, or give images twice as much with `advisor.queueMiB`",
        ByteCount(*.taken), ByteCount(*.most)
    )]
    Namespace {
        /// The namespace.
        namespace: Arc<str>,
        /// What of its images waits or is being read.
        taken: u64,
        /// The most that may.
        most: u64,
    },
    /// What its layers say is more than may be held of one image.
    #[error(
        "what is in the image takes more than the {} of memory that there are for it: give the advisor more with `advisor.memoryMiB`",
        ByteCount(*.most)
    )]
    Wordy {
        /// The most bytes of memory that what the layers of an image say may take.
        most: u64,
    },
    /// What the layers of other images say is held, so that there is no memory for this one.
    #[error(
        "the advisor is busy: what is in other images takes the {} of memory that there are for it; try again in some minutes, or give it \
         more with `advisor.memoryMiB`",
        ByteCount(*.most)
    )]
    Hands {
        /// The most bytes of memory that what the layers of all images say may take.
        most: u64,
    },
    /// It waited, and had to leave the line to images of namespaces that had less in it, or to one that somebody waits for.
    #[error(
        "the advisor is busy: others had less in line, and needed the room; try again in some minutes, or give images more with \
         `advisor.queueMiB`"
    )]
    PutOff,
}
