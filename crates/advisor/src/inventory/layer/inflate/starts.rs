//! Where in a blob decoding can begin.

/// The start of a gzip member, or of a Zstandard frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::inventory::layer) struct Start {
    /// How many bytes of the blob come before it.
    pub(in crate::inventory::layer) blob: u64,
    /// How many bytes of the archive come before what it holds.
    pub(in crate::inventory::layer) archive: u64,
}

/// The starts that the present entry of the archive lies behind: the last one before it, and all since then.
#[derive(Debug, Default)]
pub(super) struct Starts {
    starts: Vec<Start>,
    /// Whether there were more of them than are kept.
    incomplete: bool,
}

/// The most starts of one entry. A file of 64 MiB has about a thousand.
const MAX_STARTS: usize = 65_536;

impl Starts {
    pub(super) fn push(&mut self, start: Start) {
        if self.starts.len() == MAX_STARTS {
            self.starts.pop();
            self.incomplete = true;
        }
        self.starts.push(start);
    }

    /// Forgets what lies before the entry that begins after so many bytes of the archive.
    pub(super) fn forget_before(&mut self, position: u64) {
        let behind = self
            .starts
            .partition_point(|start| start.archive <= position);
        let Some(last) = behind.checked_sub(1).and_then(|at| self.starts.get(at)) else {
            return;
        };
        // One without content begins where the next one does.
        let last = last.archive;
        let first = self.starts.partition_point(|start| start.archive < last);
        self.starts.drain(..first);
        self.incomplete = false;
    }

    /// All of them; nothing where there were too many.
    pub(super) fn all(&self) -> Option<&[Start]> {
        (!self.incomplete).then_some(&self.starts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(blob: u64, archive: u64) -> Start {
        Start { blob, archive }
    }

    #[test]
    fn what_an_entry_lies_behind_is_kept_and_no_more() {
        let mut starts = Starts::default();
        let all = [
            start(0, 0),
            start(10, 512),
            start(20, 1024),
            start(21, 1024),
            start(30, 2048),
        ];
        for start in all {
            starts.push(start);
        }
        starts.forget_before(1100);
        assert_eq!(starts.all(), Some(&all[2..]));
        starts.forget_before(2048);
        assert_eq!(starts.all(), Some(&all[4..]));
        starts.forget_before(9000);
        assert_eq!(starts.all(), Some(&all[4..]));
    }

    #[test]
    fn too_many_are_none_until_the_next_entry() {
        let mut starts = Starts::default();
        for number in 0..=MAX_STARTS as u64 {
            starts.push(start(number, number));
        }
        assert_eq!(starts.all(), None);
        starts.forget_before(MAX_STARTS as u64);
        let last = start(MAX_STARTS as u64, MAX_STARTS as u64);
        assert_eq!(starts.all(), Some([last].as_slice()));
    }
}
