//! What a Zstandard blob has beside its archive: frames that decoders pass over.

use std::collections::VecDeque;

/// The content of a frame that holds something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::inventory::layer) struct Frame {
    /// How many bytes of the blob come before the content.
    pub(in crate::inventory::layer) position: u64,
    pub(in crate::inventory::layer) content: Vec<u8>,
}

/// The last such frames that may be tables of contents, which are compressed themselves.
#[derive(Debug)]
pub(super) struct Aside {
    frames: VecDeque<Frame>,
    bytes: u64,
    /// The most bytes of them in all. The table of a hundred thousand files has about 8 MiB.
    most: u64,
}

/// The most frames that are kept: tools write a table, a list of headers and a footer.
const MAX_FRAMES: usize = 8;
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

impl Aside {
    pub(super) fn new(most: u64) -> Self {
        Self {
            frames: VecDeque::new(),
            bytes: 0,
            most,
        }
    }

    /// Whether a frame of that length is kept at all. The others make room for it.
    pub(super) fn has_room_for(&mut self, length: u64) -> bool {
        let fits = length <= self.most;
        while fits && self.bytes + length > self.most && self.drop_first() {}
        fits
    }

    pub(super) fn push(&mut self, frame: Frame) {
        if !frame.content.starts_with(&ZSTD) {
            return;
        }
        self.bytes += frame.content.len() as u64;
        self.frames.push_back(frame);
        while self.frames.len() > MAX_FRAMES || self.bytes > self.most {
            self.drop_first();
        }
    }

    /// Says whether there was one.
    fn drop_first(&mut self) -> bool {
        let dropped = self.frames.pop_front();
        self.bytes -= dropped
            .as_ref()
            .map_or(0, |frame| frame.content.len() as u64);
        dropped.is_some()
    }

    pub(super) fn into_frames(self) -> Vec<Frame> {
        self.frames.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 1024 * 1024;

    fn frame(position: u64, bytes: usize) -> Frame {
        let mut content = ZSTD.to_vec();
        content.resize(bytes, 0);
        Frame { position, content }
    }

    fn kept(frames: impl IntoIterator<Item = Frame>) -> Vec<u64> {
        let mut aside = Aside::new(MOST as u64);
        for frame in frames {
            aside.push(frame);
        }
        let frames = aside.into_frames();
        frames.iter().map(|frame| frame.position).collect()
    }

    #[test]
    fn the_last_frames_that_may_be_tables_are_kept_within_bounds() {
        let note = Frame {
            position: 1,
            content: b"a note".to_vec(),
        };
        assert_eq!(kept([frame(0, 10), note, frame(2, 10)]), [0, 2]);
        assert_eq!(
            kept((0..20).map(|number| frame(number, 10))),
            (12..20).collect::<Vec<u64>>()
        );
        let large = MOST / 2;
        let frames = [frame(0, large), frame(1, large), frame(2, 10)];
        assert_eq!(kept(frames), [1, 2]);
    }
}
