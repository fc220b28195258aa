//! Zstandard (RFC 8878), with as many frames as there are.

use std::io::{BufRead, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::aside::{Aside, Frame};
use super::cause;
use super::counted::Counted;
use super::starts::{Start, Starts};
use crate::inventory::layer::LayerError;

/// A Zstandard stream.
pub(super) struct Zstd<R> {
    blob: Counted<R>,
    frame: FrameDecoder,
    frames: u64,
    aside: Aside,
}

impl<R: BufRead> Zstd<R> {
    /// One whose frames refer back to so many bytes at most.
    pub(super) fn new(blob: R, window: u64) -> Self {
        let mut frame = FrameDecoder::new();
        frame.set_max_window_size(window);
        Self {
            blob: Counted::new(blob),
            frame,
            frames: 0,
            aside: Aside::new(window / 2),
        }
    }

    /// The blob, and what it has beside the archive.
    pub(super) fn into_inner(self) -> (R, Vec<Frame>) {
        (self.blob.into_inner(), self.aside.into_frames())
    }

    /// What of the present frame is there; nothing at the end. `before` bytes have come out of the blob so far.
    pub(super) fn read(
        &mut self,
        room: &mut [u8],
        before: u64,
        starts: &mut Starts,
    ) -> Result<usize, LayerError> {
        while self.frame.can_collect() == 0 {
            if self.frame.is_finished() {
                if self.blob.fill_buf()?.is_empty() {
                    return Ok(0);
                }
                self.begin(before, starts)?;
            } else {
                let one = BlockDecodingStrategy::UptoBlocks(1);
                let decoded = self.frame.decode_blocks(&mut self.blob, one);
                decoded.map_err(|error| corrupt(&error))?;
            }
        }
        self.frame.read(room).map_err(LayerError::from)
    }

    /// Begins the next frame, or passes over one that holds something else.
    fn begin(&mut self, before: u64, starts: &mut Starts) -> Result<(), LayerError> {
        use FrameDecoderError::ReadFrameHeaderError as Header;
        let start = Start {
            blob: self.blob.taken(),
            archive: before,
        };
        let begun = match self.frame.reset(&mut self.blob) {
            Err(Header(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                self.pass_over(length.into())
            }
            Err(Header(ReadFrameHeaderError::BadMagicNumber(_))) if self.frames > 0 => {
                Err(LayerError::Trailing)
            }
            Err(error) => Err(corrupt(&error)),
            Ok(()) => {
                starts.push(start);
                Ok(())
            }
        };
        self.frames += 1;
        begun
    }

    fn pass_over(&mut self, mut left: u64) -> Result<(), LayerError> {
        let mut frame = Frame {
            position: self.blob.taken(),
            content: Vec::new(),
        };
        let is_kept = self.aside.has_room_for(left);
        while left > 0 {
            let there = self.blob.fill_buf()?;
            if there.is_empty() {
                return Err(LayerError::Ended);
            }
            let taken = usize::try_from(left).map_or(there.len(), |left| left.min(there.len()));
            if is_kept {
                let taken = there.get(..taken).unwrap_or_default();
                frame.content.extend_from_slice(taken);
            }
            self.blob.consume(taken);
            left -= taken as u64;
        }
        self.aside.push(frame);
        Ok(())
    }
}

fn corrupt(error: &FrameDecoderError) -> LayerError {
    cause(error).unwrap_or_else(|| LayerError::Compression(error.to_string().into()))
}
