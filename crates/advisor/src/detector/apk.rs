//! apk's database: records of one-letter fields (apk-tools, `apk_db_fdb_read`).

use std::sync::Arc;

use super::MAX_PACKAGES;
use super::record::{Field, RecordError, RecordFault, lines};
use super::word;
use crate::{Manager, Package, SourcePackage};

/// The packages of `lib/apk/db/installed`. All of them are installed.
pub(super) fn installed(path: &Arc<str>, content: &[u8]) -> Result<Vec<Package>, RecordError> {
    let mut packages = Vec::new();
    let mut record: Option<Record<'_>> = None;
    for line in lines(content) {
        let (number, line) = line?;
        if !line.is_empty() {
            let record = record.get_or_insert_with(|| Record::new(number));
            record.read(line).map_err(|fault| fault.at(number))?;
        } else if let Some(record) = record.take() {
            packages.push(
                record
                    .package(path)
                    .map_err(|fault| fault.at(record.line))?,
            );
            if packages.len() > MAX_PACKAGES {
                return Err(RecordFault::TooManyPackages.at(record.line));
            }
        }
    }
    // apk ends each record with an empty line, and itself forgets one that has none.
    record.map_or(Ok(packages), |record| {
        Err(RecordFault::Unterminated.at(record.line))
    })
}

struct Record<'a> {
    line: usize,
    package: Field<'a>,
    version: Field<'a>,
    architecture: Field<'a>,
    origin: Field<'a>,
    maintainer: Field<'a>,
}

impl<'a> Record<'a> {
    fn new(line: usize) -> Self {
        Self {
            line,
            package: Field::new("P"),
            version: Field::new("V"),
            architecture: Field::new("A"),
            origin: Field::new("o"),
            maintainer: Field::new("m"),
        }
    }

    fn read(&mut self, line: &'a [u8]) -> Result<(), RecordFault> {
        let [letter, b':', value @ ..] = line else {
            return Err(RecordFault::NotAField);
        };
        match letter {
            b'P' => self.package.set(value),
            b'V' => self.version.set(value),
            b'A' => self.architecture.set(value),
            b'o' => self.origin.set(value),
            b'm' => self.maintainer.set(value),
            _ => Ok(()),
        }
    }

    fn package(&self, path: &Arc<str>) -> Result<Package, RecordFault> {
        let name = self.package.required_word()?;
        let version = self.version.required_word()?;
        Ok(Package {
            manager: Manager::Apk,
            name: name.into(),
            version: version.into(),
            architecture: self.architecture.word()?.unwrap_or_default().into(),
            source: SourcePackage {
                name: self.origin.word()?.unwrap_or(name).into(),
                version: version.into(),
            },
            vendor: self.maintainer.value().map(word::text).unwrap_or_default(),
            module: None,
            recorded_in: Arc::clone(path),
        })
    }
}

#[cfg(test)]
mod tests;
