//! `os-release`, as os-release(5) describes it and systemd reads it: assignments of a shell, without its expansions.

use super::word;
use crate::Release;

/// How large the file may be. Real ones have less than a kilobyte.
const MAX_RELEASE_BYTES: usize = 64 * 1024;

/// Why `os-release` cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReleaseError {
    /// It is larger than any real one.
    #[error("it is larger than {MAX_RELEASE_BYTES} bytes")]
    TooLarge,
    /// A quoted value has no end.
    #[error("the value that begins in line {line} has no closing quote")]
    Unterminated {
        /// The line, from 1 on.
        line: usize,
    },
    /// A field by which a release is known has a value that no release has.
    #[error("the value of `{0}` is not that of a release")]
    BadValue(&'static str),
}

/// The release. Of an assignment that is there twice, the last counts, as in a shell.
pub(super) fn parse(content: &[u8]) -> Result<Release, ReleaseError> {
    if content.len() > MAX_RELEASE_BYTES {
        return Err(ReleaseError::TooLarge);
    }
    let mut fields = Fields::default();
    let mut reader = Reader {
        rest: content,
        line: 1,
    };
    while let Some(assignment) = reader.assignment()? {
        fields.set(assignment);
    }
    fields.release()
}

#[derive(Default)]
struct Fields {
    id: Vec<u8>,
    version: Vec<u8>,
    codename: Vec<u8>,
    pretty: Vec<u8>,
    cpe: Vec<u8>,
}

impl Fields {
    fn set(&mut self, Assignment { name, value }: Assignment<'_>) {
        match name {
            b"ID" => self.id = value,
            b"VERSION_ID" => self.version = value,
            b"VERSION_CODENAME" => self.codename = value,
            b"PRETTY_NAME" => self.pretty = value,
            b"CPE_NAME" => self.cpe = value,
            _ => {}
        }
    }

    fn release(&self) -> Result<Release, ReleaseError> {
        Ok(Release {
            id: name("ID", &self.id)?.to_ascii_lowercase().into(),
            version: name("VERSION_ID", &self.version)?.into(),
            codename: name("VERSION_CODENAME", &self.codename)?.into(),
            pretty: word::text(&self.pretty),
            cpe: name("CPE_NAME", &self.cpe)?.into(),
        })
    }
}

/// A value by which a release is looked up: a word, or empty.
fn name<'a>(field: &'static str, value: &'a [u8]) -> Result<&'a str, ReleaseError> {
    if value.is_empty() {
        return Ok("");
    }
    word::word(value).ok_or(ReleaseError::BadValue(field))
}

struct Assignment<'a> {
    name: &'a [u8],
    value: Vec<u8>,
}

struct Reader<'a> {
    rest: &'a [u8],
    line: usize,
}

impl<'a> Reader<'a> {
    /// The next assignment. Comments, and lines without one, are passed over.
    fn assignment(&mut self) -> Result<Option<Assignment<'a>>, ReleaseError> {
        while !self.rest.is_empty() {
            let end = self
                .rest
                .iter()
                .position(|byte| matches!(byte, b'=' | b'\n'));
            let (name, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
            let name = name.trim_ascii();
            let is_comment = matches!(name.first(), Some(b'#' | b';'));
            if is_comment || !rest.starts_with(b"=") {
                self.skip_line();
                continue;
            }
            self.rest = rest.get(1..).unwrap_or_default();
            return Ok(Some(Assignment {
                name,
                value: self.value()?,
            }));
        }
        Ok(None)
    }

    fn skip_line(&mut self) {
        while self.next().is_some_and(|byte| byte != b'\n') {}
    }

    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        self.line += usize::from(*first == b'\n');
        Some(*first)
    }

    /// A value up to the end of its line, which a quoted or escaped line feed is not.
    fn value(&mut self) -> Result<Vec<u8>, ReleaseError> {
        let mut value = Vec::new();
        let mut blanks = Vec::new();
        while let Some(byte) = self.next() {
            match byte {
                b'\n' => break,
                // Blanks count between other characters only.
                blank if blank.is_ascii_whitespace() => {
                    if !value.is_empty() {
                        blanks.push(blank);
                    }
                    continue;
                }
                _ => value.append(&mut blanks),
            }
            match byte {
                b'\'' => self.quoted(&mut value, Quote::Single)?,
                b'"' => self.quoted(&mut value, Quote::Double)?,
                b'\\' => value.extend(self.next().filter(|escaped| *escaped != b'\n')),
                other => value.push(other),
            }
        }
        Ok(value)
    }

    fn quoted(&mut self, value: &mut Vec<u8>, quote: Quote) -> Result<(), ReleaseError> {
        let line = self.line;
        loop {
            match (self.next(), quote) {
                (None, _) => return Err(ReleaseError::Unterminated { line }),
                (Some(b'\''), Quote::Single) | (Some(b'"'), Quote::Double) => return Ok(()),
                (Some(b'\\'), Quote::Double) => match self.next() {
                    None => return Err(ReleaseError::Unterminated { line }),
                    Some(b'\n') => {}
                    Some(escaped @ (b'"' | b'\\' | b'`' | b'$')) => value.push(escaped),
                    Some(other) => value.extend([b'\\', other]),
                },
                (Some(other), _) => value.push(other),
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Quote {
    Single,
    Double,
}

#[cfg(test)]
mod tests;
