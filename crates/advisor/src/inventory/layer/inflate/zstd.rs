//! Zstandard (RFC 8878), with as many frames as there are.

use std::io::{BufRead, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::cause;
use crate::inventory::layer::LayerError;

/// The most bytes of what has been inflated that a frame may refer back to. The strongest levels of `zstd` use 128 MiB; what
/// builds images uses 8.
const MAX_WINDOW: u64 = 64 * 1024 * 1024;

/// A Zstandard stream.
pub(super) struct Zstd<R> {
    blob: R,
    frame: FrameDecoder,
    frames: u64,
}

impl<R: BufRead> Zstd<R> {
    pub(super) fn new(blob: R) -> Self {
        let mut frame = FrameDecoder::new();
        frame.set_max_window_size(MAX_WINDOW);
        Self {
            blob,
            frame,
            frames: 0,
        }
    }

    pub(super) fn into_inner(self) -> R {
        self.blob
    }

    /// What of the present frame is there; nothing at the end.
    pub(super) fn read(&mut self, room: &mut [u8]) -> Result<usize, LayerError> {
        while self.frame.can_collect() == 0 {
            if self.frame.is_finished() {
                if self.blob.fill_buf()?.is_empty() {
                    return Ok(0);
                }
                self.begin()?;
            } else {
                let one = BlockDecodingStrategy::UptoBlocks(1);
                let decoded = self.frame.decode_blocks(&mut self.blob, one);
                decoded.map_err(|error| corrupt(&error))?;
            }
        }
        self.frame.read(room).map_err(LayerError::from)
    }

    /// Begins the next frame, or passes over one that holds something else.
    fn begin(&mut self) -> Result<(), LayerError> {
        use FrameDecoderError::ReadFrameHeaderError as Header;
        let begun = match self.frame.reset(&mut self.blob) {
            Err(Header(ReadFrameHeaderError::SkipFrame { length, .. })) => self.skip(length.into()),
            Err(Header(ReadFrameHeaderError::BadMagicNumber(_))) if self.frames > 0 => {
                Err(LayerError::Trailing)
            }
            Err(error) => Err(corrupt(&error)),
            Ok(()) => Ok(()),
        };
        self.frames += 1;
        begun
    }

    fn skip(&mut self, mut left: u64) -> Result<(), LayerError> {
        while left > 0 {
            let there = self.blob.fill_buf()?.len();
            if there == 0 {
                return Err(LayerError::Ended);
            }
            let taken = usize::try_from(left).map_or(there, |left| left.min(there));
            self.blob.consume(taken);
            left -= taken as u64;
        }
        Ok(())
    }
}

fn corrupt(error: &FrameDecoderError) -> LayerError {
    cause(error).unwrap_or_else(|| LayerError::Compression(error.to_string().into()))
}
