//! Sorts more rows than fit into memory: full buffers are sorted and written as runs, and the runs are merged.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::error::BuildError;

/// The most runs that are merged at once, each with a buffer of [`RUN_BUFFER`] bytes.
const MAX_RUNS: usize = 512;
const RUN_BUFFER: usize = 64 * 1024;

/// Rows of a key and a value, both bytes, in any order.
#[derive(Debug)]
pub(crate) struct Sorter {
    folder: PathBuf,
    budget: usize,
    bytes: Vec<u8>,
    rows: Vec<Row>,
    runs: Vec<File>,
}

/// Where a row is in the buffer.
#[derive(Clone, Copy, Debug)]
struct Row {
    start: u32,
    key: u32,
    value: u32,
}

impl Row {
    fn bytes(self, buffer: &[u8]) -> (&[u8], &[u8]) {
        let start = index(self.start);
        let middle = start + index(self.key);
        let end = middle + index(self.value);
        (
            buffer.get(start..middle).unwrap_or_default(),
            buffer.get(middle..end).unwrap_or_default(),
        )
    }
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

impl Sorter {
    /// A sorter that holds about `budget` bytes in memory (1 GiB at most), and writes runs into unlinked files of a folder.
    pub(crate) fn new(folder: &Path, budget: usize) -> Self {
        Self {
            folder: folder.to_owned(),
            budget: budget.min(1 << 30),
            bytes: Vec::new(),
            rows: Vec::new(),
            runs: Vec::new(),
        }
    }

    /// Adds a row. It has less than 1 GiB.
    pub(crate) fn push(&mut self, key: &[u8], value: &[u8]) -> Result<(), BuildError> {
        let more = key.len() + value.len() + size_of::<Row>();
        if self.used() + more > self.budget && !self.rows.is_empty() {
            self.spill()?;
        }
        if self.bytes.capacity() == 0 {
            // Memory that is not written to is not taken; growing by doubling would take twice what is needed.
            self.bytes.reserve_exact(self.budget);
        }
        let narrow = |length: usize| u32::try_from(length).map_err(|_| too_large());
        self.rows.push(Row {
            start: narrow(self.bytes.len())?,
            key: narrow(key.len())?,
            value: narrow(value.len())?,
        });
        self.bytes.extend_from_slice(key);
        self.bytes.extend_from_slice(value);
        Ok(())
    }

    fn used(&self) -> usize {
        self.bytes.len() + self.rows.len() * size_of::<Row>()
    }

    fn spill(&mut self) -> Result<(), BuildError> {
        if self.runs.len() == MAX_RUNS {
            return Err(BuildError::TooManyRuns { most: MAX_RUNS });
        }
        let buffer = &self.bytes;
        self.rows
            .sort_unstable_by(|a, b| a.bytes(buffer).cmp(&b.bytes(buffer)));
        let run = self.write_run().map_err(BuildError::Scratch)?;
        self.runs.push(run);
        self.rows.clear();
        self.bytes.clear();
        Ok(())
    }

    fn write_run(&self) -> io::Result<File> {
        let mut file =
            BufWriter::with_capacity(4 * RUN_BUFFER, tempfile::tempfile_in(&self.folder)?);
        for row in &self.rows {
            let (key, value) = row.bytes(&self.bytes);
            file.write_all(&row.key.to_le_bytes())?;
            file.write_all(&row.value.to_le_bytes())?;
            file.write_all(key)?;
            file.write_all(value)?;
        }
        let mut file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        Ok(file)
    }

    /// The rows in order of key and value.
    pub(crate) fn finish(mut self) -> Result<Sorted, BuildError> {
        if !self.rows.is_empty() {
            self.spill()?;
        }
        let mut heads = BinaryHeap::with_capacity(self.runs.len());
        for file in self.runs {
            let run = Run::open(file).map_err(BuildError::Scratch)?;
            heads.extend(run.map(Reverse));
        }
        Ok(Sorted { heads })
    }
}

fn too_large() -> BuildError {
    BuildError::Scratch(io::Error::other("a row is larger than any may be"))
}

/// Rows in order of key and value.
#[derive(Debug)]
pub(crate) struct Sorted {
    heads: BinaryHeap<Reverse<Run>>,
}

impl Sorted {
    /// The next row, written over `key` and `value`. `false` after the last.
    pub(crate) fn next(
        &mut self,
        key: &mut Vec<u8>,
        value: &mut Vec<u8>,
    ) -> Result<bool, BuildError> {
        let Some(mut head) = self.heads.peek_mut() else {
            return Ok(false);
        };
        let run = &mut head.0;
        std::mem::swap(key, &mut run.key);
        std::mem::swap(value, &mut run.value);
        if !run.advance().map_err(BuildError::Scratch)? {
            std::collections::binary_heap::PeekMut::pop(head);
        }
        Ok(true)
    }
}

/// A sorted run, with its next row in hand.
#[derive(Debug)]
struct Run {
    file: BufReader<File>,
    key: Vec<u8>,
    value: Vec<u8>,
}

impl Run {
    fn open(file: File) -> io::Result<Option<Self>> {
        let mut run = Self {
            file: BufReader::with_capacity(RUN_BUFFER, file),
            key: Vec::new(),
            value: Vec::new(),
        };
        Ok(run.advance()?.then_some(run))
    }

    fn advance(&mut self) -> io::Result<bool> {
        let mut lengths = [0; 8];
        match self.file.read_exact(&mut lengths) {
            Ok(()) => {}
            Err(end) if end.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            Err(error) => return Err(error),
        }
        let [k0, k1, k2, k3, v0, v1, v2, v3] = lengths;
        fill(&mut self.file, &mut self.key, [k0, k1, k2, k3])?;
        fill(&mut self.file, &mut self.value, [v0, v1, v2, v3])?;
        Ok(true)
    }
}

fn fill(file: &mut impl Read, bytes: &mut Vec<u8>, length: [u8; 4]) -> io::Result<()> {
    bytes.clear();
    bytes.resize(index(u32::from_le_bytes(length)), 0);
    file.read_exact(bytes)
}

impl PartialEq for Run {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Run {}

impl PartialOrd for Run {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Run {
    fn cmp(&self, other: &Self) -> Ordering {
        (&self.key, &self.value).cmp(&(&other.key, &other.value))
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn sorted(unsorted: &[(Vec<u8>, Vec<u8>)], budget: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
        let folder = tempfile::tempdir().unwrap();
        let mut sorter = Sorter::new(folder.path(), budget);
        for (key, value) in unsorted {
            sorter.push(key, value).unwrap();
        }
        let mut rows = sorter.finish().unwrap();
        let (mut key, mut value, mut all) = (Vec::new(), Vec::new(), Vec::new());
        while rows.next(&mut key, &mut value).unwrap() {
            all.push((key.clone(), value.clone()));
        }
        all
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn rows_come_back_sorted_whatever_fits_into_memory(
            rows in vec((vec(any::<u8>(), 0..6), vec(any::<u8>(), 0..6)), 0..200),
            budget in 100_usize..5_000,
        ) {
            let mut expected = rows.clone();
            expected.sort();
            prop_assert_eq!(sorted(&rows, budget), expected);
        }
    }

    #[test]
    fn more_runs_than_can_be_merged_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut sorter = Sorter::new(folder.path(), 1);
        let refused = (0..2000).find_map(|_| sorter.push(b"key", b"value").err());
        assert!(
            matches!(refused, Some(BuildError::TooManyRuns { most: 512 })),
            "{refused:?}"
        );
    }
}
