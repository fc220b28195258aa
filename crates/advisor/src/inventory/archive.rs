//! Archives as Go's `archive/tar` reads them, since that is what container runtimes unpack with: V7, ustar, star, PAX and GNU.
//!
//! Nothing is copied but names and what is asked for. What Go's readers and others read in different ways is an error, however
//! honest it may be: whoever makes an archive that two programs read as two must not choose which of them CISE is.

mod header;
mod kind;
mod overlay;
mod path;
mod pax;
#[cfg(test)]
mod tests;
mod text;

use header::{BLOCK, Header};
use pax::Extension;

pub(crate) use kind::{Device, Entry, Kind};
pub(crate) use overlay::is_of_overlay;
pub(crate) use path::clean;

/// Where the bytes of an archive come from.
pub(crate) trait Input {
    /// Why there are no more.
    type Error: From<TarError>;

    /// The bytes that are there to be taken, at least one; none at the end.
    fn fill(&mut self) -> Result<&[u8], Self::Error>;

    /// Takes that many of the bytes that [`fill`](Self::fill) gave.
    fn consume(&mut self, amount: usize);

    /// Is told that the next byte is the first of an entry's headers.
    fn begin_entry(&mut self) {}
}

/// An archive, read once from its beginning to its end.
pub(crate) struct Archive<I> {
    input: I,
    /// The bytes of the present entry's content that are still to come.
    content: u64,
    /// The zeros that fill its last block.
    padding: u64,
}

/// The most memory that is taken because a header says so, before any of the content has come.
const MAX_AT_ONCE: usize = 128 * 1024 * 1024;

/// Why an archive cannot be read. A phrase that says what is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TarError {
    /// It ends within an entry.
    #[error("its archive ends within an entry")]
    Truncated,
    /// A header does not have the sum that it says it has.
    #[error("its archive has a header with a false checksum, or is no archive")]
    Checksum,
    /// A number of a header is none.
    #[error("its archive has a header with a number that is none")]
    Number,
    /// A record of an extended header is not one.
    #[error("its archive has a broken extended header")]
    Extension,
    /// A long name, or an extended header, of more bytes than are read.
    #[error(
        "its archive has a name or an extended header of more than {} bytes",
        Extension::MAX_BYTES
    )]
    LongExtension,
    /// A header that speaks of an entry that does not follow.
    #[error("its archive ends after an extended header")]
    Dangling,
    /// A header that would name all entries that follow, which runtimes read in different ways.
    #[error("its archive names files in a global header, which runtimes read in different ways")]
    Global,
    /// A global header whose own name is that of a file.
    #[error(
        "its archive has a global header under the name of a file, which some runtimes take away then"
    )]
    GlobalPath,
    /// A name that programs read in different ways.
    #[error("its archive names an entry in several ways, of which programs take one or the other")]
    Name,
    /// A file whose name ends as those of folders do.
    #[error(
        "its archive has a file whose name ends with a slash, which some programs take for a folder"
    )]
    Slash,
    /// A sparse file that programs read in different ways.
    #[error("its archive has a sparse file in a form that programs read in different ways")]
    Sparse,
    /// An entry of a kind that is none of a file system.
    #[error("its archive has an entry of a kind that container runtimes do not unpack")]
    Kind,
    /// An attribute that changes what is seen of other layers.
    #[error(
        "its archive gives attributes by which overlay file systems hide or replace what is below"
    )]
    Overlay,
    /// Something follows the end mark.
    #[error("its archive is followed by other bytes")]
    Trailing,
}

/// How the names of global headers begin: git's, those of GNU tar and of Go, and Python's.
const GLOBAL_NAMES: [&str; 3] = ["pax_global_header", "GlobalHead.", "@PaxHeader"];

impl<I: Input> Archive<I> {
    pub(crate) fn new(input: I) -> Self {
        Self {
            input,
            content: 0,
            padding: 0,
        }
    }

    /// The next entry; nothing at the end. Content that was not read is passed over.
    pub(crate) fn next(&mut self) -> Result<Option<Entry>, I::Error> {
        let mut extension = Extension::default();
        self.pass()?;
        self.input.begin_entry();
        loop {
            self.pass()?;
            let Some(header) = self.header()? else {
                let ended = extension.is_empty().then_some(None);
                return ended.ok_or_else(|| TarError::Dangling.into());
            };
            self.announce(header.size()?);
            match header.kind() {
                b'x' => extension.set_pax(&self.small_content()?)?,
                b'g' => self.pass_global(&header, &extension)?,
                b'L' => extension.set_long_path(&self.small_content()?)?,
                b'K' => extension.set_long_link(&self.small_content()?)?,
                _ => return self.entry(&header, &extension).map(Some),
            }
        }
    }

    /// Where the bytes come from. Of what it had, all up to the present entry's content has been taken.
    pub(crate) fn input(&self) -> &I {
        &self.input
    }

    /// The content of the present entry, whose size the caller has found small enough.
    pub(crate) fn content(&mut self) -> Result<Vec<u8>, I::Error> {
        let mut content = Vec::with_capacity(capped(self.content, MAX_AT_ONCE));
        self.pour(|bytes| {
            content.extend_from_slice(bytes);
            Ok(())
        })?;
        Ok(content)
    }

    /// Gives the content of the present entry in pieces, and how many bytes it was in all.
    pub(crate) fn pour(
        &mut self,
        mut take: impl FnMut(&[u8]) -> Result<(), I::Error>,
    ) -> Result<u64, I::Error> {
        let size = self.content;
        while self.content > 0 {
            let bytes = self.input.fill()?;
            let bytes = bytes
                .get(..capped(self.content, bytes.len()))
                .unwrap_or(bytes);
            if bytes.is_empty() {
                return Err(TarError::Truncated.into());
            }
            take(bytes)?;
            let taken = bytes.len();
            self.input.consume(taken);
            self.content -= taken as u64;
        }
        Ok(size)
    }

    /// Passes over the zeros that follow the end mark; says whether anything else comes then.
    pub(crate) fn goes_on(&mut self) -> Result<bool, I::Error> {
        loop {
            let bytes = self.input.fill()?;
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            match (bytes.len(), zeros) {
                (0, _) => return Ok(false),
                (length, zeros) => {
                    self.input.consume(zeros);
                    if zeros < length {
                        return Ok(true);
                    }
                }
            }
        }
    }

    /// Reads what follows the end mark, which may be zeros only, and gives the input back.
    pub(crate) fn finish(mut self) -> Result<I, I::Error> {
        if self.goes_on()? {
            return Err(TarError::Trailing.into());
        }
        Ok(self.input)
    }

    /// The entry of a header and of the headers before it that extend it.
    fn entry(&mut self, header: &Header, extension: &Extension) -> Result<Entry, I::Error> {
        let entry = Entry::of(header, extension)?;
        self.announce(entry.size);
        if header.kind() == b'S' {
            self.pass_sparse_map(header)?;
        }
        Ok(entry)
    }

    /// A global header is an entry to Go: what was said before it of the next entry is lost, and runtimes that pass over it have by
    /// then taken away what is at its path. So it comes first, under one of the names that tools give it.
    fn pass_global(&mut self, header: &Header, extension: &Extension) -> Result<(), I::Error> {
        if !extension.is_empty() {
            return Err(TarError::Name.into());
        }
        let path = header.path();
        let name = path
            .rsplit_once('/')
            .map_or(path.as_str(), |(_, name)| name);
        if !GLOBAL_NAMES.iter().any(|usual| name.starts_with(usual)) {
            return Err(TarError::GlobalPath.into());
        }
        Extension::check_global(&self.small_content()?)?;
        Ok(())
    }

    /// GNU's map of a sparse file goes on in blocks of its own, before the content and not counted with it.
    fn pass_sparse_map(&mut self, header: &Header) -> Result<(), I::Error> {
        let mut goes_on = header.sparse_map_goes_on();
        while goes_on {
            let block = self.block()?.ok_or(TarError::Truncated)?;
            goes_on = header::extended_map_goes_on(&block);
        }
        Ok(())
    }

    fn announce(&mut self, size: u64) {
        self.content = size;
        self.padding = size.wrapping_neg() % BLOCK as u64;
    }

    /// The content of a header that extends another.
    fn small_content(&mut self) -> Result<Vec<u8>, I::Error> {
        if self.content > Extension::MAX_BYTES as u64 {
            return Err(TarError::LongExtension.into());
        }
        self.content()
    }

    /// The next header; nothing at the end mark, or where the archive ends without one, as some do.
    fn header(&mut self) -> Result<Option<Header>, I::Error> {
        match self.block()? {
            None => Ok(None),
            Some(block) if block.iter().all(|byte| *byte == 0) => match self.block()? {
                Some(second) if second.iter().any(|byte| *byte != 0) => {
                    Err(TarError::Trailing.into())
                }
                _ => Ok(None),
            },
            Some(block) => Ok(Some(Header::new(&block)?)),
        }
    }

    /// The next block; nothing where the input ends before it.
    fn block(&mut self) -> Result<Option<[u8; BLOCK]>, I::Error> {
        let mut block = [0; BLOCK];
        let mut filled = 0;
        while let Some(room) = block.get_mut(filled..).filter(|room| !room.is_empty()) {
            let bytes = self.input.fill()?;
            let taken = bytes.len().min(room.len());
            if taken == 0 {
                return match filled {
                    0 => Ok(None),
                    _ => Err(TarError::Truncated.into()),
                };
            }
            if let (Some(room), Some(bytes)) = (room.get_mut(..taken), bytes.get(..taken)) {
                room.copy_from_slice(bytes);
            }
            self.input.consume(taken);
            filled += taken;
        }
        Ok(Some(block))
    }

    /// Passes over what is left of the present entry.
    fn pass(&mut self) -> Result<(), I::Error> {
        let mut left = self
            .content
            .checked_add(self.padding)
            .ok_or(TarError::Number)?;
        (self.content, self.padding) = (0, 0);
        while left > 0 {
            let there = capped(left, self.input.fill()?.len());
            if there == 0 {
                return Err(TarError::Truncated.into());
            }
            self.input.consume(there);
            left -= there as u64;
        }
        Ok(())
    }
}

/// As much of `left` as there is.
fn capped(left: u64, there: usize) -> usize {
    usize::try_from(left).map_or(there, |left| left.min(there))
}
