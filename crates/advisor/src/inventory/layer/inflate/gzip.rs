//! gzip (RFC 1952), with as many members as there are.

use std::io::BufRead;

use flate2::{Decompress, FlushDecompress, Status};

use super::counted::Counted;
use super::starts::{Start, Starts};
use crate::inventory::layer::LayerError;

/// The largest window that deflate has, as a power of two.
const WINDOW_BITS: u8 = 15;

/// A gzip stream.
pub(super) struct Gzip<R> {
    blob: Counted<R>,
    member: Decompress,
    /// Whether the member has not begun yet.
    ahead: bool,
    /// Whether a member has ended, so that the blob may end here.
    between: bool,
    members: u64,
}

impl<R: BufRead> Gzip<R> {
    pub(super) fn new(blob: R) -> Self {
        Self {
            blob: Counted::new(blob),
            member: Decompress::new_gzip(WINDOW_BITS),
            ahead: true,
            between: false,
            members: 0,
        }
    }

    pub(super) fn into_inner(self) -> R {
        self.blob.into_inner()
    }

    /// Fills the room, unless the blob ends before. `before` bytes have come out of it so far.
    pub(super) fn read(
        &mut self,
        room: &mut [u8],
        before: u64,
        starts: &mut Starts,
    ) -> Result<usize, LayerError> {
        let mut filled = 0;
        while let Some(rest) = room.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let position = self.blob.taken();
            let input = self.blob.fill_buf()?;
            if input.is_empty() {
                return if self.between || filled > 0 {
                    Ok(filled)
                } else {
                    Err(LayerError::Ended)
                };
            }
            if std::mem::take(&mut self.ahead) {
                starts.push(Start {
                    blob: position,
                    archive: before + filled as u64,
                });
            }
            let (before_in, before_out) = (self.member.total_in(), self.member.total_out());
            let status = self.member.decompress(input, rest, FlushDecompress::None);
            let status = status.map_err(|error| match (self.members, before_out) {
                // What follows a member is not another one.
                (1.., 0) => LayerError::Trailing,
                _ => LayerError::Compression(error.to_string().into()),
            })?;
            self.between = false;
            let taken = self.member.total_in() - before_in;
            filled += usize::try_from(self.member.total_out() - before_out).unwrap_or(0);
            self.blob.consume(usize::try_from(taken).unwrap_or(0));
            if status == Status::StreamEnd {
                self.member = Decompress::new_gzip(WINDOW_BITS);
                self.between = true;
                self.ahead = true;
                self.members += 1;
            } else if taken == 0 && self.member.total_out() == before_out {
                return Err(LayerError::Compression("it makes no progress".into()));
            }
        }
        Ok(filled)
    }
}
