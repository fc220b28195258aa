//! Records of fields in lines of text, as the databases of dpkg and apk have them.

use super::{MAX_PACKAGES, word};

/// A record that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct RecordError {
    /// The line, from 1 on. Of a record that lacks something, its first.
    pub line: usize,
    /// What is wrong.
    pub fault: RecordFault,
}

/// What is wrong with a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordFault {
    /// A line is nothing that the format knows.
    #[error("the line is not a field")]
    NotAField,
    /// A field that the answer depends on is missing.
    #[error("the record has no `{0}`")]
    Missing(&'static str),
    /// A field that the answer depends on is there twice.
    #[error("the record has `{0}` twice")]
    Repeated(&'static str),
    /// A field that the answer depends on has a value that no package manager writes.
    #[error("the value of `{0}` is not one that a package manager writes")]
    BadValue(&'static str),
    /// The file ends in the middle of a line or a record.
    #[error("the file ends in the middle of a record")]
    Unterminated,
    /// More packages than are read.
    #[error("more than {MAX_PACKAGES} packages")]
    TooManyPackages,
}

impl RecordFault {
    /// The fault, with the line that has it.
    pub(super) fn at(self, line: usize) -> RecordError {
        RecordError { line, fault: self }
    }
}

/// The lines of a file with their numbers from 1 on, each without its line feed. The last one must have had one: a tool that
/// writes a database ends each line.
pub(super) fn lines(content: &[u8]) -> impl Iterator<Item = Result<(usize, &[u8]), RecordError>> {
    let whole = content.split_inclusive(|byte| *byte == b'\n');
    whole.zip(1..).map(|(line, number)| {
        let line = line
            .strip_suffix(b"\n")
            .ok_or_else(|| RecordFault::Unterminated.at(number))?;
        Ok((number, line))
    })
}

/// One field of a record that is being read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'a> {
    name: &'static str,
    value: Option<&'a [u8]>,
}

impl<'a> Field<'a> {
    pub(super) const fn new(name: &'static str) -> Self {
        Self { name, value: None }
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn set(&mut self, value: &'a [u8]) -> Result<(), RecordFault> {
        match self.value.replace(value.trim_ascii()) {
            None => Ok(()),
            Some(_) => Err(RecordFault::Repeated(self.name)),
        }
    }

    /// The value, where the record has the field.
    pub(super) fn value(&self) -> Option<&'a [u8]> {
        self.value
    }

    /// The value as a word, where the record has the field.
    pub(super) fn word(&self) -> Result<Option<&'a str>, RecordFault> {
        let word = |value| word::word(value).ok_or_else(|| self.bad_value());
        self.value.map(word).transpose()
    }

    /// The value as a word, which no record may lack.
    pub(super) fn required_word(&self) -> Result<&'a str, RecordFault> {
        self.word()?.ok_or_else(|| self.missing())
    }

    pub(super) fn missing(&self) -> RecordFault {
        RecordFault::Missing(self.name)
    }

    pub(super) fn bad_value(&self) -> RecordFault {
        RecordFault::BadValue(self.name)
    }
}
