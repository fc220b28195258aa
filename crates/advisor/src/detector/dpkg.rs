//! dpkg's database: stanzas of deb822(5), with the fields of deb-control(5) and dpkg's own `Status`.

use std::sync::Arc;

use super::MAX_PACKAGES;
use super::record::{Field, RecordError, RecordFault, lines};
use super::word;
use crate::{Manager, Package, SourcePackage};

/// The packages of `var/lib/dpkg/status`. Each stanza says what became of its package.
pub(super) fn status(path: &Arc<str>, content: &[u8]) -> Result<Vec<Package>, RecordError> {
    packages(path, content, Unstated::Missing)
}

/// The packages of a file below `var/lib/dpkg/status.d`: control files as they are in packages, which know of no status.
pub(super) fn control(path: &Arc<str>, content: &[u8]) -> Result<Vec<Package>, RecordError> {
    packages(path, content, Unstated::Installed)
}

/// What a stanza without `Status` is.
#[derive(Clone, Copy)]
enum Unstated {
    /// Broken.
    Missing,
    /// Installed.
    Installed,
}

fn packages(
    path: &Arc<str>,
    content: &[u8],
    unstated: Unstated,
) -> Result<Vec<Package>, RecordError> {
    let mut packages = Vec::new();
    let mut stanza: Option<Stanza<'_>> = None;
    let mut finish = |stanza: Stanza<'_>| {
        let package = stanza
            .package(path, unstated)
            .map_err(|fault| fault.at(stanza.line))?;
        packages.extend(package);
        if packages.len() > MAX_PACKAGES {
            return Err(RecordFault::TooManyPackages.at(stanza.line));
        }
        Ok(())
    };
    for line in lines(content) {
        let (number, line) = line?;
        if line.is_empty() {
            stanza.take().map_or(Ok(()), &mut finish)?;
        } else {
            let stanza = stanza.get_or_insert_with(|| Stanza::new(number));
            stanza
                .read(number, line)
                .map_err(|fault| fault.at(number))?;
        }
    }
    stanza.map_or(Ok(()), finish)?;
    Ok(packages)
}

struct Stanza<'a> {
    line: usize,
    package: Field<'a>,
    status: Field<'a>,
    version: Field<'a>,
    architecture: Field<'a>,
    source: Field<'a>,
    maintainer: Field<'a>,
}

impl<'a> Stanza<'a> {
    fn new(line: usize) -> Self {
        Self {
            line,
            package: Field::new("Package"),
            status: Field::new("Status"),
            version: Field::new("Version"),
            architecture: Field::new("Architecture"),
            source: Field::new("Source"),
            maintainer: Field::new("Maintainer"),
        }
    }

    fn read(&mut self, number: usize, line: &'a [u8]) -> Result<(), RecordFault> {
        let is_first = number == self.line;
        let is_blank = line.trim_ascii().is_empty();
        let continues = line
            .first()
            .is_some_and(|byte| matches!(byte, b' ' | b'\t'));
        if is_blank || (is_first && continues) {
            // A line of blanks continues a field to some readers, and ends the stanza to others; dpkg refuses it.
            return Err(RecordFault::NotAField);
        }
        if continues {
            return Ok(());
        }
        match line.iter().position(|byte| *byte == b':') {
            Some(colon) => {
                let (name, value) = line.split_at(colon);
                self.set(name.trim_ascii_end(), value.get(1..).unwrap_or_default())
            }
            None if is_first => Err(RecordFault::NotAField),
            // `dpkg_status` of rules_distroless takes the leading blanks off the lines of a description.
            None => Ok(()),
        }
    }

    /// Field names are read in any case (deb822(5)); other fields have no say.
    fn set(&mut self, name: &[u8], value: &'a [u8]) -> Result<(), RecordFault> {
        let fields = [
            &mut self.package,
            &mut self.status,
            &mut self.version,
            &mut self.architecture,
            &mut self.source,
            &mut self.maintainer,
        ];
        let mut fields = fields.into_iter();
        let field = fields.find(|field| field.name().as_bytes().eq_ignore_ascii_case(name));
        field.map_or(Ok(()), |field| field.set(value))
    }

    /// The package, if it is there in any state.
    fn package(&self, path: &Arc<str>, unstated: Unstated) -> Result<Option<Package>, RecordFault> {
        let name = self.package.required_word()?;
        if !is_name(name) {
            return Err(self.package.bad_value());
        }
        if !self.is_there(unstated)? {
            return Ok(None);
        }
        let version = self.version.required_word()?;
        Ok(Some(Package {
            manager: Manager::Dpkg,
            name: name.into(),
            version: version.into(),
            architecture: self.architecture.word()?.unwrap_or_default().into(),
            source: self.source(name, version)?,
            vendor: self.maintainer.value().map(word::text).unwrap_or_default(),
            module: None,
            recorded_in: Arc::clone(path),
        }))
    }

    /// What is wanted, an error flag, and the state: files of the package are there in each but these two (dpkg(1)).
    fn is_there(&self, unstated: Unstated) -> Result<bool, RecordFault> {
        let Some(status) = self.status.value() else {
            return match unstated {
                Unstated::Installed => Ok(true),
                Unstated::Missing => Err(self.status.missing()),
            };
        };
        let mut words = status
            .split(u8::is_ascii_whitespace)
            .filter(|word| !word.is_empty());
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some(_), Some(_), Some(state), None) => {
                Ok(!matches!(state, b"not-installed" | b"config-files"))
            }
            _ => Err(self.status.bad_value()),
        }
    }

    /// `name` or `name (version)`; what is left out is the package's own.
    fn source(&self, name: &str, version: &str) -> Result<SourcePackage, RecordFault> {
        let Some(source) = self.source.value() else {
            return Ok(SourcePackage {
                name: name.into(),
                version: version.into(),
            });
        };
        let ends = |byte: &u8| byte.is_ascii_whitespace() || *byte == b'(';
        let end = source.iter().position(ends).unwrap_or(source.len());
        let (name, rest) = source.split_at(end);
        let in_brackets = |rest: &'a [u8]| {
            rest.strip_prefix(b"(")?
                .strip_suffix(b")")
                .map(<[u8]>::trim_ascii)
        };
        let version = match rest.trim_ascii() {
            b"" => Some(version),
            rest => in_brackets(rest).and_then(word::word),
        };
        match (word::word(name).filter(|name| is_name(name)), version) {
            (Some(name), Some(version)) => Ok(SourcePackage {
                name: name.into(),
                version: version.into(),
            }),
            _ => Err(self.source.bad_value()),
        }
    }
}

/// What dpkg takes for a name (`pkg_name_is_illegal`).
fn is_name(word: &str) -> bool {
    let is_first = |byte: &u8| byte.is_ascii_alphanumeric();
    let is_further = |byte: &u8| byte.is_ascii_alphanumeric() || b"-+._".contains(byte);
    let bytes = word.as_bytes();
    bytes.first().is_some_and(is_first) && bytes.iter().all(is_further)
}

#[cfg(test)]
mod tests;
